/* SPDX-License-Identifier: MIT */
/* fork: an env whose memory is the caller's. */
#ifndef VM_FORK_H
#define VM_FORK_H
#include <stdint.h>

struct task;
struct thread;

/* How the child goes on: whom its P names, its bases and stack (0: the caller's) in user code, and its first words,
 * on its library stack: they begin with fork_begin. */
struct fork_start {
	struct task *task;
	struct thread *thread;
	uint64_t fs_base, stack;
	void (*go_on)(void *argument);
	void *argument;
};

#pragma GCC visibility push(hidden)
/* The caller's tables are linked sealed into the new env, nothing is copied. Its name, or -errno. Family lock held. */
long fork_sealed(const struct fork_start *start);
/* In the child: 0, or -ENOMEM when it has what it must not have. Family lock not held. */
int  fork_begin(void);
#pragma GCC visibility pop
#endif
