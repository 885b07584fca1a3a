/* SPDX-License-Identifier: MIT */
/* How threads and processes end, and what becomes of what they leave: exit, orphans. Waiting for processes is wait.c's; who cannot end by itself is reap.c's.
 * A thread ends by its own hand only, on its way to user code, so that nothing that it holds in the library is lost. */
#include <fs/files.h>
#include <posix/library.h>
#include <posix/call/calls.h>
#include <posix/file/aio.h>
#include <posix/signal/signals.h>
#include <vm/swap.h>
#include "ask.h"
#include "keys.h"
#include "pidfd.h"
#include "ptrace.h"
#include "seccomp.h"
#include "share.h"
#include "usage.h"

#define SA_NOCLDWAIT_BIT 2ul
#define HANDLER_IGNORE 1ul

int end_why(int status)
{
	if (!(status & 0x7f))
		return CLD_EXITED;
	return status & STATUS_DUMPED ? CLD_DUMPED : CLD_KILLED;
}

int end_value(int status) { return status & 0x7f ? status & 0x7f : status >> 8; }

void task_tell_parent(struct task *t)
{
	struct task *parent = t->parent;
	struct signal_cause cause = { .pid = t->pid };
	int ended = t->state == TASK_ZOMBIE, sig = ended ? t->exit_signal : SIGCHLD;

	if (!parent)
		return;
	if (ended) {
		cause.code = end_why(t->exit_status);
		cause.status = end_value(t->exit_status);
	} else {
		cause.code = t->stop_status == STATUS_CONTINUED ? CLD_CONTINUED : CLD_STOPPED;
		cause.status = t->stop_status == STATUS_CONTINUED ? SIGCONT : t->stop_status >> 8;
		if (parent->signals.action[SIGCHLD].flags & 1) /* SA_NOCLDSTOP */
			sig = 0;
	}
	if (sig && !parent->is_init)
		(void)signal_send_info(parent, sig, &cause);
	wake_up(parent);
}

void vfork_release(struct task *child)
{
	struct thread *parent = child->vfork_parent;

	child->vfork_parent = 0;
	if (!parent)
		return;
	parent->vfork_child = 0;
	thread_run(parent);
}

void task_reap(struct task *t)
{
	if (t->env)
		env_end(t->env);
	task_free(t);
}

static int parent_does_not_wait(const struct task *t)
{
	const struct signal_action *a = &t->parent->signals.action[SIGCHLD];

	return !t->parent->is_init && t->exit_signal == SIGCHLD && (a->handler == HANDLER_IGNORE || a->flags & SA_NOCLDWAIT_BIT);
}

static void child_to(struct task *c, struct task *to)
{
	task_child_of(c, to);
	c->maker = to->pid;
	c->exit_signal = SIGCHLD;
	wake_up(to);
}

/* Who gets the children of t: its nearest ancestor that asked for them, or process 1. */
static struct task *heir_of(const struct task *t)
{
	struct task *heir = t->parent;

	while (heir && !heir->is_init && !(heir->adopts && heir->state == TASK_ALIVE && !heir->ending))
		heir = heir->parent;
	return heir ? heir : F->tasks;
}

static void children_leave(struct task *t)
{
	struct task *heir = t->child ? heir_of(t) : 0;

	while (t->child) {
		struct task *c = t->child;

		child_to(c, heir);
		if (c->pdeath_signal)
			(void)signal_send(c->pid, c->pdeath_signal);
		if (c->state == TASK_ZOMBIE && !ptrace_hides(c))
			task_told(c);
	}
}

/* Groups that the end of t leaves without a parent in their session, and that have a stopped member, get SIGHUP and SIGCONT. */
static void orphans_wake(const struct task *t, const int *orphaned, int count)
{
	for (int i = 0; i < count; i++)
		for (struct task *m = F->tasks; m; m = m->next)
			if (m != t && m->pgrp == orphaned[i] && m->stop_signal && group_is_orphaned(orphaned[i])) {
				(void)signal_group(orphaned[i], SIGHUP);
				(void)signal_group(orphaned[i], SIGCONT);
				break;
			}
}

#define GROUPS_MAX 16
static int groups_note(const struct task *t, int *list)
{
	int count = 0;

	if (!F->stopped_count)
		return 0;
	for (const struct task *c = t->child; c && count < GROUPS_MAX - 1; c = c->sibling)
		if (c->pgrp != t->pgrp && c->session == t->session && !group_is_orphaned(c->pgrp))
			list[count++] = c->pgrp;
	if (!group_is_orphaned(t->pgrp))
		list[count++] = t->pgrp;
	return count;
}

void task_told(struct task *t)
{
	task_tell_parent(t);
	if (parent_does_not_wait(t))
		child_to(t, F->tasks);
}

