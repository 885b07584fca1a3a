/* SPDX-License-Identifier: MIT */
/* The four entries of an env: each builds struct rt_regs on the upcall stack, calls C and resumes by a ring-3 iretq. What happens is C's (upcall.c, the app). */
#include <exo/env.h>
#include <exo/layout.h>
#include "regs.h"

	.macro save_general
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	.endm

	/* rsp = struct rt_regs: calls \function(regs) on an aligned stack, then goes on at rt_restore. */
	.macro call_and_resume function
	mov	%rsp, %rdi
	mov	%rsp, %rbx
	and	$-16, %rsp
	cld
	call	\function
	mov	%rbx, %rsp
	jmp	rt_restore
	.endm

	.text
/* The kernel enters here with struct exo_upcall at rsp, on the upcall stack, all registers those of the interrupted code. */
	.globl rt_fault_entry
rt_fault_entry:
	save_general
	call_and_resume rt_upcall_fault

	.globl rt_async_entry
rt_async_entry:
	save_general
	call_and_resume rt_upcall_async

/* Reflected SYSCALL: rsp is the program's, rcx and r11 are lost, rip and flags lie in the exo page, disabled is set (so no asynchronous upcall is
 * on the upcall stack, and its top is free: unless it was a handler that made the call, which a disabled env cannot). */
	.globl rt_foreign_entry
rt_foreign_entry:
	movabs	$(EXO_INFO + RT_INFO_CURRENT), %rcx
	mov	(%rcx), %ecx
	and	$(EXO_ENV_MAX - 1), %ecx
	shl	$16, %rcx
	movabs	$EXO_GROUPS, %r11
	add	%r11, %rcx
	mov	%rsp, %r11
	lea	EXO_GROUP_STACK + EXO_STACK_SIZE(%rcx), %rsp
	pushq	$EXO_USER_SS
	push	%r11
	mov	EXO_PAGE_FOREIGN_FLAGS(%rcx), %r11
	push	%r11
	pushq	$EXO_USER_CS
	mov	EXO_PAGE_FOREIGN_RIP(%rcx), %rcx
	push	%rcx
	pushq	$0
	pushq	$0
	pushq	$0
	pushq	$RT_VECTOR_FOREIGN
	save_general
	call_and_resume rt_upcall_foreign

/* Reflected int 0x80: as above, but every register is the program's; the first two are saved below its red zone. */
	.globl rt_int80_entry
rt_int80_entry:
	lea	-128(%rsp), %rsp
	push	%rcx
	push	%rax
	movabs	$(EXO_INFO + RT_INFO_CURRENT), %rcx
	mov	(%rcx), %ecx
	and	$(EXO_ENV_MAX - 1), %ecx
	shl	$16, %rcx
	movabs	$EXO_GROUPS, %rax
	add	%rax, %rcx
	mov	%rsp, %rax
	lea	EXO_GROUP_STACK + EXO_STACK_SIZE(%rcx), %rsp
	pushq	$EXO_USER_SS
	add	$144, %rax
	push	%rax
	pushq	EXO_PAGE_FOREIGN_FLAGS(%rcx)
	pushq	$EXO_USER_CS
	pushq	EXO_PAGE_FOREIGN_RIP(%rcx)
	pushq	$0
	pushq	$0
	pushq	$0
	pushq	$RT_VECTOR_INT80
	mov	-136(%rax), %rcx
	mov	-144(%rax), %rax
	save_general
	call_and_resume rt_upcall_foreign

/* void rt_resume(struct rt_regs *): does not return. rt_restore is the same with the frame at rsp: a place where a new env may start. */
	.globl rt_resume
rt_resume:
	mov	%rdi, %rsp
	.globl rt_restore
rt_restore:
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	/* An emulated CPU may want the frame by another address (exo_page.iret_alias). rax is the only register left, so the distance goes over the
	 * frame's vector, and the last add moves rsp by it. Neither frames nor registers outside the group's window have one. */
	mov	%rsp, %rax
	shr	$28, %rax
	cmp	$(EXO_GROUPS >> 28), %rax
	jne	3f
	lea	40(%rsp), %rax
	test	$0x4000, %eax
	jz	1f
	and	$-EXO_GROUP_SIZE, %rax
	mov	EXO_PAGE_IRET_ALIAS + 8(%rax), %rax
	jmp	2f
1:	and	$-EXO_GROUP_SIZE, %rax
	mov	EXO_PAGE_IRET_ALIAS(%rax), %rax
2:	add	$32, %rax
	mov	%rax, 8(%rsp)
	pop	%rax
	add	(%rsp), %rsp
	iretq
3:	pop	%rax
	add	$32, %rsp
	iretq
	.section .note.GNU-stack, "", @progbits
