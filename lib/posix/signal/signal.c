/* SPDX-License-Identifier: MIT */
/* Signals on their way: sending, forcing, inheriting. What the receiver does is signal_deliver.c's, calls are signal_calls.c's. */
#include <base/string.h>
#include <linux/resource.h>
#include <family/family.h>
#include <run/timer.h>
#include "signals.h"
#include <posix/needs.h>
#include <posix/process/ptrace.h>

/* rt_sigtimedwait unblocks what it waits for; none of that may be dropped as ignored. */
static int is_waiting(const struct thread *th) { return th->channel == &th->signals.restore_mask; }

/* Though it is ignored: it is blocked, or was before th began to wait for it. */
static int is_kept(const struct thread *th, uint64_t bit)
{
	return (th->signals.blocked | (is_waiting(th) ? th->signals.restore_mask : 0)) & bit ? 1 : 0;
}

static int anybody_keeps(const struct task *t, uint64_t bit)
{
	for (const struct thread *th = t->threads; th; th = th->next)
		if (th->state != THREAD_ENDED && is_kept(th, bit))
			return 1;
	return 0;
}

/* POSIX: real-time signals queue. Linux's first is 32. So does what a timer sends, once for each timer. What kill
 * sends comes without a cause when there is no room for one; what sigqueue sends does not come then. */
static int is_queued(int sig) { return sig >= 32; }

/* Where the first of that number is, or would be. */
static struct signal_note **notes_of(struct signal_note **at, int sig)
{
	while (*at && (*at)->sig != sig)
		at = &(*at)->next;
	return at;
}

/* There cannot be many others; and a timer's was counted when that was made. */
static uint64_t charge_of(int sig, const struct signal_cause *cause)
{
	return is_queued(sig) && cause->code != SI_TIMER;
}

#define FEW_SIGNALS 4096 /* whose memory is small beside any machine's */

int signal_room(const struct task *t)
{
	uint64_t n = F->signals_queued;

	return n < t->limit[RLIMIT_SIGPENDING][0] && (n < FEW_SIGNALS || fam_room(ROOM_CONTENT));
}

/* At the end of its queue: 0, or -EAGAIN when there is no room. */
static int note_add(struct signal_note **at, int sig, const struct signal_cause *cause)
{
	struct signal_note *n = !charge_of(sig, cause) || signal_room(P->task) ? fam_alloc(sizeof *n) : NULL;

	if (!n)
		return -EAGAIN;
	n->sig = sig;
	n->cause = *cause;
	F->signals_queued += charge_of(sig, cause);
	at = notes_of(at, sig);
	if (*at)
		(*at)->last->behind = n;
	else
		*at = n;
	(*at)->last = n;
	return 0;
}

/* The first of its number leaves. */
static void note_free(struct signal_note **at)
{
	struct signal_note *n = *at, *behind = n->behind;

	if (behind) {
		behind->next = n->next;
		behind->last = n->last;
	}
	*at = behind ? behind : n->next;
	F->signals_queued -= charge_of(n->sig, &n->cause);
	fam_free(n);
}

/* The first of that number: its cause, when there is one. Returns whether there are more. */
static int note_take(struct signal_note **at, int sig, struct signal_cause *to)
{
	at = notes_of(at, sig);
	if (!*at)
		return 0;
	*to = (*at)->cause;
	note_free(at);
	return *at && (*at)->sig == sig;
}

static void notes_drop(struct signal_note **at, uint64_t bits)
{
	while (*at)
		if (SIGNAL_BIT((*at)->sig) & bits) {
			family_progress(); /* it may be one of many */
			note_free(at);
		} else {
			at = &(*at)->next;
		}
}

void signal_forget(struct task *t, uint64_t bits)
{
	t->signals.pending &= ~bits;
	notes_drop(&t->signals.notes, bits);
	for (struct thread *th = t->threads; th; th = th->next) {
		th->signals.pending &= ~bits;
		notes_drop(&th->signals.notes, bits);
	}
}

