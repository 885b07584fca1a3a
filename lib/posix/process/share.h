/* SPDX-License-Identifier: MIT */
/* What a thread has by itself, or in common with who made it (share.c). Family lock held. */
#ifndef POSIX_SHARE_H
#define POSIX_SHARE_H
#include <run/thread.h>

/* A new one, which has none, has its maker's groups, and its I/O context (CLONE_IO) or one like it: 0 or -ENOMEM. */
int  share_copy(struct thread *to, const struct thread *from, uint64_t clone_flags);
void share_drop(struct thread *th);

static inline int share_is_none(const struct thread *th)
{
	return !((uintptr_t)th->groups | (uintptr_t)th->io | (uintptr_t)th->keyrings);
}

/* Most threads have nothing, and pay nothing for it. */
static inline int share_begin(struct thread *to, const struct thread *from, uint64_t clone_flags)
{
	return share_is_none(from) ? 0 : share_copy(to, from, clone_flags);
}

static inline void share_end(struct thread *th)
{
	if (!share_is_none(th))
		share_drop(th);
}

/* ioprio_set(2) for th: 0 or -ENOMEM; what it was given, 0: nothing. */
int  io_priority_set(struct thread *th, int priority);
int  io_priority(const struct thread *th);
/* Its groups as /proc shows them: how many; *list. */
uint32_t groups_of(const struct thread *th, const uint32_t **list);
#endif
