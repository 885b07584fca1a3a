/* SPDX-License-Identifier: MIT */
/* What C cannot say: the guard's frame, the two doors with every register loaded, vector registers. */

	.text
/* int guarded(void (*run)(uint64_t), uint64_t argument); the fault handler resumes at guard_landing with the rsp saved here. */
	.globl guarded
guarded:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	sub	$8, %rsp
	mov	%rdi, %rbx
	mov	%rsi, %rbp
	mov	%rsp, caught(%rip)
	call	guard_arm
	mov	%rbp, %rdi
	call	*%rbx
	call	guard_disarm
	xor	%eax, %eax
	jmp	1f
	.globl guard_landing
	.hidden guard_landing
guard_landing:
	mov	$1, %eax
1:	add	$8, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret

	.macro door name, instruction
	.globl \name
\name:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	door_in+0(%rip), %rax
	mov	door_in+8(%rip), %rbx
	mov	door_in+16(%rip), %rcx
	mov	door_in+24(%rip), %rdx
	mov	door_in+32(%rip), %rsi
	mov	door_in+40(%rip), %rdi
	mov	door_in+48(%rip), %rbp
	mov	door_in+56(%rip), %r8
	mov	door_in+64(%rip), %r9
	mov	door_in+72(%rip), %r10
	mov	door_in+80(%rip), %r11
	mov	door_in+88(%rip), %r12
	mov	door_in+96(%rip), %r13
	mov	door_in+104(%rip), %r14
	mov	door_in+112(%rip), %r15
	\instruction
	mov	%rax, door_out+0(%rip)
	mov	%rbx, door_out+8(%rip)
	mov	%rcx, door_out+16(%rip)
	mov	%rdx, door_out+24(%rip)
	mov	%rsi, door_out+32(%rip)
	mov	%rdi, door_out+40(%rip)
	mov	%rbp, door_out+48(%rip)
	mov	%r8, door_out+56(%rip)
	mov	%r9, door_out+64(%rip)
	mov	%r10, door_out+72(%rip)
	mov	%r11, door_out+80(%rip)
	mov	%r12, door_out+88(%rip)
	mov	%r13, door_out+96(%rip)
	mov	%r14, door_out+104(%rip)
	mov	%r15, door_out+112(%rip)
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.endm
	door door_syscall, syscall
	door door_int80, "int $0x80"

/* void vector_load(const void *from, int avx), vector_store(void *to, int avx) */
	.globl vector_load
vector_load:
	test	%esi, %esi
	jz	1f
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vmovdqu	32*\n(%rdi), %ymm\n
	.endr
	ret
1:	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movdqu	32*\n(%rdi), %xmm\n
	.endr
	ret
	.globl vector_store
vector_store:
	test	%esi, %esi
	jz	1f
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vmovdqu	%ymm\n, 32*\n(%rdi)
	.endr
	ret
1:	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movdqu	%xmm\n, 32*\n(%rdi)
	.endr
	ret
	.section .note.GNU-stack, "", @progbits
