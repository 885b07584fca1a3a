/* SPDX-License-Identifier: MIT */
/* How processes end, and what becomes of what they leave: exit, orphans. Waiting for them is wait.c's; who cannot end by itself is reap.c's. */
#include "library.h"
#include "calls.h"
#include <asm/siginfo.h>
#include <linux/signal.h>

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
void task_bury(struct task *t, int status)
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
