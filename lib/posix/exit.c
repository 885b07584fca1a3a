/* SPDX-License-Identifier: MIT */
/* How processes end and how their parents learn of it: exit, wait4, waitid, and envs that the kernel had to stop. */
#include "library.h"
#include "calls.h"
#include <asm/siginfo.h>
#include <linux/signal.h>
#include <linux/wait.h>

#define STATUS_CONTINUED 0xffff
#define SA_NOCLDWAIT_BIT 2ul
#define HANDLER_IGNORE 1ul

void env_end(exo_name env)
{
	for (;;) {
		int64_t r = gate_env_kill(env);

		if (r == 0 || r == -EXO_ESTALE)
			return;
		if (r != -EXO_EAGAIN && gate_yield(env, 0) < 0)
			(void)gate_yield(0, 0);
	}
}

void task_tell_parent(struct task *t)
{
	struct task *parent = t->parent;
	struct signal_cause cause = { .pid = t->pid };
	int ended = t->state == TASK_ZOMBIE, sig = ended ? t->exit_signal : SIGCHLD;

	if (!parent)
		return;
	if (ended) {
		cause.code = t->exit_status & 0x7f ? t->exit_status & 0x80 ? CLD_DUMPED : CLD_KILLED : CLD_EXITED;
		cause.status = t->exit_status & 0x7f ? t->exit_status & 0x7f : t->exit_status >> 8;
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

/* The record goes; its env must have ended or be about to. */
static void task_reap(struct task *t)
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

/* Process 1 becomes the parent of c. */
static void child_to_init(struct task *c)
{
	struct task *init = F->tasks, **at = &c->parent->child;

	while (*at != c)
		at = &(*at)->sibling;
	*at = c->sibling;
	c->parent = init;
	c->sibling = init->child;
	init->child = c;
	c->exit_signal = SIGCHLD;
	wake_up(init);
}

static void children_leave(struct task *t)
{
	while (t->child) {
		struct task *c = t->child;

		child_to_init(c);
		if (c->pdeath_signal)
			(void)signal_send(c->pid, c->pdeath_signal);
	}
}

/* Groups that the end of t leaves without a parent in their session, and that have a stopped member, get SIGHUP and SIGCONT. */
static void orphans_wake(const struct task *t, const int *orphaned, int count)
{
	for (int i = 0; i < count; i++)
		for (struct task *m = F->tasks; m; m = m->next)
			if (m != t && m->pgrp == orphaned[i] && m->state == TASK_STOPPED && group_is_orphaned(orphaned[i])) {
				(void)signal_group(orphaned[i], SIGHUP);
				(void)signal_group(orphaned[i], SIGCONT);
				break;
			}
}

#define GROUPS_MAX 16
static int groups_note(const struct task *t, int *list)
{
	int count = 0;

	for (const struct task *c = t->child; c && count < GROUPS_MAX - 1; c = c->sibling)
		if (c->pgrp != t->pgrp && c->session == t->session && !group_is_orphaned(c->pgrp))
			list[count++] = c->pgrp;
	if (!group_is_orphaned(t->pgrp))
		list[count++] = t->pgrp;
	return count;
}

/* What others see of the end of t: files closed, children handed on, status told. */
static void task_bury(struct task *t, int status)
{
	int groups[GROUPS_MAX], count = groups_note(t, groups);

	if (t->files)
		files_free(t->files);
	t->files = 0;
	task_drop_image(t);
	children_leave(t);
	sched_remove(t);
	t->state = TASK_ZOMBIE;
	t->exit_status = status;
	t->stop_status = 0;
	t->signals.timer_at = 0;
	orphans_wake(t, groups, count);
	task_tell_parent(t);
	if (parent_does_not_wait(t))
		child_to_init(t);
}

void exit_process(int wait_status)
{
	struct task *t = P->task;

	if (!family_locked())
		family_lock();
	if (t->clear_child_tid) {
		int zero = 0;

		(void)user_write(t->clear_child_tid, &zero, sizeof zero);
	}
	if (t->vfork_parent) {
		t->run_before = task_ticks(t);
		t->env = 0;
		task_bury(t, wait_status);
		vfork_give_back(t);
	}
	regions_drop();
	task_bury(t, wait_status);
	__atomic_store_n(&F->lock, 0, __ATOMIC_RELEASE);
	(void)gate_env_kill(0);
	__builtin_unreachable();
}

/* An env that the kernel stopped (no room for an upcall) or that was ended from outside: its task dies of SIGSEGV. */
void reap_stuck(void)
{
	int locked = family_locked();

	if (!locked)
		family_lock();
	for (struct task *t = F->tasks; t; t = t->next) {
		const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(t->env)];

		if (!t->env || t->state == TASK_ZOMBIE || t->state == TASK_NEW || t->is_init)
			continue;
		if (e->name == t->env && e->state != EXO_S_STUCK && e->state != EXO_S_DYING)
			continue;
		if (e->name == t->env && e->state == EXO_S_STUCK && e->creator != P->self) {
			(void)gate_yield(e->creator, 0);
			continue;
		}
		posix_log("%s[%d]: Segmentation fault: stuck at vector %u, address 0x%lx, rip 0x%lx", t->name, t->pid, e->stuck_vector,
			(unsigned long)e->stuck_addr, (unsigned long)e->stuck_rip);
		if (t->vfork_parent)
			t->vfork_parent->env = 0;
		(void)gate_env_kill(t->env); /* only its creator may; from here on anyone can push its teardown */
		task_bury(t, SIGSEGV);
	}
	if (!locked)
		family_unlock();
}

static int wanted(const struct task *c, int pid)
{
	return pid == -1 || (pid > 0 && c->pid == pid) || (!pid && c->pgrp == P->task->pgrp) || (pid < -1 && c->pgrp == -pid);
}

/* 1 when c has something to tell under these options; it is taken unless WNOWAIT. */
static int child_news(struct task *c, int options, int *status)
{
	if (c->state == TASK_ZOMBIE) {
		*status = c->exit_status;
		return options & WEXITED;
	}
	if (!c->stop_status || !(options & (c->stop_status == STATUS_CONTINUED ? WCONTINUED : WSTOPPED)))
		return 0;
	*status = c->stop_status;
	if (!(options & WNOWAIT))
		c->stop_status = 0;
	return 1;
}

/* Waits as wait4 does. The child (still there; the caller reaps a zombie), NULL with *error (0: WNOHANG and nothing). */
static struct task *child_wait(int pid, int options, int *status, int *error)
{
	struct task *self = P->task;

	for (;;) {
		int any = 0;

		for (struct task *c = self->child; c; c = c->sibling) {
			if (!wanted(c, pid))
				continue;
			any = 1;
			if (child_news(c, options, status))
				return c;
		}
		*error = any ? 0 : -ECHILD;
		if (!any || options & WNOHANG)
			return 0;
		if (sleep_on(self, 0) < 0) {
			*error = -ERESTARTSYS;
			return 0;
		}
	}
}

static void usage_fill(uint64_t to[18], const struct task *c)
{
	uint64_t us = (uint64_t)((unsigned __int128)task_ticks(c) * rt_info->ns_mult >> 32) / 1000;

	memset(to, 0, 18 * sizeof *to);
	to[0] = us / 1000000;
	to[1] = us % 1000000;
}

static void child_taken(struct task *c)
{
	P->task->child_ticks += task_ticks(c) + c->child_ticks;
	task_reap(c);
}

CALL4(wait4, pid, status_at, options, usage_at)
{
	int status = 0, error, number;
	uint64_t usage[18];
	struct task *c;

	if (options & ~(uint64_t)(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WALL | __WCLONE))
		return -EINVAL;
	c = child_wait((int)pid, (int)options | WEXITED, &status, &error);
	if (!c)
		return error;
	number = c->pid;
	usage_fill(usage, c);
	if (c->state == TASK_ZOMBIE)
		child_taken(c);
	if (status_at && user_write(status_at, &status, sizeof status))
		return -EFAULT;
	if (usage_at && user_write(usage_at, usage, sizeof usage))
		return -EFAULT;
	return number;
}

CALL5(waitid, which, id, info_at, options, usage_at)
{
	int status = 0, error, pid = which == P_ALL ? -1 : which == P_PID ? (int)id : id ? -(int)id : 0;
	int32_t info[32] = { 0 };
	uint64_t usage[18];
	struct task *c;

	if (which > P_PGID || (which != P_ALL && (int)id < 0) || !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	c = child_wait(pid, (int)options, &status, &error);
	if (!c && error)
		return error;
	if (c) {
		int ended = c->state == TASK_ZOMBIE, core = status & 0x80, sig = status & 0x7f;

		info[0] = SIGCHLD;
		info[2] = !ended ? status == STATUS_CONTINUED ? CLD_CONTINUED : CLD_STOPPED : sig ? core ? CLD_DUMPED : CLD_KILLED : CLD_EXITED;
		info[4] = c->pid;
		info[6] = !ended ? status == STATUS_CONTINUED ? SIGCONT : status >> 8 : sig ? sig : status >> 8;
		usage_fill(usage, c);
		if (ended && !(options & WNOWAIT))
			child_taken(c);
		if (usage_at && user_write(usage_at, usage, sizeof usage))
			return -EFAULT;
	}
	return info_at ? user_write(info_at, info, sizeof info) : 0;
}

int reap_child(int *status)
{
	for (struct task *c = F->tasks->child; c; c = c->sibling)
		if (c->state == TASK_ZOMBIE) {
			int pid = c->pid;

			*status = c->exit_status;
			task_reap(c);
			return pid;
		}
	return 0;
}

CALL1(exit, code)
{
	exit_process((int)(code & 0xff) << 8);
}

CALL1(exit_group, code)
{
	exit_process((int)(code & 0xff) << 8);
}
