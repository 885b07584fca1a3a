/* SPDX-License-Identifier: MIT */
/* A child with an env of its own. How its memory comes to be the caller's is the app's choice (parts.h); vm/fork.c is
 * one. */
#include "ptrace.h"
#include "wish.h"
#include <posix/parts.h>
#include <vm/fork.h>

static void child_begin(void *child_tid)
{
	P->calls_traced = 0; /* its maker's may be */
	/* Rather no child than one that has what it must not have. */
	if (fork_begin())
		exit_process(SIGKILL);
	if (child_tid) {
		family_lock();
		(void)user_write((uint64_t)child_tid, &P->thread->tid, sizeof(int));
		family_unlock();
	}
	user_return();
}

long fork_process(const struct fork_wish *w)
{
	int e;
	struct task *child = child_new(w, &e);
	struct fork_start start = { .stack = w->stack, .go_on = child_begin };
	long name;
	int pid;

	if (!child)
		return e;
	pid = child->pid;
	start.task = child;
	start.thread = child->threads;
	start.fs_base = w->flags & CLONE_SETTLS ? w->tls : fs_base_get();
	start.argument = (void *)(w->flags & CLONE_CHILD_SETTID ? w->child_tid : 0);
	name = posix_app.fork(&start);
	if (name < 0) {
		child_undo(child);
		return name == -EAGAIN || name == -ENOMEM ? name : -ENOMEM;
	}
	regions_get();
	child->env = (exo_name)name;
	task_env_note(child);
	child->state = TASK_ALIVE;
	child->threads->on = 1;
	thread_run_new(child->threads);
	child_tell(w, child);
	if (w->flags & CLONE_PARENT_SETTID)
		(void)user_write(w->parent_tid, &pid, sizeof pid);
	if (P->thread->trace)
		ptrace_forked(w->flags, w->exit_signal, pid);
	return pid;
}
