/* SPDX-License-Identifier: MIT */
/* Private to fork.c, vfork.c and clone.c: what a caller wants of a new process. */
#ifndef POSIX_FORK_H
#define POSIX_FORK_H
#include "library.h"
#include <linux/sched.h>
#include <linux/signal.h>

/* clone's flags without its signal; stack 0 = the caller's; user addresses for tids. */
struct fork_wish { uint64_t flags, stack, parent_tid, child_tid, tls; int exit_signal; };

#pragma GCC visibility push(hidden)
/* A child record with everything but an env; NULL with *error. clone.c */
struct task *child_new(const struct fork_wish *w, int *error);
void child_undo(struct task *child);
/* The child's pid, or -errno. */
long fork_process(const struct fork_wish *w);  /* fork.c: an env of its own */
long vfork_process(const struct fork_wish *w); /* vfork.c: on the caller's env; 0, since it is the child that goes on */
#pragma GCC visibility pop
#endif
