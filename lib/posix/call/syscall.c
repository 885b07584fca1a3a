/* SPDX-License-Identifier: MIT */
/* System calls: from the entry to the C function. The table is expanded from syscall.def. */
#include "syscall.h"
#include <posix/library.h>
#include <linux/audit.h>
#include <posix/process/ptrace.h>
#include <posix/process/seccomp.h>
#include <rt/note.h>
#include "strace.h"

#define SYSCALL(number, name, arguments, flags) syscall_function sys_##name;
#include "syscall.def"
#undef SYSCALL

const struct syscall_row syscall_table[SYSCALL_MAX] = {
#define SYSCALL(number, name, arguments, flags) [number] = { sys_##name, flags },
#include "syscall.def"
#undef SYSCALL
};

static long unknown_call(uint64_t number)
{
	_Static_assert(sizeof F->unknown_calls * 8 == SYSCALL_MAX, "a bit for each");
	if (number < SYSCALL_MAX && !(F->unknown_calls[number / 64] >> (number % 64) & 1)) {
		F->unknown_calls[number / 64] |= 1ul << (number % 64);
		rt_log("%s[%d]: system call %lu is not provided", P->task->name, P->task->pid, number);
	}
	return -ENOSYS;
}

static inline void call_make(struct user_regs *r)
{
	uint64_t number = r->orig_rax;
	const struct syscall_row *row = syscall_table + number;

	r->rcx = r->rip;
	r->r11 = r->rflags;
	if (number >= SYSCALL_MAX || !row->function) {
		r->rax = (uint64_t)unknown_call(number);
	} else {
		if (!(row->flags & FAST))
			family_lock();
		r->rax = (uint64_t)row->function(r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9);
	}
}

/* entry.S: r is P->regs. */
void syscall_enter(struct user_regs *r)
{
	call_make(r);
	user_return();
}

/* entry.S, where a thread of this env has a filter. */
void syscall_enter_filtered(struct user_regs *r)
{
	r->rcx = r->rip;
	r->r11 = r->rflags;
	if (seccomp_admits(r, AUDIT_ARCH_X86_64))
		call_make(r);
	user_return();
}

static const struct { const char *name, *arguments; } names[SYSCALL_MAX] = {
#define SYSCALL(number, name, arguments, flags) [number] = { #name, arguments },
#include "syscall.def"
#undef SYSCALL
};

/* entry.S, when calls are logged, or the gate is traced, or a thread of this env. */
void syscall_enter_traced(struct user_regs *r)
{
	uint64_t number = r->orig_rax < SYSCALL_MAX ? r->orig_rax : SYSCALL_MAX - 1;
	const char *name = names[number].name, *arguments = names[number].arguments;

	if (F->strace)
		strace_begin(r, name, arguments);
	if (family_locked())
		family_unlock();
	r->rcx = r->rip;
	r->r11 = r->rflags;
	if (ptrace_call_begin(r, AUDIT_ARCH_X86_64) && seccomp_admits(r, AUDIT_ARCH_X86_64))
		call_make(r);
	ptrace_call_end(r, AUDIT_ARCH_X86_64);
	if (F->strace)
		strace_end(r, name, arguments);
	if (F->env_names)
		note_plain(NOTE_CALL_END, r->rax);
	user_return();
}

/* entry.S: something came while a QUICK call ran. */
void quick_finish(struct user_regs *r)
{
	quick_complete(r);
	user_return();
}

/* entry.S: int 0x80 with i386 numbers. */
void int80_enter(struct user_regs *r)
{
	family_lock();
	r->rax = (uint64_t)i386_call(r);
	user_return();
}

void int80_enter_filtered(struct user_regs *r)
{
	if (ptrace_call_begin(r, AUDIT_ARCH_I386) && seccomp_admits(r, AUDIT_ARCH_I386)) {
		family_lock();
		r->rax = (uint64_t)i386_call(r);
	}
	ptrace_call_end(r, AUDIT_ARCH_I386);
	user_return();
}
