/* SPDX-License-Identifier: MIT */
/* What runs in its maker's env: threads, children of vfork, and processes that share its memory. Nothing is copied: each is one thread more there. */
#include "ptrace.h"
#include "usage.h"
#include "wish.h"
#include "seccomp.h"
#include "share.h"
#include <posix/signal/signals.h>

static void tids_tell(const struct fork_wish *w, const struct thread *th)
{
	if (w->flags & CLONE_PARENT_SETTID)
		(void)user_write(w->parent_tid, &th->tid, sizeof th->tid);
	if (w->flags & CLONE_CHILD_SETTID)
		(void)user_write(w->child_tid, &th->tid, sizeof th->tid);
}

/* First words of a thread. */
static void thread_goes(void)
{
	sched_start_turn();
	user_return();
}

/* th begins behind the caller's system call, with what w says: 0 or -errno. */
static int thread_launch(struct thread *th, const struct fork_wish *w)
{
	struct user_regs regs = P->regs;
	int e;

	regs.rax = 0;
	regs.orig_rax = -1ul;
	if (w->stack)
		regs.rsp = w->stack;
	e = thread_start(th, &regs, w->flags & CLONE_SETTLS ? w->tls : fs_base_get(), gs_base_get(), thread_goes);
	if (e)
		return e;
	tids_tell(w, th);
	thread_run_new(th);
	return 0;
}

long thread_clone(const struct fork_wish *w)
{
	struct thread *const me = P->thread, *th = thread_new(me->task, 0);
	int e, tid;

	if (!th)
		return -EAGAIN;
	memcpy(th->name, thread_name(me), sizeof th->name);
	sched_class_copy(th, me);
	if (th->rank)
		realtime_limit_watch(me->task);
	signal_thread(th, me);
	th->signals.alt_sp = th->signals.alt_size = th->signals.alt_flags = 0;
	if (w->flags & CLONE_CHILD_CLEARTID)
		th->clear_child_tid = w->child_tid;
	seccomp_inherit(th, me);
	e = share_begin(th, me, w->flags);
	if (!e && me->trace)
		e = ptrace_child(th, w->flags, 0);
	if (!e)
		e = thread_launch(th, w);
	if (e) {
		seccomp_drop(th);
		ptrace_free(th);
		share_end(th);
		me->task->thread_count--;
		thread_free(th);
		return -EAGAIN;
	}
	tid = th->tid;
	if (me->trace)
		ptrace_forked(w->flags, 0, tid);
	return tid;
}

long vfork_process(const struct fork_wish *w)
{
	int e, pid;
	struct task *child = child_new(w, &e);
	struct thread *me = P->thread;

	if (!child)
		return e;
	pid = child->pid;
	child->env = P->self;
	child->state = TASK_ALIVE;
	if (!(w->flags & CLONE_VFORK))
		child->threads->signals.alt_sp = child->threads->signals.alt_size = child->threads->signals.alt_flags = 0;
	e = thread_launch(child->threads, w);
	if (e) {
		child_undo(child);
		return -ENOMEM;
	}
	child_tell(w, child);
	if (w->flags & CLONE_VFORK) {
		child->vfork_parent = me;
		me->vfork_child = child;
	}
	if (me->trace)
		ptrace_forked(w->flags, w->exit_signal, pid);
	if (w->flags & CLONE_VFORK) {
		while (me->vfork_child && !(signals_ready(me) & SIGNAL_BIT(SIGKILL)))
			sched_block(THREAD_SLEEPING);
		if (me->vfork_child)
			me->vfork_child->vfork_parent = 0;
		me->vfork_child = 0;
		if (me->trace)
			ptrace_vforked(pid);
	}
	return pid;
}
