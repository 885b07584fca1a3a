/* SPDX-License-Identifier: MIT */
/* First instruction of a native app. Comes from the kernel (first env) or from env_make, on a ready stack, own name in rdi. */
	.section .text.start, "ax"
	.globl _start
	.weak _start
_start:
	xor	%ebp, %ebp
	and	$-16, %rsp
	cld
	call	app_main
	xor	%edi, %edi
	call	rt_off
	ud2
	.section .note.GNU-stack, "", @progbits
