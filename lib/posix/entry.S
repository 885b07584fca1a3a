/* SPDX-License-Identifier: MIT */
/* All ways into the library: first instruction, the four upcall entries. The way back is in leave.S.
 *
 * The user's registers go to P->regs before anything else happens, and stay there until the next entry. So whatever interrupts the instructions between
 * user_leave and user_leave_end (an upcall or a fault, with `disabled` clear) throws that attempt away and leaves anew from P->regs. The same holds between
 * quick_leave and quick_leave_end, where the registers that C preserves are still in the CPU. */
#include <exo/env.h>
#include <family/process.h>
#include <posix/call/syscall.h>

#define REGS  (PRIVATE_AREA + PRIVATE_PROCESS + P_REGS)
#define STACK (PRIVATE_AREA + PRIVATE_PROCESS + P_STACK)

/* Offsets in struct exo_upcall (upcall.c). */
#define U_VECTOR   8
#define U_ERROR    16
#define U_DISABLED 28
#define U_ADDR     32
#define U_RIP      40
#define U_RFLAGS   56
#define U_RSP      64

	.section .text.start, "ax"

/* From the kernel, first env: boot stack, own name in rdi, rsi 0. Or in a box that another build made (rt.h): on a
 * stack in this home, rsi = struct rt_box *. */
	.globl	_start
_start:
	xor	%ebp, %ebp
	and	$-16, %rsp
	cld
	test	%rsi, %rsi
	jnz	1f
	call	app_main
	ud2
1:	call	posix_start_in
	ud2

/* What tells box(1) that this app takes a command, files and a terminal: Elf64_Nhdr and the name. */
	.section .note.aril, "a", @note
	.balign	4
	.long	5, 0, 1
	.asciz	"Aril"
	.balign	4

	.text

/* For debuggers alone: where the program's registers are while C runs that was called from here. DWARF numbers them
 * rax rdx rcx rbx rsi rdi rbp rsp r8 to r15 rip. A signal frame, since the stacks lie anywhere. */
	.cfi_sections .debug_frame
.macro told_at number, offset /* in P->regs: DW_CFA_expression, DW_OP_addr */
	.cfi_escape 0x10, \number, 9, 0x03, (REGS + \offset) & 255, (REGS + \offset) >> 8 & 255, (REGS + \offset) >> 16 & 255
	.cfi_escape (REGS + \offset) >> 24 & 255, (REGS + \offset) >> 32 & 255, (REGS + \offset) >> 40 & 255, 0, 0
.endm
.macro told_above number, offset /* at rsp + offset: DW_CFA_expression, DW_OP_breg7 */
	.cfi_escape 0x10, \number, 3, 0x77, (\offset) & 127 | 128, (\offset) >> 7
.endm
.macro each_told how, rip
	\how	0, R_RAX
	\how	1, R_RDX
	\how	2, R_RCX
	\how	3, R_RBX
	\how	4, R_RSI
	\how	5, R_RDI
	\how	6, R_RBP
	\how	8, R_R8
	\how	9, R_R9
	\how	10, R_R10
	\how	11, R_R11
	\how	12, R_R12
	\how	13, R_R13
	\how	14, R_R14
	\how	15, R_R15
	\how	16, \rip
.endm
.macro told_in_regs
	.cfi_startproc
	.cfi_signal_frame
	/* rsp: DW_CFA_def_cfa_expression, DW_OP_addr, DW_OP_deref */
	.cfi_escape 0x0f, 10, 0x03, (REGS + R_RSP) & 255, (REGS + R_RSP) >> 8 & 255, (REGS + R_RSP) >> 16 & 255
	.cfi_escape (REGS + R_RSP) >> 24 & 255, (REGS + R_RSP) >> 32 & 255, (REGS + R_RSP) >> 40 & 255, 0, 0, 0x06
	each_told told_at, R_RIP
.endm
.macro told_on_stack /* struct upcall_frame at rsp */
	.cfi_startproc
	.cfi_signal_frame
	.cfi_escape 0x0f, 4, 0x77, (R_RIP + U_RSP) & 127 | 128, (R_RIP + U_RSP) >> 7, 0x06
	each_told told_above, R_RIP + U_RIP
