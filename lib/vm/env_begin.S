/* SPDX-License-Identifier: MIT */
/* Where a new env begins, and where one begins anew. */
#include <family/process.h>

#define STACK (PRIVATE_AREA + PRIVATE_PROCESS + P_STACK)

	.text
/* void library_restart(void (*go_on)(void *), void *argument): calls it on the empty library stack of the thread that runs here. Does not return.
 * library_begin: the first instruction of new envs, which come with a stack of their own. */
	.globl	library_restart, library_begin
library_restart:
	movabs	STACK, %rax
	mov	%rax, %rsp
library_begin:
	mov	%rdi, %rax
	mov	%rsi, %rdi
	xor	%ebp, %ebp
	cld
	call	*%rax
	ud2

	.section .note.GNU-stack, "", @progbits
