/* SPDX-License-Identifier: MIT */
/* The four entries of an env: each builds struct rt_regs on the upcall stack, calls C and resumes by a ring-3 iretq. What happens is C's (the app). */
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

	.macro restore_general
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
	pop	%rax
	.endm

	/* rsp = struct rt_regs, whose end is 16-byte aligned: calls \function(regs). */
	.macro call_handler function
	mov	%rsp, %rdi
	sub	$8, %rsp
	call	\function
	add	$8, %rsp
	.endm

	.text
/* The kernel enters here with struct exo_upcall at rsp, on the upcall stack, all registers those of the interrupted code. */
	.globl rt_fault_entry
rt_fault_entry:
	save_general
	call_handler rt_on_fault

/* rsp = struct rt_regs as it was entered: `disabled` becomes what it was. What came before that was deferred, and nobody else will look again. */
leave:
	movabs	$EXO_SELF_EXO, %rcx
	mov	RT_REGS_DISABLED(%rsp), %eax
	xchg	%eax, EXO_PAGE_DISABLED(%rcx)
	cmpl	$0, EXO_PAGE_PENDING(%rcx)
	jne	2f
1:	restore_general
	add	(%rsp), %rsp
	iretq
2:	cmpl	$0, RT_REGS_DISABLED(%rsp)
	jne	1b
pending:
	call_handler rt_upcall_pending
	jmp	leave

	.globl rt_async_entry
rt_async_entry:
	save_general
	jmp	pending

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
	pushq	EXO_PAGE_FOREIGN_FLAGS(%rcx)
	pushq	$EXO_USER_CS
	pushq	EXO_PAGE_FOREIGN_RIP(%rcx)
	pushq	$0
	pushq	$0
	pushq	$0
	pushq	$RT_VECTOR_FOREIGN
	mov	EXO_PAGE_IRET_ALIAS + 8(%rcx), %rcx
	add	$EXO_UPCALL_RESUME, %rcx
	push	%rcx
	save_general
	call_handler rt_on_foreign
	jmp	leave

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
	mov	EXO_PAGE_IRET_ALIAS + 8(%rcx), %rcx
	add	$EXO_UPCALL_RESUME, %rcx
	push	%rcx
	mov	-136(%rax), %rcx
	mov	-144(%rax), %rax
	save_general
	call_handler rt_on_foreign
	jmp	leave

/* void rt_resume(struct rt_regs *): does not return. rt_restore is the same with the frame at rsp: a place where a new env may start. The frame may lie
 * anywhere, so `resume` is not used. */
	.globl rt_resume
rt_resume:
	mov	%rdi, %rsp
	.globl rt_restore
rt_restore:
	restore_general
	add	$EXO_UPCALL_RESUME, %rsp
	iretq
	.section .note.GNU-stack, "", @progbits
