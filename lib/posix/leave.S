/* SPDX-License-Identifier: MIT */
/* The return to user code, from P->regs; entry.S says what holds while it is under way. */
#include <exo/env.h>
#include <family/process.h>

	.text

/* void user_leave(const struct user_regs *regs, struct exo_page *exo): to user code. Returns, disabled again, when an
 * asynchronous event is pending. */
	.globl	user_leave, user_leave_end
user_leave:
	movl	$0, EXO_PAGE_DISABLED(%rsi)
	cmpl	$0, EXO_PAGE_PENDING(%rsi)
	jne	2f
	cmpq	$0, R_FULL(%rdi)
	jne	1f
	pushq	R_RFLAGS(%rdi)
	popfq
	mov	R_RAX(%rdi), %rax
	mov	R_RBX(%rdi), %rbx
	mov	R_RDX(%rdi), %rdx
	mov	R_RSI(%rdi), %rsi
	mov	R_RBP(%rdi), %rbp
	mov	R_R8(%rdi), %r8
	mov	R_R9(%rdi), %r9
	mov	R_R10(%rdi), %r10
	mov	R_R12(%rdi), %r12
	mov	R_R13(%rdi), %r13
	mov	R_R14(%rdi), %r14
	mov	R_R15(%rdi), %r15
	mov	R_RFLAGS(%rdi), %r11
	mov	R_RIP(%rdi), %rcx
	mov	R_RSP(%rdi), %rsp
	mov	R_RDI(%rdi), %rdi
	jmp	*%rcx
	/* All registers: by iretq, from the top of the upcall stack, which nobody uses now; by the address that iretq
	 * wants it (exo_page.iret_alias). */
1:	lea	EXO_GROUP_STACK + EXO_STACK_SIZE(%rsi), %rsp
	pushq	$EXO_USER_SS
	pushq	R_RSP(%rdi)
	pushq	R_RFLAGS(%rdi)
	pushq	$EXO_USER_CS
	pushq	R_RIP(%rdi)
	add	EXO_PAGE_IRET_ALIAS + 8(%rsi), %rsp
	mov	R_RAX(%rdi), %rax
	mov	R_RBX(%rdi), %rbx
	mov	R_RCX(%rdi), %rcx
	mov	R_RDX(%rdi), %rdx
	mov	R_RSI(%rdi), %rsi
	mov	R_RBP(%rdi), %rbp
	mov	R_R8(%rdi), %r8
	mov	R_R9(%rdi), %r9
	mov	R_R10(%rdi), %r10
	mov	R_R11(%rdi), %r11
	mov	R_R12(%rdi), %r12
	mov	R_R13(%rdi), %r13
	mov	R_R14(%rdi), %r14
	mov	R_R15(%rdi), %r15
	mov	R_RDI(%rdi), %rdi
	iretq
2:	movl	$1, EXO_PAGE_DISABLED(%rsi)
user_leave_end:
	ret

	.section .note.GNU-stack, "", @progbits
