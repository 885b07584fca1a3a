/* SPDX-License-Identifier: MIT */
/* First instruction of a native app. Comes from the kernel (first env) or from env_make, on a ready stack, own name in
 * rdi, and in a box what it is to know of that in rsi (struct rt_box; else 0). */
	.section .text.start, "ax"
	.globl _start
	.weak _start
_start:
	xor	%ebp, %ebp
	and	$-16, %rsp
	cld
	call	rt_begin
	ud2
	.section .note.GNU-stack, "", @progbits
