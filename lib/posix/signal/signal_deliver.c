/* SPDX-License-Identifier: MIT */
/* What a signal does to its receiver, before the next user instruction: nothing, a handler's frame, a stop, or the end. */
#include <posix/library.h>
#include <posix/process/ask.h>
#include <posix/process/ptrace.h>
#include "sigframe.h"
#include "signals.h"

static int signal_next(const struct thread *th)
{
	uint64_t ready = signals_ready(th);

	if (ready & SIGNAL_BIT(SIGKILL))
		return SIGKILL;
	if (ready & SIGNALS_SYNCHRONOUS)
		ready &= SIGNALS_SYNCHRONOUS;
	return ready ? __builtin_ctzl(ready) + 1 : 0;
}

/* Each thread of a stopped process stops where it would go on in user code. */
static void stop_here(struct thread *th)
{
	th->signals.forced &= ~SIGNAL_BIT(SIGSTOP);
	if (ptrace_group(th))
		return;
	/* A tracer that comes says SIGSTOP again. */
	while (th->task->stop_signal && !(signals_ready(th) & SIGNAL_BIT(SIGKILL)) &&
		!(th->signals.forced & SIGNAL_BIT(SIGSTOP)))
		stopped_rest();
}

static void stop_all(struct task *t, int sig)
{
	for (struct thread *th = t->threads; th; th = th->next)
		th->signals.forced |= SIGNAL_BIT(SIGSTOP);
	task_stop_set(t, sig);
	t->stop_status = sig << 8 | 0x7f;
	task_news_set(t, 1);
	task_tell_parent(t);
	ptrace_notify(t);
}

/* Decides about an interrupted call once: sa_flags of the handler that runs, or -1 when none does. */
static void call_restart(struct user_regs *r, long sa_flags)
{
	long result = -(long)r->rax;

	if (r->orig_rax == (uint64_t)-1 || result < ERESTARTSYS || result > ERESTART_RESTARTBLOCK)
		return;
	if (sa_flags < 0 || result == ERESTARTNOINTR || (result == ERESTARTSYS && sa_flags & SA_RESTART)) {
		r->rax = result == ERESTART_RESTARTBLOCK ? 219 : r->orig_rax;
		r->rip -= 2;
	} else
		r->rax = (uint64_t)-EINTR;
	r->orig_rax = (uint64_t)-1;
}

/* What is blocked when the handler has returned. */
static uint64_t mask_after(const struct thread *th)
{
	const struct thread_signals *s = &th->signals;

	return s->restore ? s->restore_mask : s->blocked;
}

static void handler_refuse(struct user_regs *r, struct thread *th, int sig)
{
	struct thread_signals *s = &th->signals;

	if (sig == SIGSEGV) {
		th->task->signals.action[sig].handler = HANDLER_DEFAULT;
		handlers_tell(th->task, sig);
	}
	s->fault = (struct signal_cause){ .code = SI_KERNEL };
	s->fault_trap = 14;
	s->fault_error = 6;
	s->fault_addr = r->rsp;
	signal_force(th, SIGSEGV);
}

/* Where no page is left for a handler's frame, somebody ends for it, as at a fault of the program's own. 0: there is no
 * frame, and the signals that are there now say how it goes on. */
static __attribute__((noinline, cold)) int sigframe_insist(struct user_regs *r, struct thread *th, int sig,
	const struct signal_cause *cause)
{
	do {
		SPACE->copy_lacks = 0;
		if (!sigframe_push(r, th, sig, cause, mask_after(th)))
			return 1;
		if (!SPACE->copy_lacks) {
			handler_refuse(r, th, sig);
			return 0;
		}
		memory_shortage(r->rsp);
	} while (!(signals_ready(th) & SIGNAL_BIT(SIGKILL)));
	return 0;
}

static void handler_enter(struct user_regs *r, struct thread *th, int sig, const struct signal_cause *cause)
{
	struct thread_signals *s = &th->signals;
	struct signal_action *a = &th->task->signals.action[sig];
	int steps = th->trace && ptrace_handler_begin(r, th);

	call_restart(r, (long)(a->flags & 0xffffffff));
	if (sigframe_push(r, th, sig, cause, mask_after(th)) && !sigframe_insist(r, th, sig, cause))
		return;
	s->restore = 0;
	s->blocked |= a->mask;
	if (!(a->flags & SA_NODEFER))
		s->blocked |= SIGNAL_BIT(sig);
	s->blocked &= ~SIGNALS_SURE;
	if (a->flags & SA_RESETHAND) {
		a->handler = HANDLER_DEFAULT;
		handlers_tell(th->task, sig);
	}
	if (steps)
		ptrace_handler_end(th);
}

static void signal_take(struct user_regs *r, struct thread *th, int sig)
{
	struct task *t = th->task;
	uint64_t handler;
	int forced = (th->signals.forced & SIGNAL_BIT(sig)) != 0;
	struct signal_cause cause;
	struct signal_info info;

	if (th->signals.ends)
		exit_thread(SIGKILL);
	if (th->signals.forced & SIGNAL_BIT(SIGSTOP)) {
		stop_here(th);
		return;
	}
	signal_take_cause(th, sig, &cause);
	if (th->trace && sig != SIGKILL && !(sig = ptrace_signal(th, sig, &cause)))
		return;
	handler = t->signals.action[sig].handler;
	if (sig != SIGKILL && signal_ignored(t, sig))
		return;
	if (handler != HANDLER_DEFAULT && !(SIGNAL_BIT(sig) & SIGNALS_SURE)) {
		handler_enter(r, th, sig, &cause);
		return;
	}
	if (SIGNAL_BIT(sig) & SIGNALS_STOP) {
		if (sig == SIGSTOP || !group_is_orphaned(t->pgrp))
			stop_all(t, sig);
		return;
	}
	if (forced && sig != SIGKILL)
		crash_report(th, sig, r->rip);
	signal_info_fill(&info, sig, &cause);
	exit_process(core_dump(sig, &info) ? sig | STATUS_DUMPED : sig);
}

void signal_deliver(struct user_regs *r)
{
	struct thread *th = P->thread;
	int sig;

	do {
		while ((sig = signal_next(th)))
			signal_take(r, th, sig);
		call_restart(r, -1);
		if (th->signals.restore) {
			th->signals.restore = 0;
			th->signals.blocked = th->signals.restore_mask;
		}
	} while (signals_ready(th));
}
