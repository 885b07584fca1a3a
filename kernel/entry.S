/* SPDX-License-Identifier: MIT */
/* Ways into the kernel and the one way out. Assembly saves, switches stacks and jumps; C decides. */
#include <exo/env.h>
#include <exo/gate.h>
#include "cpu.h"
#include "vector.h"

#define CPU_USER_RSP      8
#define CPU_EXO           16
#define CPU_FOREIGN_ENTRY 24
#define CPU_STACK_TOP     32
#define LINUX_ENOSYS      38
#define KERNEL_CS         8

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
	mov %gs:CPU_EXO, %rsp
	cmpl $0, EXO_PAGE_DISABLED(%rsp)
	jne foreign_refused
	movl $1, EXO_PAGE_DISABLED(%rsp)
	mov %rcx, EXO_PAGE_FOREIGN_RIP(%rsp)
	mov %r11, EXO_PAGE_FOREIGN_FLAGS(%rsp)
	mov %gs:CPU_FOREIGN_ENTRY, %rcx
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
	mov %gs:CPU_STACK_TOP, %rsp
	testl $(RFLAGS_TF | RFLAGS_RF), %r11d
	jnz gate_slow
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
	push %rax
	call *gate_table - 8 * EXO_GATE_BASE(,%rax,8)
	mov %rax, (%rsp)
	mov 8(%rsp), %rdi
	call recount_changed
	pop %rax
	add $8, %rsp
#else
	call *gate_table - 8 * EXO_GATE_BASE(,%rax,8)
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

/* In the table, in place of an op that may switch envs: called from gate_call with the op's number in rax. Starts over, with the whole state kept. */
	.globl gate_switches
gate_switches:
	mov %gs:CPU_STACK_TOP, %rsp
	sub $64, %rsp
	pop %r9
	pop %r8
	pop %r10
	pop %rdx
	pop %rsi
	pop %rdi
	pop %r11
	pop %rcx

/* The whole state goes into a struct trap: for ops that may switch, and calls made while single-stepping. */
gate_slow:
	push $EXO_USER_SS
	push %gs:CPU_USER_RSP
	push %r11
	push $EXO_USER_CS
	push %rcx
	push $0
	push $0x100
	call save_registers
	mov %rsp, %rdi
	call gate_enter
	jmp return_to_user_now

/* Called with the frame's vector on top (below the return address): stacks the registers in the order of struct trap. */
save_registers:
	xchg %r15, (%rsp)
	push %r14
	push %r13
	push %r12
	push %r11
	push %r10
	push %r9
	push %r8
	push %rbp
	push %rdi
	push %rsi
	push %rdx
	push %rcx
	push %rbx
	push %rax
	xor %ebp, %ebp
	jmp *%r15

/* The one exit. C: return_to_user(trap) abandons whatever the stack held. */
	.globl return_to_user
return_to_user:
	mov %rdi, %rsp
return_to_user_now:
	pop %rax
	pop %rbx
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
	pop %rbp
	pop %r8
	pop %r9
	pop %r10
	pop %r11
	pop %r12
	pop %r13
	pop %r14
	pop %r15
	add $16, %rsp
	testb $3, 8(%rsp)
	jz 1f
	/* CS and SS are always ours, whatever the CPU or the env left there. */
	movq $EXO_USER_CS, 8(%rsp)
	movq $EXO_USER_SS, 32(%rsp)
	swapgs
1:	iretq

/* From ring 3, or from the idle loop or a broken kernel: vector and error code are stacked; IF=0 by interrupt gate. */
trap_common:
	testb $3, 24(%rsp)
	jz 1f
	swapgs
1:	call save_registers
	push $RFLAGS_FIX /* clears DF, and AC, which would switch SMAP off */
	popfq
	mov %rsp, %rdi
	call trap_enter
	jmp return_to_user_now

/* #DB comes on a stack of its own (MOV SS can delay it into the first kernel instruction, before swapgs). From ring 0 it is dropped; from ring 3 its frame
 * moves to the kernel stack. */
trap_debug:
	testb $3, 8(%rsp)
	jnz 1f
	andl $~RFLAGS_TF, 16(%rsp)
	iretq
1:	swapgs
	push %rax
	mov %rsp, %rax
	mov %gs:CPU_STACK_TOP, %rsp
	push 40(%rax)
	push 32(%rax)
	push 24(%rax)
	push 16(%rax)
	push 8(%rax)
	mov (%rax), %rax
	push $0
	push $1
	call save_registers
	push $RFLAGS_FIX
	popfq
	mov %rsp, %rdi
	call trap_enter
	jmp return_to_user_now

/* NMI (hardware that fails, or a person who asks for a report), #DF, #MC: own stacks, no way back, no trust in GS. */
trap_fatal:
	call save_registers
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
	jmp trap_common
	.else
trap_stub_\n:
	push $0
	push $\n
	jmp trap_common
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
