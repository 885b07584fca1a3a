/* SPDX-License-Identifier: MIT */
/* Instructions that touch memory which a program named, where a page on the way may not be served. All such stand in the section .text.user_copy: on a fault
 * there that cannot be served, upcall_enter moves rip to user_copy_fault. No function of that section has anything on the stack. */

/* int user_copy(void *to, const void *from, size_t n): 0 or -EFAULT.
 * int user_compare_swap(uint32_t *at, uint32_t *old, uint32_t new): likewise; *old becomes what was found. */
	.section .text.user_copy, "ax"
	.globl	user_copy, user_compare_swap, user_copy_fault
user_compare_swap:
	mov	(%rsi), %eax
	lock cmpxchg %edx, (%rdi)
	mov	%eax, (%rsi)
	xor	%eax, %eax
	ret
user_copy:
	mov	%rdx, %rcx
	shr	$3, %rcx
	rep movsq
	mov	%edx, %ecx
	and	$7, %ecx
	rep movsb
	xor	%eax, %eax
	ret

	.text
user_copy_fault:
	mov	$-14, %eax
	ret

	.section .note.GNU-stack, "", @progbits
