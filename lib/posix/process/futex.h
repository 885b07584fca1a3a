/* SPDX-License-Identifier: MIT */
/* What futex.c, futex_holder.c and futex_many.c share: how a word is known, and the queue of those who wait for it. The
 * family lock is held in all of it. */
#ifndef POSIX_FUTEX_H
#define POSIX_FUTEX_H
#include <posix/library.h>

/* What a word stands in (an env, a file, shared anonymous memory), and where there. */
struct futex_key { uint64_t space, at; };

/* Of the word at va, 0; -EINVAL: odd, -EFAULT: nothing is there, of which nobody asks where it is_private
 * (FUTEX_PRIVATE_FLAG) and a program's address. */
int futex_key(uint64_t va, int is_private, struct futex_key *to);

static inline struct futex_queue *futex_queue_of(struct futex_key k) /* words that hash alike share one */
{
	return &F->futexes[(k.space >> 4 ^ k.space >> 32 ^ k.at >> 2 ^ k.at >> 12) % FUTEX_BUCKETS];
}

/* Behind whom th is to stand, who goes before others. */
struct futex_wait *futex_before(const struct futex_queue *q, const struct thread *th);

/* th waits by w from now on, as the last of its rank; futex_leave takes it off. */
static inline void futex_add(struct futex_wait *w, struct thread *th, struct futex_key k)
{
	struct futex_queue *q = futex_queue_of(k);

	w->thread = th;
	w->space = k.space;
	w->at = k.at;
	w->prev = th->rank ? futex_before(q, th) : q->last;
	w->next = w->prev ? w->prev->next : q->first;
	*(w->prev ? &w->prev->next : &q->first) = w;
	*(w->next ? &w->next->prev : &q->last) = w;
}

void futex_leave(struct futex_wait *w); /* or it stands in no queue */

static inline int futex_is_at(const struct futex_wait *w, struct futex_key k)
{
	return w->at == k.at && w->space == k.space;
}

#define FUTEX_ANY_BITS 0xffffffffu

/* A program's struct timespec as a deadline of sleep_on, 0 when from is: 0, -EFAULT or -EINVAL. */
int futex_timeout(uint64_t from, int is_absolute, int is_wall, uint64_t *deadline);

/* ---- futex_holder.c: words that name their holder. Deadlines as sleep_on takes them. */
/* Where th stands among who waits, and what who holds its word inherits, after a change of its rank. */
void futex_rank_changed(struct thread *th);
long futex_pi_lock(uint64_t va, int is_private, uint64_t deadline, int is_try);
long futex_pi_unlock(uint64_t va, int is_private);
/* Waits at va[0] until somebody moves the caller to va[1], and it holds that word. */
long futex_pi_wait(const uint64_t va[2], int is_private, uint32_t expected, uint64_t deadline);
/* The first who waits so at va[0] gets the word at va[1], or stands in line for it as up to `moves` others do. */
long futex_pi_requeue(const uint64_t va[2], int is_private, uint32_t wakes, uint32_t moves, uint32_t expected);
#endif
