/* SPDX-License-Identifier: MIT */
/* What an app on this library chooses. It defines posix_app: how processes are made, by which numbers they share memory
 * and CPU, and what is done beside them. Its pager and its scheduler are names that rooms below ask for: page_bring
 * (vm/needs.h) and sched_pick (run/needs.h). */
#ifndef POSIX_PARTS_H
#define POSIX_PARTS_H
#include <stddef.h>
#include <stdint.h>
#include <posix/needs.h>
#include <vm/swap.h>

struct exec_plan;
struct fs_ops;
struct fork_start;
struct rt_box;
struct task;
struct thread;

#pragma GCC visibility push(hidden)
struct posix_app {
	/* Loader: checks the file at path and fills the plan's images; 0 or -errno. */
	int (*load)(struct exec_plan *plan, const char *path);
	/* Fork: an env for the child that has what the caller's has; its name or -errno. */
	long (*fork)(const struct fork_start *start);
	/* Swap: which pages go when memory is short (vm/swap.h). */
	swap_policy *victims;
	/* Every runnable thread gets the CPU once in that time; but no turn is shorter than that. */
	uint64_t latency_ns, granularity_ns;
	/* The family's monitor, after the family is made. */
	void (*monitor)(void) __attribute__((noreturn));
	/* Process 1, in its own env, when family, file system and task 1 stand: starts the first program. */
	void (*first)(void);
	/* In each round of process 1's loop, family lock held: feeds, drains, reaps. */
	void (*events)(void);
	/* File systems that mount(2) knows, up to a NULL; lib/fs/mount.h. */
	const struct fs_ops *const *kinds;
	size_t said_size; /* bytes that the monitor says: struct said, and what the app puts behind it */
};

/* What there is to choose from. */
int  load_binary(struct exec_plan *plan, const char *path);              /* binary.c: #! scripts, ELF static, static-PIE, PT_INTERP */
long fork_sealed(const struct fork_start *start);                         /* vm/fork.c: tables linked sealed, nothing copied */
int  page_serve(uint64_t va, unsigned access);                           /* pager.c: demand zero, file pages, copy-on-write */
extern const struct fs_ops *const kinds_of_linux[];                      /* file/fs_init.c: what every Linux has */
/* shortage.c: for a box's `events`: gives back what was asked back (revoke), caches first, then a process. Lock held */
void memory_return(void);
struct thread *pick_fair(const struct thread *other); /* run/fair.c: real-time threads, then least virtual run time */

/* start.c: makes the calling first env into pid 1 of a new family and starts what aril.conf names. */
void posix_start(uint32_t self) __attribute__((noreturn));
/* The same for an env that another monitor has built (vm/vm.h: env_build_monitor): its first words. The new family is
 * to stand at that address. */
void box_begin(void *family) __attribute__((noreturn));
/* The same where another build has made the box, whose private area is of no use: entry.S, on a stack of that one's. */
void posix_start_in(exo_name self, const struct rt_box *in) __attribute__((noreturn));
#pragma GCC visibility pop
#endif
