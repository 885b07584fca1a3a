/* SPDX-License-Identifier: MIT */
/* Private to fork.c, vfork.c and clone.c: what a caller wants of a new process. */
#ifndef POSIX_WISH_H
#define POSIX_WISH_H
#include <posix/library.h>
#include <linux/sched.h>
#include <linux/signal.h>

/* clone's flags without its signal; stack 0 = the caller's; user addresses for tids, and for CLONE_PIDFD's
 * descriptor. */
struct fork_wish { uint64_t flags, stack, parent_tid, child_tid, tls; int exit_signal; uint64_t pidfd; };

#pragma GCC visibility push(hidden)
/* A child record with everything but an env; NULL with *error. clone.c */
struct task *child_new(const struct fork_wish *w, int *error);
void child_undo(struct task *child);            /* it is not made after all: reap.c */
void child_tell(const struct fork_wish *w, struct task *child); /* its maker: which descriptor it is */
/* The child's pid, or -errno. */
long fork_process(const struct fork_wish *w);  /* fork.c: an env of its own */
long vfork_process(const struct fork_wish *w); /* vfork.c: in the caller's env; waits if the wish says so */
long thread_clone(const struct fork_wish *w);  /* vfork.c: a thread of the caller's process: its tid, or -errno */
#pragma GCC visibility pop
#endif
