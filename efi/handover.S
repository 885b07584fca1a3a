/* SPDX-License-Identifier: MIT */
/* From the firmware's page tables to the kernel's. handover.c copies this block to a page below 4 GiB, fills in what is marked, and jumps to it:
 * interrupts off, one to one. Nothing returns. */
#include "handover.h"
#define EFER      0xc0000080
#define EFER_NXE  11
#define CR4_LA57  12
#define CR4_SET   0x6a0      /* PAE PGE OSFXSR OSXMMEXCPT */
#define CR0_CLEAR 0x6000000c /* CD NW TS EM */
#define CR0_SET   0x00010022 /* WP NE MP */
	.text
	.balign 4096
	.global handover_code, handover_code_end, handover_arguments
	.global handover_far32, handover_code32, handover_far64, handover_code64, handover_gdt, handover_gdt_pointer
handover_code:
	mov $EFER, %ecx
	rdmsr
	bts $EFER_NXE, %eax
	wrmsr
	lea handover_code(%rip), %rbx
	mov HANDOVER_ROOT + handover_arguments(%rip), %rsi
	mov %cr4, %rax
	bt $CR4_LA57, %eax
	jnc handover_code64
	/* 57-bit addresses can only be left with paging off, so from 32-bit code. */
	lgdt handover_gdt_pointer(%rip)
	ljmp *handover_far32(%rip)

	.code32
handover_code32:
	mov %cr0, %eax
	btr $31, %eax
	mov %eax, %cr0
	mov %cr4, %eax
	btr $CR4_LA57, %eax
	mov %eax, %cr4
	mov %esi, %cr3
	mov %cr0, %eax
	bts $31, %eax
	mov %eax, %cr0
	ljmp *(handover_far64 - handover_code)(%ebx)

	.code64
handover_code64:
	mov HANDOVER_ROOT + handover_arguments(%rip), %rsi
	mov %rsi, %cr3
	mov %cr4, %rax
	or $CR4_SET, %eax
	mov %rax, %cr4
	mov %cr0, %rax
	and $~CR0_CLEAR, %eax
	or $CR0_SET, %eax
	mov %rax, %cr0
	mov HANDOVER_GDT + handover_arguments(%rip), %rax
	lgdt (%rax)
	mov HANDOVER_IDT + handover_arguments(%rip), %rax
	lidt (%rax)
	mov HANDOVER_TASK + handover_arguments(%rip), %rax
	ltr %ax
	mov HANDOVER_STACK + handover_arguments(%rip), %rsp
	mov HANDOVER_INFO + handover_arguments(%rip), %rdi
	xor %ebp, %ebp
	jmp *HANDOVER_ENTRY + handover_arguments(%rip)

	.balign 8
handover_gdt: /* 0x08: 64-bit code, 0x10: data, 0x18: 32-bit code */
	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff
handover_gdt_pointer:
	.word 31
	.quad 0 /* filled in */
handover_far32:
	.long 0 /* filled in */
	.word 0x18
handover_far64:
	.long 0 /* filled in */
	.word 0x08
	.balign 8
handover_arguments:
	.skip HANDOVER_SIZE /* filled in */
handover_code_end:
	.section .note.GNU-stack, "", @progbits
