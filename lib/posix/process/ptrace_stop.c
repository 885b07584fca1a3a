/* SPDX-License-Identifier: MIT */
/* Where a traced thread stops, in its own turn and in the library: for a signal, for its group, at a call, at an event.
 * It leaves its registers in its record, waits for its tracer's word, and takes them back. */
#include <linux/audit.h>
#include <linux/sched.h>
#include <posix/signal/signals.h>
#include "ask.h"
#include "ptrace.h"

#define CALL_STOP(t) (SIGTRAP | ((t)->options & PTRACE_O_TRACESYSGOOD ? 0x80 : 0))

static int is_killed(const struct thread *th) { return (signals_ready(th) & SIGNAL_BIT(SIGKILL)) != 0; }

static int steps(const struct trace *t) { return t->how == PTRACE_SINGLESTEP || t->how == PTRACE_SYSEMU_SINGLESTEP; }

/* The trap flag that the tracer wanted is no part of what it sees. */
static void step_off(struct trace *t, struct user_regs *r)
{
	if (t->steps)
		r->rflags &= ~FLAG_TRAP;
	t->steps = 0;
}

/* Before the next user instruction: by iretq, behind which the flag counts. */
static void step_on(struct trace *t, struct user_regs *r)
{
	if (!steps(t) || r->rflags & FLAG_TRAP)
		return;
	r->rflags |= FLAG_TRAP;
	r->full = 1;
	t->steps = 1;
}

static void registers_give(struct trace *t)
{
	step_off(t, &P->regs);
	t->at_stop = (struct thread_start){ P->regs, fs_base_get(), gs_base_get() };
	xstate_save(t->vector);
	t->regs_set = t->vector_set = 0;
}

static void registers_take(struct trace *t)
{
	if (t->regs_set) {
		P->regs = t->at_stop.regs;
		P->regs.full = 1;
		fs_base_set(t->at_stop.fs);
		gs_base_set(t->at_stop.gs);
	}
	if (t->vector_set)
		xstate_load(t->vector);
}

static int must_wait(const struct trace *t)
{
	const struct thread *th = t->thread;

	if (!t->tracer || t->state == TRACE_RUNS || is_killed(th))
		return 0;
	return t->state == TRACE_STOPPED || !(th->signals.forced & SIGNAL_BIT(SIGSTOP));
}

/* The caller, which is traced, stops. sig: with which it goes on unless the tracer says another. That one. */
static int stop(struct trace *t, int code, int sig, int why)
{
	struct thread *th = t->thread;

	if (is_killed(th))
		return 0;
	registers_give(t);
	t->traps = code >> 8 == PTRACE_EVENT_STOP ? 0 : t->traps & ~TRAP_ASKED;
	t->code = code;
	t->sig = sig;
	t->info_set = 0;
	t->status = code << 8 | 0x7f;
	t->state = TRACE_STOPPED;
	ptrace_tell(t, why, code & 0x7f);
	while (must_wait(t))
		stopped_rest();
	t->state = TRACE_RUNS;
	t->status = 0;
	registers_take(t);
	if (!t->tracer) {
		if (th->task->stop_signal)
			th->signals.forced |= SIGNAL_BIT(SIGSTOP);
	} else if (t->how != PTRACE_CONT) {
		calls_trace();
		step_on(t, &P->regs);
	}
	return is_killed(th) ? 0 : t->sig;
}

/* A stop that is no signal's: its siginfo, and a message. */
static int notify(struct trace *t, int code, uint64_t message, int why)
{
	t->info = (struct signal_info){ .number = code & 0x7f, .code = code, .kill.pid = t->thread->tid };
	t->has_info = 1;
	t->message = message;
	return stop(t, code, 0, why);
}

int ptrace_signal(struct thread *th, int sig, struct signal_cause *cause)
{
	struct trace *t = ptrace_of(th);
	int now;

	if (!t)
		return sig;
	signal_info_fill(&t->info, sig, cause);
	t->has_info = 1;
	now = stop(t, sig, sig, CLD_TRAPPED);
	t->has_info = 0;
	if (now && now != sig)
		*cause = (struct signal_cause){ .code = SI_USER, .pid = t->tracer ? t->tracer->task->pid : 0 };
	else if (now && t->info_set)
		signal_info_take(cause, now, &t->info);
	if (!now || !(th->signals.blocked & SIGNAL_BIT(now)))
		return now;
	(void)signal_send_thread(th, now, cause);
	return 0;
}

