/* SPDX-License-Identifier: MIT */
/* What a signal does to its receiver, before the next user instruction: nothing, a handler's frame, a stop, or the end. */
#include "signals.h"

#define SIGNALS_SYNCHRONOUS (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))

static int signal_next(const struct task *t)
{
	uint64_t ready = signals_ready(t);

	if (ready & SIGNAL_BIT(SIGKILL))
		return SIGKILL;
	if (ready & SIGNALS_SYNCHRONOUS)
		ready &= SIGNALS_SYNCHRONOUS;
	return ready ? __builtin_ctzl(ready) + 1 : 0;
}

static void stop_here(struct task *t, int sig)
{
	t->stop_signal = sig;
	t->stop_status = sig << 8 | 0x7f;
	task_tell_parent(t);
	sched_block(TASK_STOPPED);
	t->stop_signal = 0;
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

static void handler_enter(struct user_regs *r, struct task *t, int sig, const struct signal_cause *cause)
{
	struct task_signals *s = &t->signals;
	struct signal_action *a = &s->action[sig];
	uint64_t mask = s->restore ? s->restore_mask : s->blocked;

	call_restart(r, (long)(a->flags & 0xffffffff));
	if (sigframe_push(r, t, sig, cause, mask)) {
		if (sig == SIGSEGV)
			a->handler = HANDLER_DEFAULT;
		s->info[SIGSEGV] = (struct signal_cause){ .code = SI_KERNEL };
		s->fault_trap = 14;
		s->fault_error = 6;
		s->fault_addr = r->rsp;
		signal_force(t, SIGSEGV);
		return;
	}
	s->restore = 0;
	s->blocked |= a->mask;
	if (!(a->flags & SA_NODEFER))
		s->blocked |= SIGNAL_BIT(sig);
	s->blocked &= ~SIGNALS_SURE;
	if (a->flags & SA_RESETHAND)
		a->handler = HANDLER_DEFAULT;
}

static void signal_take(struct user_regs *r, struct task *t, int sig)
{
	struct task_signals *s = &t->signals;
	struct signal_cause cause = s->info[sig];
	uint64_t handler = s->action[sig].handler;
	int forced = (s->forced & SIGNAL_BIT(sig)) != 0;

	s->pending &= ~SIGNAL_BIT(sig);
	s->forced &= ~SIGNAL_BIT(sig);
	if (sig != SIGKILL && signal_ignored(t, sig))
		return;
	if (handler != HANDLER_DEFAULT && !(SIGNAL_BIT(sig) & SIGNALS_SURE)) {
		handler_enter(r, t, sig, &cause);
		return;
	}
	if (SIGNAL_BIT(sig) & SIGNALS_STOP) {
		if (sig == SIGSTOP || !group_is_orphaned(t->pgrp))
			stop_here(t, sig);
		return;
	}
	if (forced && sig != SIGKILL)
		crash_report(t, sig, r->rip);
	exit_process(sig);
}

void signal_deliver(struct user_regs *r)
{
	struct task *t = current_task();
	int sig;

	do {
		while ((sig = signal_next(t)))
			signal_take(r, t, sig);
		call_restart(r, -1);
		if (t->signals.restore) {
			t->signals.restore = 0;
			t->signals.blocked = t->signals.restore_mask;
		}
	} while (signals_ready(t));
}
