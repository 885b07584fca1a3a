/* SPDX-License-Identifier: MIT */
/* What is said of a program that a fault ended, and of the library when it faults itself: one line on the terminal and in the kernel's log, never in the
 * program's own streams. */
#include <base/fmt.h>
#include <base/string.h>
#include <rt/gate.h>
#include <family/family.h>
#include <posix/signal/signals.h>
#include <posix/needs.h>

#define VECTOR_GP 13
#define VECTOR_PF 14
#define ERROR_PRESENT 1u
#define ERROR_WRITE   2u
#define ERROR_FETCH   16u
#define KERNEL_HALF   0xffff800000000000ul

static const char *signal_text(int sig)
{
	switch (sig) {
	case SIGSEGV: return "Segmentation fault";
	case SIGILL: return "Illegal instruction";
	case SIGFPE: return "Floating point exception";
	case SIGBUS: return "Bus error";
	case SIGTRAP: return "Trace/breakpoint trap";
	}
	return "Fault";
}

static const char *fault_cause(uint64_t error, uint64_t addr)
{
	if (addr < EXO_NULL_GUARD)
		return "null guard";
	if (addr >= KERNEL_HALF)
		return "kernel address";
	if (addr >= EXO_USER_END)
		return "non-canonical";
	return error & ERROR_PRESENT ? "no permission" : "nothing mapped";
}

/* Line of a fault; bytes written. */
static size_t fault_line(char *to, size_t max, const char *name, int pid, const char *what, const struct exo_upcall *u)
{
	int n;

	if (u->vector == VECTOR_PF) {
		const char *access = u->error & ERROR_FETCH ? "execute" : u->error & ERROR_WRITE ? "write" : "read";
		n = fmt(to, max, "%s[%d]: %s: %s at 0x%lx (%s), rip 0x%lx", name, pid, what, access, u->addr, fault_cause(u->error, u->addr), u->rip);
	} else if (u->vector == VECTOR_GP)
		n = fmt(to, max, "%s[%d]: %s: non-canonical address or privileged instruction, rip 0x%lx", name, pid, what, u->rip);
	else
		n = fmt(to, max, "%s[%d]: %s: exception %lu, rip 0x%lx", name, pid, what, u->vector, u->rip);
	return n < 0 ? 0 : (size_t)n < max ? (size_t)n : max - 1;
}

static void line_show(const struct task *t, char *line, size_t n)
{
	(void)gate_log(line, n);
	init_last_words(t, line, n);
	line[n] = '\n';
	console_message(line, n + 1);
}

void crash_report(const struct thread *th, int sig, uint64_t rip)
{
	const struct thread_signals *s = &th->signals;
	const struct task *t = th->task;
	const struct exo_upcall u = { .vector = s->fault_trap, .error = s->fault_error, .addr = s->fault_addr, .rip = rip };
	char line[256];

	if (sig == SIGSYS) {
		line_show(t, line, (size_t)fmt(line, sizeof line - 1, "%s[%d]: Bad system call: %d, rip 0x%lx", t->name, t->pid,
			(int)s->fault.value, rip));
		return;
	}
	line_show(t, line, fault_line(line, sizeof line - 1, t->name, t->pid, signal_text(sig), &u));
}

void crash_library(const struct exo_upcall *u, const char *why)
{
	const struct task *t = P->task;
	char line[256];
	const char *name = P->is_monitor ? "monitor" : "init";
	int pid = !P->is_monitor;
	size_t n;

	if (t) {
		name = t->name;
		pid = t->pid;
	}
	n = fault_line(line, sizeof line - 1, name, pid, why, u);

	(void)gate_log(line, n);
	/* A second fault on the way out, or one of process 1, leaves nothing that could be saved; a monitor's end is that
	 * of its box, the first env's the machine's. */
	if (P->is_monitor && rt_info->first == P->self)
		(void)gate_env_set(0, EXO_SET_MACHINE, EXO_MACHINE_OFF, 125);
	if (P->crashing || P->is_keeper || P->is_monitor)
		(void)gate_env_kill(0);
	P->crashing = 1;
	if (!family_locked())
		family_lock();
	if (t)
		line_show(t, line, n);
	exit_process(SIGSEGV);
}
