/* SPDX-License-Identifier: MIT */
/* wait4 and waitid: what children have to tell, taken once. A zombie's env is torn down to the last frame before its status is given. */
#include <posix/library.h>
#include <posix/call/calls.h>
#include <asm/siginfo.h>
#include <linux/signal.h>
#include <linux/wait.h>
#include "pidfd.h"
#include "ptrace.h"
#include "usage.h"

/* Children of another thread count but for __WNOTHREAD, and once that thread is gone they are anybody's. */
static int is_of_thread(const struct task *c)
{
	const struct thread *maker = thread_by_tid(c->maker);

	return c->maker == P->thread->tid || !maker || maker->task != P->task || maker->state == THREAD_ENDED;
}

static int wanted(const struct task *c, int pid, int options)
{
	if (!(options & __WALL) && (c->exit_signal != SIGCHLD) != !!(options & __WCLONE))
		return 0;
	if (options & __WNOTHREAD && !is_of_thread(c))
		return 0;
	return pid == -1 || (pid > 0 && c->pid == pid) || (!pid && c->pgrp == P->task->pgrp) || (pid < -1 && c->pgrp == -pid);
}

/* 1 when c has something to tell under these options; it is taken unless WNOWAIT. */
static int child_news(struct task *c, int options, int *status)
{
	const struct trace *t = ptrace_of(c->threads);

	if (c->state == TASK_ZOMBIE) {
		*status = c->exit_status;
		return options & WEXITED && !ptrace_hides(c);
	}
	/* Of the stops of one that it traces a parent hears as its tracer. */
	if (t && t->tracer->task == P->task && c->stop_status != STATUS_CONTINUED)
		return 0;
	if (!c->stop_status || !(options & (c->stop_status == STATUS_CONTINUED ? WCONTINUED : WSTOPPED)))
		return 0;
	*status = c->stop_status;
	if (!(options & WNOWAIT)) {
		c->stop_status = 0;
		task_news_set(c, 0);
	}
	return 1;
}

/* A child that has something to tell, which is taken unless WNOWAIT; else NULL, and *any: there is one to wait for. */
static struct task *child_look(int pid, int options, int *status, int *any)
{
	struct task *self = P->task, *c = pid > 0 ? task_by_pid(pid) : self->child;

	if (c && c->parent != self)
		return 0;
	for (; c; c = pid > 0 ? 0 : c->sibling) {
		if (!wanted(c, pid, options))
			continue;
		*any = 1;
		if (!self->news_count)
			return 0;
		if (child_news(c, options, status))
			return c;
	}
	return 0;
}

/* Waits as wait4 does. The child (still there; the caller reaps a zombie), or NULL with *error: the number of a thread
 * that the caller traces, whose process has that use, 0 for WNOHANG and nothing, else -errno. */
static struct task *child_wait(int pid, int options, int *status, int *error, struct usage *usage)
{
	struct task *self = P->task;

	for (;;) {
		int any = 0;
		struct task *c;

		/* Threads have ended before their process. */
		*error = self->traced ? ptrace_wait(pid, options, &any, status, usage) : 0;
		if (*error)
			return 0;
		c = child_look(pid, options, status, &any);
		if (c)
			return c;
		*error = any ? 0 : -ECHILD;
		if (!any || options & WNOHANG)
			return 0;
		if (sleep_on(self, 0) < 0) {
			*error = -ERESTARTSYS;
			return 0;
		}
	}
}

/* Its own, and what it waited for. */
static struct usage usage_whole(struct task *c)
{
	struct usage u = usage_of(c);

	usage_add(&u, &c->children);
	return u;
}

static void child_taken(struct task *c)
{
	const struct usage u = usage_whole(c);

	usage_add(&P->task->children, &u);
	task_reap(c);
}

CALL4(wait4, pid, status_at, asked, usage_at)
{
	uint32_t options = (uint32_t)asked;
	int status = 0, error, number;
	int64_t usage[18] = { 0 };
	struct usage used = { 0 };
	struct task *c;

	if (options & ~(uint32_t)(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WALL | __WCLONE))
		return -EINVAL;
	if ((int)pid == INT32_MIN) /* no group has that number's opposite */
		return -ESRCH;
	c = child_wait((int)pid, (int)options | WEXITED, &status, &error, &used);
	if (!c && error <= 0)
		return error;
	number = c ? c->pid : error;
	if (c && usage_at)
		used = usage_whole(c);
	if (usage_at)
		usage_put(usage, &used);
	if (c && c->state == TASK_ZOMBIE)
		child_taken(c);
	if (status_at && user_write(status_at, &status, sizeof status))
		return -EFAULT;
	if (usage_at && user_write(usage_at, usage, sizeof usage))
		return -EFAULT;
	return number;
}

/* siginfo's words, by wait4's. */
static void info_put(int32_t info[32], int pid, int status, int is_traced)
{
	info[0] = SIGCHLD;
	info[4] = pid;
	if (status == STATUS_CONTINUED) {
		info[2] = CLD_CONTINUED;
		info[6] = SIGCONT;
	} else if ((status & 0xff) == 0x7f) {
		info[2] = is_traced ? CLD_TRAPPED : CLD_STOPPED;
		info[6] = status >> 8;
	} else {
		info[2] = end_why(status);
		info[6] = end_value(status);
	}
}

CALL5(waitid, which, id, info_at, asked, usage_at)
{
	uint32_t options = (uint32_t)asked;
	int status = 0, error, pid = -1, no_wait = 0;
	int32_t info[32] = { 0 };
	int64_t usage[18] = { 0 };
	struct usage used = { 0 };
	struct task *c;

	if (options & ~(uint32_t)(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WALL | __WCLONE))
		return -EINVAL;
	if ((which != P_ALL && (int)id < 0) || !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	switch (which) {
	case P_ALL:
		break;
	case P_PID:
		if (!(pid = (int)id))
			return -EINVAL;
		break;
	case P_PGID:
		pid = -(int)id;
		break;
	case P_PIDFD:
		if ((pid = pidfd_pid((int)id, &no_wait)) < 0)
			return pid;
		break;
	default:
		return -EINVAL;
	}
	c = child_wait(pid, (int)options | (no_wait ? WNOHANG : 0), &status, &error, &used);
	if (!c && error < 0)
		return error;
	if (!c && !error && no_wait && !(options & WNOHANG))
		return -EAGAIN;
	if (c || error) {
		info_put(info, c ? c->pid : error, status, !c);
		if (c)
			used = usage_whole(c);
		usage_put(usage, &used);
		if (c && c->state == TASK_ZOMBIE && !(options & WNOWAIT))
			child_taken(c);
		if (usage_at && user_write(usage_at, usage, sizeof usage))
			return -EFAULT;
	}
	return info_at ? user_write(info_at, info, sizeof info) : 0;
}