.endm

/* Stores all user registers. The only instruction that can name a 64-bit address without another register moves rax. Falls out with rax = REGS. */
.macro registers_keep
	movabs	%rax, REGS + R_RAX
	movabs	$REGS, %rax
	mov	%rbx, R_RBX(%rax)
	mov	%rcx, R_RCX(%rax)
	mov	%rdx, R_RDX(%rax)
	mov	%rsi, R_RSI(%rax)
	mov	%rdi, R_RDI(%rax)
	mov	%rbp, R_RBP(%rax)
	mov	%r8, R_R8(%rax)
	mov	%r9, R_R9(%rax)
	mov	%r10, R_R10(%rax)
	mov	%r11, R_R11(%rax)
	mov	%r12, R_R12(%rax)
	mov	%r13, R_R13(%rax)
	mov	%r14, R_R14(%rax)
	mov	%r15, R_R15(%rax)
	mov	%rsp, R_RSP(%rax)
	mov	P_EXO - P_REGS(%rax), %rdx
	mov	EXO_PAGE_FOREIGN_RIP(%rdx), %rcx
	mov	%rcx, R_RIP(%rax)
	mov	EXO_PAGE_FOREIGN_FLAGS(%rdx), %rcx
	mov	%rcx, R_RFLAGS(%rax)
	mov	R_RAX(%rax), %rcx
	mov	%rcx, R_ORIG(%rax)
	mov	P_STACK - P_REGS(%rax), %rsp
	mov	%rax, %rdi
	xor	%ebp, %ebp
	cld
.endm

/* From the kernel: a foreign SYSCALL. User stack and registers, rcx and r11 lost; rip and rflags in the exo page; disabled.
 * A QUICK call keeps only what C may spoil: its function preserves the rest, and rip and rflags stay in the exo page. */
	.globl	posix_foreign_entry, quick_leave, quick_leave_end
posix_foreign_entry:
	cmp	$SYSCALL_MAX, %rax
	jae	1f
	lea	syscall_table(%rip), %r11
	lea	(%r11, %rax, 8), %r11
	testb	$QUICK_BIT, SYSCALL_ROW_FLAGS(%r11, %rax, 8)
	jz	1f
	movabs	$REGS, %rcx
	mov	%rsp, R_RSP(%rcx)
	mov	%rdi, R_RDI(%rcx)
	mov	%rsi, R_RSI(%rcx)
	mov	%rdx, R_RDX(%rcx)
	mov	%r8, R_R8(%rcx)
	mov	%r9, R_R9(%rcx)
	mov	%r10, R_R10(%rcx)
	mov	P_STACK - P_REGS(%rcx), %rsp
	mov	%r10, %rcx
	call	*(%r11, %rax, 8)
	movabs	$REGS, %rcx
	mov	%rax, R_RAX(%rcx)
	mov	P_EXO - P_REGS(%rcx), %r11
quick_leave:
	movl	$0, EXO_PAGE_DISABLED(%r11)
	cmpl	$0, EXO_PAGE_PENDING(%r11)
	jne	2f
	mov	R_RDI(%rcx), %rdi
	mov	R_RSI(%rcx), %rsi
	mov	R_RDX(%rcx), %rdx
	mov	R_R8(%rcx), %r8
	mov	R_R9(%rcx), %r9
	mov	R_R10(%rcx), %r10
	pushq	EXO_PAGE_FOREIGN_FLAGS(%r11)
	popfq
	mov	R_RSP(%rcx), %rsp
	mov	EXO_PAGE_FOREIGN_RIP(%r11), %rcx
	mov	EXO_PAGE_FOREIGN_FLAGS(%r11), %r11
	jmp	*%rcx
2:	movl	$1, EXO_PAGE_DISABLED(%r11)
quick_leave_end:
	mov	%rbx, R_RBX(%rcx)
	mov	%rbp, R_RBP(%rcx)
	mov	%r12, R_R12(%rcx)
	mov	%r13, R_R13(%rcx)
	mov	%r14, R_R14(%rcx)
	mov	%r15, R_R15(%rcx)
	mov	%rcx, %rdi
	call	quick_finish
	ud2
	told_in_regs