/* What others see of the end of t: files closed, children handed on, status told. */
void task_bury(struct task *t, int status)
{
	int groups[GROUPS_MAX], count = groups_note(t, groups);

	if (t->files)
		files_free(t->files);
	t->files = 0;
	if (t->places)
		places_free(t->places);
	t->places = 0;
	ask_refuse(t);
	sem_undo_all(t);
	keyrings_leave(t);
	if (t->aio)
		aio_drop(t);
	if (t->traced)
		ptrace_end_all(t, NULL);
	task_drop_image(t);
	children_leave(t);
	for (struct thread *th = t->threads; th; th = th->next) {
		if (th->trace && th->state != THREAD_ENDED)
			(void)ptrace_thread_ended(th, status);
		th->state = THREAD_ENDED;
		sched_remove(th);
		if (th->futex.holder | th->futex_waiters)
			futex_hand_on(th);
		futex_forget(th);
		seccomp_drop(th);
		share_end(th);
		if (th->channel)
			sleep_end(th);
		if (th->waits_for)
			waits_end(th);
	}
	t->state = TASK_ZOMBIE;
	t->exit_status = status;
	t->stop_status = 0;
	task_news_set(t, 1);
	itimers_stop(t);
	posix_timers_drop(t);
	signal_forget(t, ~0ul);
	orphans_wake(t, groups, count);
	if (!t->threads->trace || !ptrace_task_ended(t))
		task_told(t);
	pidfds_wake(t);
}

void env_leave(void)
{
	if (P->thread_count)
		sched_leave();
	if (SPACE->swap)
		swap_leave();
	regions_drop();
	sched_pass();
	__atomic_store_n(&F->told.lock, 0, __ATOMIC_RELEASE);
	(void)gate_env_kill(0);
	__builtin_unreachable();
}

/* What a thread tells others of its end by way of the memory that they share. */
void memory_leave(struct thread *th)
{
	const int zero = 0;

	if (th->robust_list | th->futex_waiters)
		futex_end(th);
	if (th->clear_child_tid && P->thread_count > 1 && !user_write(th->clear_child_tid, &zero, sizeof zero))
		(void)futex_wake(th->clear_child_tid, 1);
	th->clear_child_tid = 0;
}

static void others_kill(struct task *t, const struct thread *but)
{
	for (struct thread *th = t->threads; th; th = th->next) {
		if (th == but || th->state == THREAD_ENDED)
			continue;
		th->signals.ends = 1;
		th->signals.forced |= SIGNAL_BIT(SIGKILL);
		signal_poke(th, SIGKILL);
	}
}

void exit_thread(int wait_status)
{
	struct thread *me = P->thread;
	struct task *t = P->task;
	int is_leader = me->tid == t->pid, is_last, stays = 0;

	if (me->trace)
		ptrace_exit(me, t->ending ? t->exit_status : wait_status);
	is_last = t->thread_count == 1;
	if (is_last && !t->ending)
		t->exit_status = wait_status;
	if (t->traced)
		ptrace_end_all(t, me);
	memory_leave(me);
	signal_thread_end(me);
	seccomp_drop(me);
	share_end(me);
	sched_remove(me);
	if (me->channel)
		sleep_end(me); /* of a call that was answered meanwhile */
	if (me->trace)
		stays = ptrace_thread_ended(me, t->ending ? t->exit_status : wait_status);
	me->state = THREAD_ENDED;
	t->thread_count--;
	if (t->alone_waits)
		thread_run(t->alone_waits);
	if (is_last) {
		usage_note();
		vfork_release(t);
		task_bury(t, t->exit_status);
	}
	thread_detach();
	if (is_last && P->thread_count)
		t->env = 0;
	if (!is_last && !is_leader)
		sched_moves(me);
	if (!is_last && !is_leader && !stays) {
		usage_keep(t, me);
		ptrace_free(me);
		thread_free(me);
	}
	env_leave();
}

void exit_process(int wait_status)
{
	struct task *t = P->task;

	if (!family_locked())
		family_lock();
	if (!t->ending) {
		t->ending = 1;
		t->exit_status = wait_status;
		others_kill(t, P->thread);
	}
	exit_thread(wait_status);
}

void threads_end_others(void)
{
	struct task *t = P->task;
	struct thread *me = P->thread, *leader = t->threads;

	others_kill(t, me);
	t->alone_waits = me;
	while (t->thread_count > 1)
		sched_block(THREAD_SLEEPING);
	t->alone_waits = 0;
	if (leader == me)
		return;
	/* The leader's record is still there, ended: the caller takes its place. */
	sched_moves(leader);
	usage_keep(t, leader);
	ptrace_free(leader);
	thread_free(leader);
	thread_renumber(me, t->pid);
	thread_first_of(me);
}

int reap_child(int *status)
{
	for (struct task *c = F->tasks->news_count ? F->tasks->child : NULL; c; c = c->sibling)
		if (c->state == TASK_ZOMBIE && !ptrace_hides(c)) {
			int pid = c->pid;

			*status = c->exit_status;
			task_reap(c);
			return pid;
		}
	return 0;
}

CALL1(exit, code)
{
	exit_thread((int)(code & 0xff) << 8);
}

CALL1(exit_group, code)
{
	exit_process((int)(code & 0xff) << 8);
}
