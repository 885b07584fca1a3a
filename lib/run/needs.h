/* SPDX-License-Identifier: MIT */
/* What this room wants of whoever links it: names to define. The family lock is held. */
#ifndef RUN_NEEDS_H
#define RUN_NEEDS_H

struct thread;

#pragma GCC visibility push(hidden)
/* Which thread of the run queue is next, `other` not; NULL = nobody. pick_fair is one answer. */
struct thread *sched_pick(const struct thread *other);
/* A signal is there that ends the caller's sleep before it begins. */
int  signal_pending(void);
/* An env has died, or somebody is to be ended. */
void reap_stuck(void);
/* The caller's process has been asked for something (task->asked), or the kernel has taken memory of its env. */
void ask_serve(void);
#pragma GCC visibility pop
#endif
