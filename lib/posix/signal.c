/* SPDX-License-Identifier: MIT */
/* Signals: sending, and what happens before the receiver's next user instruction. Frames are sigframe.c's, calls signal_calls.c's. */
#include <base/string.h>
#include "family.h"
#include "signals.h"

#define SIGNALS_SYNCHRONOUS (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))
#define SIGNALS_HARMLESS    (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))

static int is_ignored(const struct task *t, int sig)
{
	uint64_t handler = t->signals.action[sig].handler;

	return handler == HANDLER_IGNORE || (handler == HANDLER_DEFAULT && SIGNAL_BIT(sig) & SIGNALS_HARMLESS);
}

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
		if (sig == SIGCHLD)
			init_poke();
		return 0;
	}
	if (sig == 0)
		return 0;
	bit = SIGNAL_BIT(sig);
	if (sig == SIGCONT)
		task_continue(t);
	else if (bit & SIGNALS_STOP)
		s->pending &= ~SIGNAL_BIT(SIGCONT);
	if (is_ignored(t, sig) && !(s->blocked & bit) && !is_waiting(t))
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

static void force(struct task *t, int sig)
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
	force(t, sig);
}

void signal_no_memory(uint64_t addr)
{
	struct task *t = current_task();

	posix_log("%s[%d]: out of memory at 0x%lx: killed", t->name, t->pid, addr);
	force(t, SIGKILL);
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
		force(t, SIGSEGV);
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
	if (sig != SIGKILL && is_ignored(t, sig))
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
