/* SPDX-License-Identifier: MIT */
/* Ways into the kernel and the one way out. Assembly saves, switches stacks and jumps; C decides. */
#include <exo/env.h>
#include <exo/gate.h>
#include "cpu.h"
#include "offset.h"
#include "vector.h"

#define LINUX_ENOSYS 38

/* Below a struct trap's vector, in its order. */
	.macro push_kept
	.irp reg, r15, r14, r13, r12, r10, r9, r8, rbp, rdi, rsi, rdx, rbx, rax
	push %\reg
	.endr
	.endm
	.macro push_general
	push %r11
	push %rcx
	push_kept
	.endm
/* As SYSCALL left the registers: all of them into the env's struct trap, then the kernel's own stack. */
	.macro push_call
	mov %gs:CPU_SAVE_END, %rsp
	push $EXO_USER_SS
	push %gs:CPU_USER_RSP
	push %r11
	push $EXO_USER_CS
	push %rcx
	sub $32, %rsp /* vector, error code, rcx and r11 stay what they were */
	push_kept
	mov %gs:CPU_STACK_TOP, %rsp
	xor %ebp, %ebp
	.endm
	.macro pop_general
	.irp reg, rax, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15, rcx, r11
	pop %\reg
	.endr
	.endm

/* From the loader's trampoline: rdi = struct boot_info (direct map), interrupts off, a root that has the upper half. */
	.section .text
	.globl kernel_entry
kernel_entry:
	lea boot_stack_top(%rip), %rsp
	xor %ebp, %ebp
	call kmain
1:	cli
	hlt
	jmp 1b

/* From ring 3 by SYSCALL: eax = number, rcx = rip, r11 = rflags, rsp still the caller's; FMASK has cleared IF. rsp serves as the only scratch. */
	.globl syscall_entry
	.balign 64
syscall_entry:
	swapgs
	mov %rsp, %gs:CPU_USER_RSP
	lea -EXO_GATE_BASE(%rax), %rsp
	cmp $EXO_GATE_SPAN, %rsp
	jb gate_call
	/* Foreign: reflected to the env's own entry, on its own stack. Without an entry rip is 0, which faults. */
	mov %gs:CPU_CURRENT, %rsp
	mov ENV_EXO(%rsp), %rsp
	cmpl $0, EXO_PAGE_DISABLED(%rsp)
	jne foreign_refused
	movl $1, EXO_PAGE_DISABLED(%rsp)
	mov %rcx, EXO_PAGE_FOREIGN_RIP(%rsp)
	mov %r11, EXO_PAGE_FOREIGN_FLAGS(%rsp)
	mov %gs:CPU_CURRENT, %rcx
	mov ENV_ENTRY_FOREIGN(%rcx), %rcx
	mov $(RFLAGS_IF | RFLAGS_FIX), %r11d
	mov %gs:CPU_USER_RSP, %rsp
	swapgs
	sysretq

foreign_refused:
	mov $-LINUX_ENOSYS, %rax
	jmp back_to_caller

back_to_caller:
	mov %gs:CPU_USER_RSP, %rsp
	and $~(RFLAGS_TF | RFLAGS_RF), %r11d
	or $RFLAGS_IF, %r11d
	swapgs
	sysretq

/* All registers that C may spoil are kept; the tables cover the whole span, unassigned numbers included. */
gate_call:
	movzbl %al, %eax /* the number in the tables, also where the CPU runs ahead of the compare (rule 39): gate.c asserts the span */
	mov %gs:CPU_STACK_TOP, %rsp
	testl $(RFLAGS_TF | RFLAGS_RF), %r11d
	jnz gate_slow
#ifdef KERNEL_DEBUG
	cmpq $gate_switches, gate_table(,%rax,8)
	je gate_slow
#endif
	push %rcx
	push %r11
	push %rdi
	push %rsi
	push %rdx
	push %r10
	push %r8
	push %r9
	mov %r10, %rcx