int ptrace_handler_begin(struct user_regs *r, struct thread *th)
{
	struct trace *t = ptrace_of(th);

	if (!t || !steps(t))
		return 0;
	step_off(t, r);
	return 1;
}

void ptrace_handler_end(struct thread *th)
{
	struct trace *t = ptrace_of(th);

	if (t)
		(void)notify(t, SIGTRAP, 0, CLD_TRAPPED);
}

int ptrace_group(struct thread *th)
{
	struct trace *t = ptrace_of(th);
	int sig = th->task->stop_signal;

	if (!t)
		return 0;
	if (t->is_seized && (sig || t->traps)) {
		sig = sig ? sig : SIGTRAP;
		(void)notify(t, sig | PTRACE_EVENT_STOP << 8, 0, CLD_STOPPED);
	} else if (sig) {
		t->has_info = 0;
		(void)stop(t, sig, 0, CLD_STOPPED);
	}
	return 1;
}

void ptrace_event(struct thread *th, int event, uint64_t message)
{
	struct trace *t = ptrace_of(th);

	if (t && t->options & 1u << event)
		(void)notify(t, CODE_EVENT(event), message, CLD_TRAPPED);
}

/* The signal with which it goes on is sent to it. */
static void call_stop(struct trace *t, uint64_t message)
{
	const struct signal_cause cause = { .code = SI_KERNEL };
	int sig = notify(t, CALL_STOP(t), message, CLD_TRAPPED);

	if (sig)
		(void)signal_send_thread(t->thread, sig, &cause);
}

static int stops_at_call(const struct trace *t)
{
	return t->how == PTRACE_SYSCALL || t->how == PTRACE_SYSEMU || t->how == PTRACE_SYSEMU_SINGLESTEP;
}

int ptrace_call_begin(struct user_regs *r, uint32_t arch)
{
	struct trace *t = ptrace_of(P->thread);
	int how = t ? t->how : 0, admits = 1;

	if (!t) {
		calls_untrace();
		return 1;
	}
	if (!stops_at_call(t))
		return 1;
	family_lock();
	r->rax = (uint64_t)-ENOSYS;
	t->arch = arch;
	call_stop(t, PTRACE_EVENTMSG_SYSCALL_ENTRY);
	if (how != PTRACE_SYSCALL || is_killed(P->thread) || r->orig_rax == -1ul)
		admits = 0;
	family_unlock();
	return admits;
}

/* As Linux ends a single step over a call: without an instruction. */
static void call_stepped(struct user_regs *r)
{
	struct thread *th = P->thread;

	th->signals.fault = (struct signal_cause){ .code = TRAP_BRKPT, .addr = r->rip };
	th->signals.fault_trap = 1;
	signal_force(th, SIGTRAP);
}

void ptrace_call_end(struct user_regs *r, uint32_t arch)
{
	struct trace *t = ptrace_of(P->thread);

	if (!t || (t->how != PTRACE_SYSCALL && t->how != PTRACE_SINGLESTEP))
		return;
	if (!family_locked())
		family_lock();
	t->arch = arch;
	if (t->how == PTRACE_SINGLESTEP)
		call_stepped(r);
	else
		call_stop(t, PTRACE_EVENTMSG_SYSCALL_EXIT);
}

int ptrace_filter(struct user_regs *r, uint32_t arch, uint32_t data)
{
	struct trace *t = ptrace_of(P->thread);

	if (!t || !(t->options & PTRACE_O_TRACESECCOMP))
		return 0;
	r->rax = (uint64_t)-ENOSYS;
	t->arch = arch;
	(void)notify(t, CODE_EVENT(PTRACE_EVENT_SECCOMP), data, CLD_TRAPPED);
	return is_killed(P->thread) || (int)r->orig_rax < 0 ? -1 : 1;
}

void ptrace_exec(struct thread *th)
{
	const struct signal_cause cause = { .code = SI_USER, .pid = th->task->pid };
	struct trace *t = ptrace_of(th);

	if (!t)
		return;
	P->regs.orig_rax = t->number;
	if (t->options & PTRACE_O_TRACEEXEC)
		ptrace_event(th, PTRACE_EVENT_EXEC, t->message);
	else if (!t->is_seized)
		(void)signal_send_thread(th, SIGTRAP, &cause);
	ptrace_call_end(&P->regs, AUDIT_ARCH_X86_64);
}

void ptrace_exit(struct thread *th, int status)
{
	th->signals.forced &= ~SIGNAL_BIT(SIGKILL);
	ptrace_event(th, PTRACE_EVENT_EXIT, (uint64_t)status);
}