static void group_continue(struct task *t)
{
	task_stop_set(t, 0);
	t->stop_status = 0xffff;
	task_news_set(t, 1);
	for (struct thread *th = t->threads; th; th = th->next) {
		th->signals.forced &= ~SIGNAL_BIT(SIGSTOP);
		if (th->state == THREAD_STOPPED)
			thread_run(th);
	}
	task_tell_parent(t);
}

static void task_continue(struct task *t)
{
	signal_forget(t, SIGNALS_STOP);
	if (t->stop_signal)
		group_continue(t);
	ptrace_notify(t);
}

void signal_poke(struct thread *th, int sig)
{
	/* Stopped, or waiting in a way that no other signal ends. */
	int is_deaf = th->state == THREAD_STOPPED || (th->state == THREAD_SLEEPING && !th->channel);

	if (is_deaf ? sig == SIGKILL : th->state != THREAD_NEW)
		is_deaf ? thread_run(th) : thread_interrupt(th);
}

/* Who is to look at a signal of the process: the leader, or whoever does not block it. */
static void anybody_poke(struct task *t, int sig)
{
	for (struct thread *th = t->threads; th; th = th->next)
		if (th->state != THREAD_ENDED && !(th->signals.blocked & SIGNAL_BIT(sig))) {
			signal_poke(th, sig);
			if (!t->ending) /* else each that ends may wait for its tracer */
				return;
		}
}

/* What a signal does by being sent, pending or not. 1: nothing else is left to do. */
static int is_done_by_sending(struct task *t, int sig)
{
	if (t->state == TASK_ZOMBIE || sig == 0)
		return 1;
	if (t->is_init) {
		init_signal(sig);
		return 1;
	}
	if (sig == SIGCONT)
		task_continue(t);
	else if (SIGNAL_BIT(sig) & SIGNALS_STOP)
		signal_forget(t, SIGNAL_BIT(SIGCONT));
	return 0;
}

int signal_is_dropped(const struct task *t, const struct thread *th, int sig)
{
	/* A tracer sees what is ignored, too. */
	return signal_ignored(t, sig) && !(th ? is_kept(th, SIGNAL_BIT(sig)) : anybody_keeps(t, SIGNAL_BIT(sig))) &&
		!ptrace_of(th ? th : t->threads);
}

static void signalfds_tell(struct task *t)
{
	wake_up(&t->signals);
	waiters_tell(&t->signals.waits, WAIT_ANY);
}

int signal_send_info(struct task *t, int sig, const struct signal_cause *info)
{
	uint64_t bit = SIGNAL_BIT(sig);

	if (!t)
		return -ESRCH;
	if (is_done_by_sending(t, sig) || signal_is_dropped(t, 0, sig))
		return 0;
	if (is_queued(sig) || (t->signals.pending & bit && info->code == SI_TIMER)) {
		if (note_add(&t->signals.notes, sig, info) && info->code != SI_USER)
			return -EAGAIN;
	} else if (!(t->signals.pending & bit)) {
		t->signals.info[sig] = *info;
	}
	if (t->signals.pending & bit)
		return 0;
	t->signals.pending |= bit;
	if (F->signalfds)
		signalfds_tell(t);
	anybody_poke(t, sig);
	return 0;
}

/* What one thread takes for all of them; its tracer wants to see it at the very thread. */
static uint64_t of_process(const struct thread *th)
{
	uint64_t bits = SIGNALS_SURE | SIGNALS_STOP | SIGNAL_BIT(SIGCONT);

	return ptrace_of(th) ? SIGNAL_BIT(SIGKILL) : bits;
}

int signal_send_thread(struct thread *th, int sig, const struct signal_cause *info)
{
	uint64_t bit = SIGNAL_BIT(sig);

	if (!th)
		return -ESRCH;
	/* To one that has ended and is not waited for yet nothing comes, nor to the others of its process. */
	if (th->state == THREAD_ENDED && sig != SIGCONT)
		return 0;
	if (bit & of_process(th))
		return signal_send_info(th->task, sig, info);
	if (is_done_by_sending(th->task, sig) || (th->signals.pending & bit && !is_queued(sig) && info->code != SI_TIMER)
		|| signal_is_dropped(th->task, th, sig))
		return 0;
	if (note_add(&th->signals.notes, sig, info) && is_queued(sig) && info->code != SI_USER)
		return -EAGAIN;
	th->signals.pending |= bit;
	if (F->signalfds)
		signalfds_tell(th->task);
	if (!(th->signals.blocked & bit))
		signal_poke(th, sig);
	return 0;
}