1:	registers_keep
	movq	$0, R_FULL(%rdi)
	call	syscall_enter
	ud2
	.cfi_endproc

/* The same, when calls are logged or the gate is traced. */
	.globl	posix_traced_entry
posix_traced_entry:
	told_in_regs
	registers_keep
	movq	$0, R_FULL(%rdi)
	call	syscall_enter_traced
	ud2
	.cfi_endproc

/* The same, where a thread has a filter of calls. */
	.globl	posix_filtered_entry
posix_filtered_entry:
	told_in_regs
	registers_keep
	movq	$0, R_FULL(%rdi)
	call	syscall_enter_filtered
	ud2
	.cfi_endproc

/* From the kernel: int 0x80. The same, but no register is lost. */
	.globl	posix_int80_entry
posix_int80_entry:
	told_in_regs
	registers_keep
	movq	$1, R_FULL(%rdi)
	call	int80_enter
	ud2
	.cfi_endproc

	.globl	posix_int80_filtered_entry
posix_int80_filtered_entry:
	told_in_regs
	registers_keep
	movq	$1, R_FULL(%rdi)
	call	int80_enter_filtered
	ud2
	.cfi_endproc

/* From the kernel: on the upcall stack, struct exo_upcall at rsp, all general registers as they were; disabled. From user code they go to P->regs, and the
 * library goes on as after a call. Where the library was interrupted (upcalls disabled, or on its way out) the C side gets struct upcall_frame; it returns only
 * to go on where it was (a fault of the library itself that could be served). */
	.globl	posix_fault_entry, posix_async_entry
posix_async_entry:
posix_fault_entry:
	told_in_regs
	cmpl	$0, U_DISABLED(%rsp)
	jne	1f
	/* In the library, by all but the last 24 bits: P->regs is still wanted there (apps/linux/app.ld). */
	cmpl	$library_high, U_RIP + 3(%rsp)
	je	1f
	movabs	%rax, REGS + R_RAX
	movabs	$REGS, %rax
	mov	%rbx, R_RBX(%rax)
	mov	%rcx, R_RCX(%rax)
	mov	%rdx, R_RDX(%rax)
	mov	%rsi, R_RSI(%rax)
	mov	%rdi, R_RDI(%rax)
	mov	%rbp, R_RBP(%rax)
	mov	%r8, R_R8(%rax)
	mov	%r9, R_R9(%rax)
	mov	%r10, R_R10(%rax)
	mov	%r11, R_R11(%rax)
	mov	%r12, R_R12(%rax)
	mov	%r13, R_R13(%rax)
	mov	%r14, R_R14(%rax)
	mov	%r15, R_R15(%rax)
	mov	U_RIP(%rsp), %rcx
	mov	%rcx, R_RIP(%rax)
	mov	U_RFLAGS(%rsp), %rcx
	mov	%rcx, R_RFLAGS(%rax)
	mov	U_RSP(%rsp), %rcx
	mov	%rcx, R_RSP(%rax)
	movq	$-1, R_ORIG(%rax)
	movq	$1, R_FULL(%rax)
	mov	U_VECTOR(%rsp), %rdi
	mov	U_ERROR(%rsp), %rsi
	mov	U_ADDR(%rsp), %rdx
	mov	P_STACK - P_REGS(%rax), %rsp
	xor	%ebp, %ebp
	call	upcall_serve
	ud2
	.cfi_endproc
	told_on_stack
1:
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%r11
	push	%r10
	push	%r9
	push	%r8
	push	%rbp
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rbx
	push	%rax
	mov	%rsp, %rdi
	xor	%ebp, %ebp
	cld
	call	upcall_enter
	pop	%rax
	pop	%rbx
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	pop	%rbp
	pop	%r8
	pop	%r9
	pop	%r10
	pop	%r11
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	add	(%rsp), %rsp    /* struct exo_upcall: resume */
	iretq
	.cfi_endproc

	.section .note.GNU-stack, "", @progbits
