/* SPDX-License-Identifier: MIT */
/* What one process is to do for another in its own env, where its memory and regions are: copying from and to it,
 * telling of it. */
#ifndef POSIX_ASK_H
#define POSIX_ASK_H
#include <posix/process/task.h>

#pragma GCC visibility push(hidden)
/* serve(with), under the family lock, in the env of t, when t next runs (it is woken for it); with: family memory,
 * which must stay until this returns. It must not
 * sleep. 0; -ESRCH: it ended, or shares no CPU time; -EINTR: a signal came first, and serve is not called. Family
 * lock held; it is dropped meanwhile. */
int task_ask(struct task *t, void (*serve)(void *), void *with);
/* remote.c: n bytes of t's memory, at most a page, whatever its mappings allow: 0, as task_ask, -EIO. */
int memory_move(struct task *t, uint64_t at, void *bytes, size_t n, int writes);
/* The caller is stopped: it answers what its process was asked for before, or sleeps. */
void stopped_rest(void);
/* exit.c: t ends. */
void ask_refuse(struct task *t);
#pragma GCC visibility pop
#endif
