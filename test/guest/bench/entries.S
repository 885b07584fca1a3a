/* SPDX-License-Identifier: MIT */
/* Entries whose first instruction notes the time; rax and rdx are lost. */
#include <exo/env.h>

	.text
	.globl	stamp_fault, stamp_foreign
	.hidden	stamp, skip
stamp_fault:
	rdtsc
	mov	%eax, stamp+4(%rip)
	mov	skip(%rip), %rax
	add	%rax, EXO_UPCALL_RESUME(%rsp)
	movabs	$EXO_SELF_EXO, %rax
	movl	$0, EXO_PAGE_DISABLED(%rax)
	add	(%rsp), %rsp
	iretq

stamp_foreign:
	rdtsc
	mov	%eax, stamp+4(%rip)
	movabs	$EXO_SELF_EXO, %rax
	movl	$0, EXO_PAGE_DISABLED(%rax)
	jmp	*EXO_PAGE_FOREIGN_RIP(%rax)
	.section .note.GNU-stack, "", @progbits
