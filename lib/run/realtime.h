/* SPDX-License-Identifier: MIT */
/* SCHED_FIFO and SCHED_RR (sched(7)): the queue of those threads, and the share of the CPU that all of them have at
 * most. Who runs is sched.c's. The family lock is held. */
#ifndef RUN_REALTIME_H
#define RUN_REALTIME_H
#include "thread.h"

#define PACE_REALTIME UINT32_MAX /* thread.pace of who is served by its rank: no virtual time goes by */
#define REALTIME_SLICE_NS 100000000ul /* a turn of SCHED_RR, unless it is set */
#define PRIORITY_MOST 99         /* of a real-time thread; the least is 1 */
#define REALTIME_WHOLE ~0ul      /* runtime_ns: no bound */

/* A doubly linked queue: th, which stands in none, behind `before` (NULL: first); and out of it. */
static inline void queue_put(struct thread **head, struct thread **tail, struct thread *th, struct thread *before)
{
	th->run_prev = before;
	th->run_next = before ? before->run_next : *head;
	*(before ? &before->run_next : head) = th;
	*(th->run_next ? &th->run_next->run_prev : tail) = th;
}

static inline void queue_take(struct thread **head, struct thread **tail, struct thread *th)
{
	*(th->run_prev ? &th->run_prev->run_next : head) = th->run_next;
	*(th->run_next ? &th->run_next->run_prev : tail) = th->run_prev;
}

#pragma GCC visibility push(hidden)
/* Linux's settings, once. */
void realtime_start(void);
/* th, which stands in no queue, among those of its rank: as their last, or as their first. */
void realtime_put(struct thread *th, int as_first);
/* Behind the others of its rank. */
void realtime_rotate(struct thread *th);
/* th ran so many ticks: its turn and the share of all are counted. */
void realtime_ran(struct thread *th, uint64_t ticks);
/* Who of them is next, but for `other`; NULL: nobody, or their share is used up. */
struct thread *realtime_pick(const struct thread *other);
/* ns until their share is used up, if one of them runs; 0: they have no bound. */
uint64_t realtime_left(void);
/* The time at which the bound ends that keeps all of them from the CPU, 0 = there is none; ends it when it is due. */
uint64_t realtime_resume(uint64_t now);
/* Of all threads together runtime_ns (or REALTIME_WHOLE) in each period_ns: 0 or -EINVAL. */
int  realtime_share(uint64_t period_ns, uint64_t runtime_ns);
#pragma GCC visibility pop
#endif
