/* SPDX-License-Identifier: MIT */
/* The calls that make processes, and the record of the child that all of them begin with. */
#include "wish.h"
#include <linux/resource.h>
#include <fs/files.h>
#include <posix/call/calls.h>
#include <posix/signal/signals.h>
#include "pidfd.h"
#include "ptrace.h"
#include "seccomp.h"
#include "share.h"
#include "usage.h"

static void image_share(struct task *child, const struct task *parent)
{
	if (parent->exe)
		inode_run(parent->exe);
	child->exe = parent->exe;
	child->vsize = parent->vsize;
}

/* A descriptor of the child, for its maker alone: it is told of it when the child has its own memory (child_tell), but a bad address must fail now. */
static int pidfd_make(const struct fork_wish *w, struct task *child)
{
	int fd = pidfd_new(child, 0), word;

	if (fd < 0)
		return fd;
	return user_read(&word, w->pidfd, sizeof word) || user_write(w->pidfd, &word, sizeof word) ? -EFAULT : 0;
}

void child_tell(const struct fork_wish *w, struct task *child)
{
	int fd = w->flags & CLONE_PIDFD ? pidfd_find(child) : -1;

	if (fd >= 0)
		(void)user_write(w->pidfd, &fd, sizeof fd);
}

/* Descriptors and places, its maker's or like them: 0 or -1. */
static int files_begin(struct task *child, const struct task *parent, uint64_t flags, int *error)
{
	const int shares = (flags & CLONE_FILES) != 0;

	child->files = shares ? files_share(parent->files) : files_fork(parent->files, error);
	if (!child->files)
		return -1;
	if (flags & CLONE_FS)
		child->places = places_share(parent->places);
	else
		child->places = places_fork(parent->places, shares ? NULL : child->files);
	if (child->places)
		return 0;
	files_free(child->files);
	return -1;
}

struct task *child_new(const struct fork_wish *w, int *error)
{
	struct task *parent = P->task, *child;

	*error = -EAGAIN;
	if (F->task_count >= PROC_MAX || F->task_count >= parent->limit[RLIMIT_NPROC][0])
		return 0;
	if (fork_is_refused())
		return 0;
	*error = -ENOMEM;
	child = task_new(parent);
	if (!child)
		return 0;
	child->exit_signal = w->exit_signal;
	if (w->flags & CLONE_PARENT) {
		task_child_of(child, parent->parent);
		child->maker = parent->maker;
		child->exit_signal = parent->exit_signal;
	}
	if (files_begin(child, parent, w->flags, error)) {
		task_free(child);
		return 0;
	}
	*error = -ENOMEM;
	image_share(child, parent);
	if (w->flags & CLONE_CLEAR_SIGHAND)
		signal_exec(child);
	if (w->flags & CLONE_SIGHAND)
		handlers_join(child, parent);
	signal_thread(child->threads, P->thread);
	sched_class_copy(child->threads, P->thread);
	if (child->threads->rank)
		realtime_limit_watch(child);
	seccomp_inherit(child->threads, P->thread);
	if (share_begin(child->threads, P->thread, w->flags)
		|| (w->flags & CLONE_SYSVSEM && sem_undo_share(child))) {
		child_undo(child);
		return 0;
	}
	if (w->flags & CLONE_CHILD_CLEARTID)
		child->threads->clear_child_tid = w->child_tid;
	*error = w->flags & CLONE_PIDFD ? pidfd_make(w, child) : 0;
	if (!*error && P->thread->trace)
		*error = ptrace_child(child->threads, w->flags, w->exit_signal);
	if (!*error)
		return child;
	child_undo(child);
	return 0;
}

#define NOT_HERE (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)
#define OF_THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

/* A thread shares all that can be shared; another process what its maker likes, but with memory always all memory. */
static long clone_any(const struct fork_wish *w)
{
	uint64_t f = w->flags;

	if (w->exit_signal > SIGNAL_COUNT || w->exit_signal < 0 || f & NOT_HERE || (f & CLONE_THREAD && !(f & CLONE_SIGHAND)) || (f & CLONE_SIGHAND && !(f & CLONE_VM))
		|| (f & CLONE_SETTLS && w->tls >= EXO_USER_END) || (f & CLONE_SIGHAND && f & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if (f & CLONE_PIDFD && f & CLONE_THREAD)
		return -EINVAL;
	/* What is sent to a group reaches all that its members make: nobody makes one more before he has taken it. */
	if (signal_pending())
		return -ERESTARTNOINTR;
	if (f & CLONE_THREAD)
		return (f & OF_THREAD) == OF_THREAD ? thread_clone(w) : -EINVAL;
	return f & CLONE_VM ? vfork_process(w) : fork_process(w);
}

CALL0(fork)
{
	return clone_any(&(struct fork_wish){ .exit_signal = SIGCHLD });
}

CALL0(vfork)
{
	return clone_any(&(struct fork_wish){ .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD });
}

CALL5(clone, flags, stack, parent_tid, child_tid, tls)
{
	if (flags & CLONE_PIDFD && flags & (CLONE_PARENT_SETTID | CLONE_DETACHED))
		return -EINVAL;
	return clone_any(&(struct fork_wish){ flags & ~(uint64_t)CSIGNAL, stack, parent_tid, child_tid, tls, flags & CSIGNAL, parent_tid });
}

CALL2(clone3, at, size)
{
	struct clone_args args = { 0 };

	if (size < CLONE_ARGS_SIZE_VER0 || size > PAGE)
		return size > PAGE ? -E2BIG : -EINVAL;
	if (user_read(&args, at, size < sizeof args ? size : sizeof args))
		return -EFAULT;
	/* Fields of a later time must be zero. */
	for (uint64_t i = sizeof args, byte = 0; i < size; i++)
		if (user_read(&byte, at + i, 1) || byte)
			return byte ? -E2BIG : -EFAULT;
	if (args.flags & (CLONE_DETACHED | CSIGNAL) || !args.stack != !args.stack_size || (args.flags & (CLONE_THREAD | CLONE_PARENT) && args.exit_signal) || args.set_tid_size)
		return -EINVAL;
	return clone_any(&(struct fork_wish){ args.flags, args.stack ? args.stack + args.stack_size : 0, args.parent_tid,
		args.child_tid, args.tls, (int)args.exit_signal, args.pidfd });
}

/* There are no namespaces, as in a Linux built without them. A thread cannot have files or a working folder of its
 * own. */
CALL1(unshare, flags)
{
	int e;

	if (flags & ~(uint64_t)(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM))
		return -EINVAL;
	if (flags & ~(uint64_t)CLONE_SYSVSEM && P->task->thread_count > 1)
		return -EINVAL;
	if (flags & CLONE_FILES && (e = files_unshare()))
		return e;
	if (flags & CLONE_FS && (e = places_unshare()))
		return e;
	if (flags & CLONE_SYSVSEM)
		sem_undo_all(P->task);
	return 0;
}
