/* SPDX-License-Identifier: MIT */
/* Library stacks: the switch from one thread of an env to another, the first instruction of a new thread and of a new env, beginning anew on an empty one. */
#include <run/process.h>

#define STACK (PRIVATE_AREA + PRIVATE_PROCESS + P_STACK)

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

/* A new thread, its struct thread_start in rbx. */
thread_first:
	mov	%rbx, %rdi
	call	thread_begin
	ud2

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