#ifdef KERNEL_DEBUG
	push %rax
	push %rax /* the seventh argument */
	call gate_watched
	add $16, %rsp
#else
	call *gate_table(,%rax,8)
#endif
	pop %r9
	pop %r8
	pop %r10
	pop %rdx
	pop %rsi
	pop %rdi
	pop %r11
	pop %rcx
	mov %gs:CPU_USER_RSP, %rsp
	swapgs
	sysretq

/* In the table, in place of an op that may switch envs: called from gate_call, whose first word on the stack is rip; all else is still in its register. */
	.globl gate_switches
gate_switches:
	mov %gs:CPU_STACK_TOP, %rsp
	mov -8(%rsp), %rcx

/* The whole state goes into the env's struct trap: for ops that may switch, and calls made while single-stepping. */
gate_slow:
	push_call
	mov %r10, %rcx
#ifdef KERNEL_DEBUG
	push %rax
	push %rax
	call gate_watched
#else
	call *gate_ops(,%rax,8)
#endif
	/* An op that has left the caller, even if it came back, has written its result itself. */
	cmpb $0, %gs:CPU_SWITCHED
	jne 1f
	mov %gs:CPU_SAVE_END, %rdx
	mov %rax, -TRAP_SIZE(%rdx)
1:	call sched_check

/* The one way back to an env, whoever is the current one now. C: return_to_env() abandons whatever the stack held. */
	.globl return_to_env
return_to_env:
	mov %gs:CPU_SAVE_END, %rsp
	sub $TRAP_SIZE, %rsp
	pop_general
leave_to_user: /* rsp at vector and error code; CS and SS are always ours, whatever the CPU or the env left there */
	add $16, %rsp
	movq $EXO_USER_CS, 8(%rsp)
	movq $EXO_USER_SS, 32(%rsp)
	swapgs
	iretq

/* Stands in LSTAR in place of syscall_entry while a tracer is bound: every call takes the long way. */
	.globl syscall_traced
	.balign 64
syscall_traced:
	swapgs
	mov %rsp, %gs:CPU_USER_RSP
	push_call
	call trace_enter
	jmp return_to_env

/* An exception. Of ring 3, with an env that has an entry and an rsp that is not on the upcall stack: its frame is pushed here, and nothing else happens: no time
 * passes and nobody wakes. All else, and page faults that only an emulated CPU raises (of a supervisor access, from ring 3), are C's. */
trap_exception:
	testb $3, 24(%rsp)
	jz trap_kernel
	swapgs
	push %rax
	push %rbx
	push %rcx
	mov %gs:CPU_CURRENT, %rbx
	mov 64(%rsp), %rax
	cmp %gs:CPU_UPCALL_LIMIT, %rax
	jae 2f
	cmpq $0, ENV_ENTRY_FAULT(%rbx)
	je 2f
	xor %eax, %eax
	cmpl $14, 24(%rsp)
	jne 1f
	testb $4, 32(%rsp)
	jz 2f
	mov %cr2, %rax
1:	mov %rsp, %rcx
	mov ENV_UPCALL_END(%rbx), %rsp /* struct exo_upcall, from its end */
	pushq $EXO_USER_SS
	push 64(%rcx)
	push 56(%rcx)
	pushq $EXO_USER_CS
	push 40(%rcx)
	push %rax
	mov ENV_EXO(%rbx), %rax
	push EXO_PAGE_PENDING(%rax) /* and disabled */
	movl $1, EXO_PAGE_DISABLED(%rax)
	push 32(%rcx)
	push 24(%rcx)
	push ENV_UPCALL_RESUME(%rbx)
	mov ENV_ENTRY_FAULT(%rbx), %rax
	mov %rax, 40(%rcx)
	movq $(RFLAGS_IF | RFLAGS_FIX), 56(%rcx)
	mov ENV_UPCALL_AT(%rbx), %rax
	mov %rax, 64(%rcx)
	mov %rcx, %rsp
	pop %rcx
	pop %rbx
	pop %rax
	jmp leave_to_user