void signal_take_cause(struct thread *th, int sig, struct signal_cause *to)
{
	struct task_signals *s = &th->task->signals;
	uint64_t bit = SIGNAL_BIT(sig);

	*to = (struct signal_cause){ .code = SI_USER };
	if (th->signals.forced & bit) {
		th->signals.forced &= ~bit;
		*to = th->signals.fault;
	} else if (th->signals.pending & bit) {
		if (!note_take(&th->signals.notes, sig, to))
			th->signals.pending &= ~bit;
	} else {
		if (is_queued(sig)) {
			if (!note_take(&s->notes, sig, to))
				s->pending &= ~bit;
		} else {
			*to = s->info[sig];
			if (!*notes_of(&s->notes, sig))
				s->pending &= ~bit;
			(void)note_take(&s->notes, sig, &s->info[sig]);
		}
		if (sig == SIGALRM)
			itimer_taken(th->task);
	}
	if (to->code == SI_TIMER)
		posix_timer_taken(th->task, to);
}

void signal_thread_end(struct thread *th)
{
	uint64_t left = th->task->signals.pending & ~th->signals.blocked;

	notes_drop(&th->signals.notes, ~0ul);
	th->signals.pending = 0;
	th->signals.blocked = ~0ul;
	/* It may have been the one who was to look at these. */
	for (int sig = 1; left && sig <= SIGNAL_COUNT; sig++)
		if (left & SIGNAL_BIT(sig))
			anybody_poke(th->task, sig);
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

int signal_pending(void) { return signals_ready(P->thread) != 0; }

int signal_is_ignored_or_blocked(int sig)
{
	return P->task->signals.action[sig].handler == HANDLER_IGNORE || (P->thread->signals.blocked & SIGNAL_BIT(sig)) != 0;
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

void signal_force(struct thread *th, int sig)
{
	struct thread_signals *s = &th->signals;
	struct signal_action *a = &th->task->signals.action[sig];

	if (s->blocked & SIGNAL_BIT(sig) || a->handler == HANDLER_IGNORE) {
		a->handler = HANDLER_DEFAULT;
		handlers_tell(th->task, sig);
		s->blocked &= ~SIGNAL_BIT(sig);
	}
	s->forced |= SIGNAL_BIT(sig);
}

void signal_fault(struct user_regs *r, const struct exo_upcall *u, int sig, int code, uint64_t addr)
{
	struct thread_signals *s = &P->thread->signals;

	(void)r;
	s->fault_trap = u->vector;
	s->fault_error = u->error;
	s->fault_addr = addr;
	s->fault = (struct signal_cause){ .code = code, .addr = addr };
	signal_force(P->thread, sig);
}

void signal_fork(struct task *child, const struct task *parent)
{
	memcpy(child->signals.action, parent->signals.action, sizeof child->signals.action);
}

void signal_thread(struct thread *to, const struct thread *from)
{
	to->signals = (struct thread_signals){
		.blocked = from->signals.blocked, .alt_sp = from->signals.alt_sp, .alt_size = from->signals.alt_size, .alt_flags = from->signals.alt_flags,
	};
}

void signal_exec(struct task *t)
{
	posix_timers_drop(t);
	handlers_leave(t);
	for (int sig = 1; sig <= SIGNAL_COUNT; sig++) {
		struct signal_action *a = &t->signals.action[sig];
		*a = (struct signal_action){ .handler = a->handler == HANDLER_IGNORE ? HANDLER_IGNORE : HANDLER_DEFAULT };
	}
	for (struct thread *th = t->threads; th; th = th->next) {
		th->signals.alt_sp = th->signals.alt_size = th->signals.alt_flags = 0;
		th->signals.restore = 0;
		th->signals.forced &= SIGNAL_BIT(SIGSTOP);
	}
}
