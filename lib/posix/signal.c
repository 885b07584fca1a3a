/* SPDX-License-Identifier: MIT */
/* Signals on their way: sending, forcing, inheriting, the interval timers. What the receiver does is signal_deliver.c's, calls are signal_calls.c's. */
#include <base/string.h>
#include "family.h"
#include "signals.h"

/* rt_sigtimedwait unblocks what it waits for; none of that may be dropped as ignored. */
static int is_waiting(const struct task *t) { return t->channel == &t->signals.restore_mask; }

static void task_continue(struct task *t)
{
	t->signals.pending &= ~SIGNALS_STOP;
	if (t->state != TASK_STOPPED)
		return;
	t->stop_status = 0xffff;
	task_run(t);
	task_tell_parent(t);
}

int signal_send_info(struct task *t, int sig, const struct signal_cause *info)
{
	struct task_signals *s = &t->signals;
	uint64_t bit;

	if (!t || t->state == TASK_ZOMBIE)
		return t ? 0 : -ESRCH;
	if (t->is_init) {
		init_signal(sig);
		return 0;
	}
	if (sig == 0)
		return 0;
	bit = SIGNAL_BIT(sig);
	if (sig == SIGCONT)
		task_continue(t);
	else if (bit & SIGNALS_STOP)
		s->pending &= ~SIGNAL_BIT(SIGCONT);
	if (signal_ignored(t, sig) && !(s->blocked & bit) && !is_waiting(t))
		return 0;
	if (s->pending & bit)
		return 0;
	s->pending |= bit;
	s->info[sig] = *info;
	if (s->blocked & bit)
		return 0;
	if (t->state == TASK_STOPPED) {
		if (sig == SIGKILL)
			task_run(t);
	} else if (t->state != TASK_NEW)
		task_interrupt(t);
	return 0;
}

int signal_send(int pid, int sig)
{
	struct signal_cause cause = { .code = SI_USER, .pid = current_pid() };
	struct task *t = task_by_pid(pid);

	return t ? signal_send_info(t, sig, &cause) : -ESRCH;
}

int signal_group(int pgrp, int sig)
{
	struct signal_cause cause = { .code = SI_KERNEL };
	int found = -ESRCH;

	if (pgrp < 0)
		pgrp = -pgrp;
	for (struct task *t = task_first(); t; t = task_next(t))
		if (t->pgrp == pgrp && !t->is_init && t->state != TASK_ZOMBIE)
			found = signal_send_info(t, sig, &cause);
	return found;
}

int signal_pending(void) { return signals_ready(current_task()) != 0; }

int signal_is_ignored_or_blocked(int sig)
{
	const struct task *t = current_task();

	return t->signals.action[sig].handler == HANDLER_IGNORE || (t->signals.blocked & SIGNAL_BIT(sig)) != 0;
}

int group_is_orphaned(int pgrp)
{
	for (struct task *t = task_first(); t; t = task_next(t)) {
		if (t->pgrp != pgrp || t->state == TASK_ZOMBIE || !t->parent || t->parent->is_init)
			continue;
		if (t->parent->pgrp != pgrp && t->parent->session == t->session)
			return 0;
	}
	return 1;
}

void signal_force(struct task *t, int sig)
{
	struct task_signals *s = &t->signals;

	if (s->blocked & SIGNAL_BIT(sig) || s->action[sig].handler == HANDLER_IGNORE) {
		s->action[sig].handler = HANDLER_DEFAULT;
		s->blocked &= ~SIGNAL_BIT(sig);
	}
	s->pending |= SIGNAL_BIT(sig);
	s->forced |= SIGNAL_BIT(sig);
}

void signal_fault(struct user_regs *r, const struct exo_upcall *u, int sig, int code, uint64_t addr)
{
	struct task *t = current_task();

	(void)r;
	t->signals.fault_trap = u->vector;
	t->signals.fault_error = u->error;
	t->signals.fault_addr = addr;
	t->signals.info[sig] = (struct signal_cause){ .code = code, .addr = addr };
	signal_force(t, sig);
}

void signal_no_memory(uint64_t addr)
{
	struct task *t = current_task();

	posix_log("%s[%d]: out of memory at 0x%lx: killed", t->name, t->pid, addr);
	signal_force(t, SIGKILL);
}

void signal_fork(struct task *child, const struct task *parent)
{
	struct task_signals *to = &child->signals;
	const struct task_signals *from = &parent->signals;

	memset(to, 0, sizeof *to);
	memcpy(to->action, from->action, sizeof to->action);
	to->blocked = from->blocked;
	to->alt_sp = from->alt_sp;
	to->alt_size = from->alt_size;
	to->alt_flags = from->alt_flags;
}

void signal_exec(struct task *t)
{
	for (int sig = 1; sig <= SIGNAL_COUNT; sig++) {
		struct signal_action *a = &t->signals.action[sig];
		*a = (struct signal_action){ .handler = a->handler == HANDLER_IGNORE ? HANDLER_IGNORE : HANDLER_DEFAULT };
	}
	t->signals.alt_sp = t->signals.alt_size = 0;
	t->signals.alt_flags = 0;
	t->signals.restore = 0;
	t->signals.forced = 0;
}

uint64_t signal_timers_next(void)
{
	uint64_t next = 0;

	for (struct task *t = task_first(); t; t = task_next(t)) {
		uint64_t at = t->signals.timer_at;
		if (at && (!next || at < next))
			next = at;
	}
	return next;
}

void signal_timers_run(uint64_t now)
{
	const struct signal_cause cause = { .code = SI_KERNEL };

	for (struct task *t = task_first(); t; t = task_next(t)) {
		struct task_signals *s = &t->signals;
		if (!s->timer_at || s->timer_at > now)
			continue;
		if (s->timer_interval)
			s->timer_at += s->timer_interval * ((now - s->timer_at) / s->timer_interval + 1);
		else
			s->timer_at = 0;
		(void)signal_send_info(t, SIGALRM, &cause);
	}
}
