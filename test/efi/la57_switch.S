/* SPDX-License-Identifier: MIT */
/* LA57 can only be switched with paging off, so through 32-bit code (Intel SDM vol. 3, 9.8.5). rdi = new root, rsi = where this copy stands. */
#define CODE64 8
#define CODE32 16
	.text
	.global la57_code, la57_code_end
la57_code:
	push %rbx
	push %rbp
	mov %rsp, (saved_rsp - la57_code)(%rsi)
	mov %cs, %eax
	mov %eax, (saved_cs - la57_code)(%rsi)
	sgdt (saved_gdt - la57_code)(%rsi)
	lea (gdt - la57_code)(%rsi), %rax
	mov %rax, (gdt_pointer + 2 - la57_code)(%rsi)
	lgdt (gdt_pointer - la57_code)(%rsi)
	lea (code64 - la57_code)(%rsi), %rax
	mov %eax, (far64 - la57_code)(%rsi)
	push $CODE32
	lea (code32 - la57_code)(%rsi), %rax
	push %rax
	lretq
	.code32
code32:
	mov %cr0, %eax
	and $0x7fffffff, %eax
	mov %eax, %cr0
	mov %cr4, %ecx
	or $0x1000, %ecx
	mov %ecx, %cr4
	mov %edi, %cr3
	or $0x80000000, %eax
	mov %eax, %cr0
	ljmp *(far64 - la57_code)(%esi)
	.code64
code64:
	mov %esi, %esi
	mov (saved_rsp - la57_code)(%rsi), %rsp
	lgdt (saved_gdt - la57_code)(%rsi)
	mov (saved_cs - la57_code)(%rsi), %eax
	push %rax
	lea (back - la57_code)(%rsi), %rax
	push %rax
	lretq
back:
	pop %rbp
	pop %rbx
	ret
	.balign 8
gdt:
	.quad 0, 0x00af9b000000ffff, 0x00cf9b000000ffff
gdt_pointer:
	.word 23
	.quad 0
saved_gdt:
	.word 0
	.quad 0
far64:
	.long 0
	.word CODE64
saved_cs:
	.long 0
saved_rsp:
	.quad 0
la57_code_end:
	.section .note.GNU-stack, "", @progbits
