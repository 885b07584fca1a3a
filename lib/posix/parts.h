/* SPDX-License-Identifier: MIT */
/* What an app on this library chooses: one function or number for each policy. The app defines posix_parts; the library asks it wherever the policy counts. */
#ifndef POSIX_PARTS_H
#define POSIX_PARTS_H
#include <stdint.h>

struct exec_plan;
struct fork_wish;
struct task;
struct thread;

#pragma GCC visibility push(hidden)
struct posix_parts {
	/* Loader: checks the file at path and fills the plan's images; 0 or -errno. */
	int (*load)(struct exec_plan *plan, const char *path);
	/* Fork: an env for the child that has what the caller's has; its name or -errno. */
	long (*fork)(struct task *child, const struct fork_wish *wish);
	/* Pager: makes the page of va present with that access; 0, -EFAULT, -ENXIO, -ENOMEM. */
	int (*page)(uint64_t va, unsigned access);
	/* Scheduler: who of the run queue is next, but for `other`; NULL = nobody. */
	struct thread *(*pick)(const struct thread *other);
	uint64_t latency_ns, granularity_ns; /* every runnable thread gets the CPU once in that time; but no turn is shorter than that */
};
extern const struct posix_parts posix_parts;

/* What there is to choose from. */
int  load_binary(struct exec_plan *plan, const char *path);              /* binary.c: #! scripts, ELF static, static-PIE, PT_INTERP */
long fork_sealed(struct task *child, const struct fork_wish *wish);      /* fork.c: tables linked sealed, nothing copied */
int  page_serve(uint64_t va, unsigned access);                           /* pager.c: demand zero, file pages, copy-on-write */
struct thread *pick_fair(const struct thread *other);                      /* sched.c: least virtual run time */

/* start.c: makes the calling first env into pid 1 of a new family and starts what aril.conf names. */
void posix_start(uint32_t self) __attribute__((noreturn));
#pragma GCC visibility pop
#endif
