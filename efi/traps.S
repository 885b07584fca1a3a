/* SPDX-License-Identifier: MIT */
/* Exception handlers for the time between the firmware's IDT and the kernel's: they print vector, error code, CR2 and
 * rip on the serial port, and stop.
 * One position-independent page without data, so that a copy of it works in the kernel's half. */
#define FRAME 56        /* vector, error code, and the CPU's five words: then comes struct trap_voice (traps.c) */
#define VOICE_STEP 8
#define STATUS 5        /* of a 16550: its line status register */
#define EMPTY 0x20
	.text
	.balign 4096
	.global traps_code, traps_code_end, traps_switch

/* 32 entries of 16 bytes, entered by the CPU on the IST stack; those without an error code push 0 for it. */
traps_code:
	.set vector, 0
	.rept 32
	.balign 16
	.if !((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30))
	pushq $0
	.endif
	pushq $vector
	jmp report
	.set vector, vector + 1
	.endr

/* Here from every entry: rsp points at vector, error code, rip. Nothing returns, so no register is kept. */
	.balign 16
report:
	lea FRAME(%rsp), %rbp
	lea text_vector(%rip), %rsi
	mov (%rsp), %rbx
	call print
	lea text_error(%rip), %rsi
	mov 8(%rsp), %rbx
	call print
	lea text_cr2(%rip), %rsi
	mov %cr2, %rbx
	call print
	lea text_rip(%rip), %rsi
	mov 16(%rsp), %rbx
	call print
	lea text_rsp(%rip), %rsi
	mov 40(%rsp), %rbx
	call print
	lea text_end(%rip), %rsi
	call text
1:	cli
	hlt
	jmp 1b

/* Text at rsi, then rbx in hex. */
print:
	call text
	mov $16, %edi
1:	rol $4, %rbx
	mov %ebx, %eax
	and $15, %eax
	add $'0', %al
	cmp $'9', %al
	jbe 2f
	add $'a' - '0' - 10, %al
2:	call put
	dec %edi
	jnz 1b
	ret

text:
	lodsb
	test %al, %al
	jz 1f
	call put
	jmp text
1:	ret

/* al to the serial port at rbp once it has room, or after a bounded wait: ports, bytes in memory, or words there. */
put:
	movzbl %al, %r8d
	mov $100000, %ecx
	mov (%rbp), %rdx
	test %rdx, %rdx
	jz 4f
	cmpl $1, VOICE_STEP(%rbp)
	je 2f
	ja 3f
	add $STATUS, %edx
1:	inb %dx, %al
	test $EMPTY, %al
	loopz 1b
	sub $STATUS, %edx
	mov %r8d, %eax
	outb %al, %dx
	ret
2:	testb $EMPTY, STATUS(%rdx)
	loopz 2b
	movb %r8b, (%rdx)
	ret
3:	testl $EMPTY, 4 * STATUS(%rdx)
	loopz 3b
	movl %r8d, (%rdx)
4:	ret

text_vector: .asciz "\r\nefi: exception before the kernel's own handlers: vector "
text_error:  .asciz " error "
text_cr2:    .asciz " cr2 "
text_rip:    .asciz " rip "
text_rsp:    .asciz " rsp "
text_end:    .asciz "\r\n"
traps_code_end:

/* traps_switch(gdt pointer, idt pointer, task selector): C calls it one to one, interrupts off. */
traps_switch:
	lgdt (%rdi)
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	pushq $0x08
	lea 1f(%rip), %rax
	pushq %rax
	lretq
1:	lidt (%rsi)
	ltr %dx
	ret
	.section .note.GNU-stack, "", @progbits