2:	pop %rcx
	pop %rbx
	pop %rax
	jmp trap_known

/* Vector and error code are stacked; IF=0 by interrupt gate. From ring 3 that is in the env's struct trap. */
trap_common:
	testb $3, 24(%rsp)
	jz trap_kernel
	swapgs
trap_known: /* GS is this CPU's */
	push_general
	mov %rsp, %rdi
	mov %gs:CPU_STACK_TOP, %rsp
	xor %ebp, %ebp
	push $RFLAGS_FIX /* clears DF, and AC, which would switch SMAP off */
	popfq
	call trap_enter
	jmp return_to_env

/* From the idle loop, or a broken kernel. */
trap_kernel:
	push_general
	mov %rsp, %rdi
	xor %ebp, %ebp
	cld
	call trap_enter
	pop_general
	add $16, %rsp
	iretq

/* #DB comes on a stack of its own (MOV SS can delay it into the first kernel instruction, before swapgs). From ring 0 it is dropped; from ring 3 its frame
 * moves to struct trap. */
trap_debug:
	testb $3, 8(%rsp)
	jnz 1f
	andl $~RFLAGS_TF, 16(%rsp)
	iretq
1:	swapgs
	push %rax
	mov %rsp, %rax
	mov %gs:CPU_SAVE_END, %rsp
	push 40(%rax)
	push 32(%rax)
	push 24(%rax)
	push 16(%rax)
	push 8(%rax)
	mov (%rax), %rax
	push $0
	push $1
	jmp trap_known

/* NMI (hardware that fails, or a person who asks for a report), #DF, #MC: own stacks, no way back, no trust in GS. */
trap_fatal:
	push_general
	cld
	mov %rsp, %rdi
	call panic_trap

/* One stub for each vector; 2, 8 and 18 are fatal, 1 special; 8, 10-14, 17, 21, 29, 30 bring an error code. */
	.altmacro
	.macro stub n
	.if \n == 1
trap_stub_\n:
	jmp trap_debug
	.elseif \n == 2 || \n == 8 || \n == 18
trap_stub_\n:
	.if \n != 8
	push $0
	.endif
	push $\n
	jmp trap_fatal
	.elseif (\n >= 10 && \n <= 14) || \n == 17 || \n == 21 || \n == 29 || \n == 30
trap_stub_\n:
	push $\n
	jmp trap_exception
	.else
trap_stub_\n:
	push $0
	push $\n
	.if \n < 32
	jmp trap_exception
	.else
	jmp trap_common
	.endif
	.endif
	.endm
	.macro stub_address n
	.quad trap_stub_\n
	.endm
	.set i, 0
	.rept 256
	stub %i
	.set i, i + 1
	.endr

/* Direct vectors: the only code here that ring 3 runs, in a page of its own that every env sees at EXO_SELF_ENTER. rsp comes as the CPU's IST names the
 * exception page, which may be an address that ring 3 cannot use. 48 bytes lie there for vector 17, which has an error code, and 40 for all others. */
	.macro direct n
	.balign DIRECT_STUB_SIZE
	.if \n == 17
	movabs $(EXO_SELF_DIRECT + EXO_PAGE_SIZE - 48), %rsp
	.else
	movabs $(EXO_SELF_DIRECT + EXO_PAGE_SIZE - 40), %rsp
	.endif
	jmp *direct_enter + EXO_PAGE_SIZE + 8 * \n(%rip) /* EXO_SELF_DIRECT is the next page there */
	.endm
	.balign 4096
	.globl direct_enter
direct_enter:
	.set i, 0
	.rept 20
	direct %i
	.set i, i + 1
	.endr
	.balign 4096, 0xcc

	.section .rodata
	.globl trap_stubs
	.balign 8
trap_stubs:
	.set i, 0
	.rept 256
	stub_address %i
	.set i, i + 1
	.endr

	.section .bss
	.balign 4096
boot_stack:
	.skip 16384
	.globl boot_stack_top
boot_stack_top:
	.section .note.GNU-stack,"",@progbits
