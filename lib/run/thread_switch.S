/* SPDX-License-Identifier: MIT */
/* The switch from one thread of an env to another, on their library stacks, and the first instruction of a new one. */
	.text

/* void stack_switch(uint64_t *keep, uint64_t rsp): goes on where the thread with that rsp left by stack_switch, or begins (thread.c) at thread_first. */
	.globl	stack_switch, thread_first
stack_switch:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

/* A new thread, its struct thread_start in rbx; the function that it goes on with lies on the stack. */
thread_first:
	mov	%rbx, %rdi
	call	thread_begin
	ret

	.section .note.GNU-stack, "", @progbits
