/* SPDX-License-Identifier: MIT */
/* What processes and threads use: CPU time, split into the program's and the library's, by clock, and as a limit;
 * pages, page faults, turns. */
#ifndef POSIX_USAGE_H
#define POSIX_USAGE_H
#include <posix/process/task.h>

#pragma GCC visibility push(hidden)
struct times { uint64_t user, system; }; /* ns */
struct times task_times(struct task *t);
struct times thread_times(struct thread *th);

/* The clock of that number as one that names its process or thread, seen from the caller; 0: there is no such one. */
int32_t cpu_clock(int32_t clock);
/* What it says, in ns: 0 or -EINVAL. family lock held unless it is the caller's own. */
int cpu_clock_read(int32_t clock, uint64_t *ns);
int cpu_clock_is_process(int32_t clock);
/* When to look again at a clock of t that is to go on by so many ns: CPU time passes no faster than time, and not at
 * all while nobody runs. */
uint64_t cpu_clock_look(const struct task *t, uint64_t left);

/* Of a process so far, without its children; of one thread, whose pages and faults are its process's. */
struct usage usage_of(struct task *t);
uint64_t task_frames(const struct task *t);               /* that are charged to its env */
struct usage usage_of_thread(struct thread *th);
void usage_add(struct usage *to, const struct usage *more);
void usage_keep(struct task *t, const struct thread *th); /* th ends: its process has what it used */
void usage_put(int64_t to[18], const struct usage *u);    /* as struct rusage */

/* load.c */
void load_sample(uint64_t now);
void task_born(void), task_gone(struct task *t);

/* RLIMIT_CPU of t was set or inherited. */
void cpu_limit_watch(struct task *t);
/* The same of RLIMIT_RTTIME, or a thread of t is a real-time thread now, or none any more. */
void realtime_limit_watch(struct task *t);
#pragma GCC visibility pop
void usage_note(void);                                    /* the caller's pages are about to become fewer */
#endif
