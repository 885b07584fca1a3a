/* SPDX-License-Identifier: MIT */
/* int user_xsave(void *image, size, xcr0), user_xrstor(const void *image, size): the vector state, straight to and from a 64-byte-aligned image in user
 * memory, with what Linux writes around it (sigframe.h: struct xstate_sw, SIGFRAME_MAGIC2). -EFAULT when a page cannot be served (vm/user_copy.S), or XRSTOR
 * refuses the image; 1: it is a legacy one. */
#include "sigframe.h"

	.section .text.user_copy, "ax"
	.globl	user_xsave, user_xrstor
user_xsave:
	mov	%rdx, %rcx
	xor	%eax, %eax
	mov	%rax, 512(%rdi) /* the header, of which XSAVE writes only the first word */
	mov	%rax, 520(%rdi)
	mov	%rax, 528(%rdi)
	mov	%rax, 536(%rdi)
	mov	%rax, 544(%rdi)
	mov	%rax, 552(%rdi)
	mov	%rax, 560(%rdi)
	mov	%rax, 568(%rdi)
	dec	%eax
	mov	%eax, %edx
	xsave64	(%rdi)
	xor	%eax, %eax
	movl	$SIGFRAME_MAGIC1, SIGFRAME_SW(%rdi)
	mov	%rcx, SIGFRAME_SW + 8(%rdi)
	mov	%rsi, SIGFRAME_SW + 16(%rdi)
	mov	%rax, SIGFRAME_SW + 24(%rdi)
	mov	%rax, SIGFRAME_SW + 32(%rdi)
	mov	%rax, SIGFRAME_SW + 40(%rdi)
	movl	$SIGFRAME_MAGIC2, (%rdi, %rsi)
	add	$4, %esi
	mov	%esi, SIGFRAME_SW + 4(%rdi)
	ret
user_xrstor:
	mov	$1, %eax
	cmpl	$SIGFRAME_MAGIC1, SIGFRAME_SW(%rdi)
	jne	1f
	cmp	%esi, SIGFRAME_SW + 16(%rdi)
	jne	1f
	cmpl	$SIGFRAME_MAGIC2, (%rdi, %rsi)
	jne	1f
	mov	$-1, %eax
	mov	%eax, %edx
	xrstor64 (%rdi)
	xor	%eax, %eax
1:	ret

	.section .note.GNU-stack, "", @progbits
