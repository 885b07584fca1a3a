/* SPDX-License-Identifier: MIT */
/* Sleeping on a channel, and what ends it: a wake-up, a signal, the time. Sleepers stand in a bucket by channel, and
 * those with a deadline also in a heap by it. */
#include <asm/errno.h>
#include <family/family.h>
#include <posix/process/task.h>
#include "needs.h"
#include "run.h"
#include "timer.h"
#include "wait.h"

#define WAITS_BUCKET (SLEEP_BUCKETS - 1) /* of those whom no channel wakes */

static struct thread **bucket_of(const void *channel)
{
	uint64_t x = (uint64_t)channel;

	return &F->sleepers[channel == WAITS_CHANNEL ? WAITS_BUCKET : (x >> 5 ^ x >> 12) % WAITS_BUCKET];
}

static void timed_insert(struct thread *th) { due_put(&F->timed, &th->timed, th->deadline); }

static struct thread *thread_of(struct due *d)
{
	return (struct thread *)((char *)d - __builtin_offsetof(struct thread, timed));
}

static void timed_begin(struct thread *th)
{
	th->on_wall = (int)(th->deadline >> 63);
	if (th->on_wall)
		th->deadline = clock_deadline(th->deadline & ~SLEEP_WALL, 1, 1);
	timed_insert(th);
}

static void timed_renew(void)
{
	F->timed = NULL;
	for (struct task *t = F->tasks; t; t = t->next)
		for (struct thread *th = t->threads; th; th = th->next)
			if (th->channel && th->deadline)
				timed_insert(th);
}

void sleep_end(struct thread *th)
{
	*(th->sleep_prev ? &th->sleep_prev->sleep_next : bucket_of(th->channel)) = th->sleep_next;
	if (th->sleep_next)
		th->sleep_next->sleep_prev = th->sleep_prev;
	if (th->deadline)
		due_take(&F->timed, &th->timed);
	th->channel = 0;
	th->deadline = 0;
}

static inline __attribute__((always_inline)) void sleep_begin(struct thread *th, void *channel, uint64_t deadline)
{
	struct thread **bucket = bucket_of(channel);

	if (__builtin_expect(th->channel != 0, 0))
		sleep_end(th); /* a call that it slept for was answered meanwhile */
	th->channel = channel;
	th->sleep_prev = 0;
	th->sleep_next = *bucket;
	if (*bucket)
		(*bucket)->sleep_prev = th;
	*bucket = th;
	th->deadline = deadline;
	if (deadline)
		timed_begin(th);
	th->wake_result = 0;
}

static inline __attribute__((always_inline)) int sleep_now(void *channel, uint64_t deadline)
{
	struct thread *th = P->thread;

	if (__builtin_expect(th->task->asked && !th->task->is_answering, 0)) {
		ask_serve();
		return 0; /* as if woken: the caller looks once more */
	}
	sleep_begin(th, channel, deadline);
	sched_block(THREAD_SLEEPING);
	return th->wake_result;
}

void sleep_of_call(struct thread *th)
{
	if (th->queued != QUEUED_RUN && th->queued != QUEUED_REALTIME)
		return;
	sched_remove(th);
	sleep_begin(th, &F->timed, clock_after(F->granularity_ns));
	th->state = THREAD_SLEEPING;
	wakes_by(th->deadline);
}

int sleep_on(void *channel, uint64_t deadline)
{
	return signal_pending() ? -EINTR : sleep_now(channel, deadline);
}

void sleep_through(void *channel, uint64_t deadline) { (void)sleep_now(channel, deadline); }

void wake_up(void *channel)
{
	struct thread *next;

	for (struct thread *th = *bucket_of(channel); th; th = next) {
		next = th->sleep_next;
		if (th->channel == channel)
			thread_run(th);
	}
}

int is_slept_on(const void *channel)
{
	const struct thread *th = *bucket_of(channel);

	while (th && th->channel != channel)
		th = th->sleep_next;
	return th != NULL;
}

void thread_interrupt(struct thread *th)
{
	/* It looks at its condition once more, which may have come with the signal, before its next sleep_on says -EINTR. */
	if (th->state == THREAD_SLEEPING && th->channel)
		thread_run(th);
	else if (th->on && th->task->env != P->self)
		(void)gate_notify(th->task->env, 1);
}

/* The sleeps of the wall clock end so many ns earlier. */
static void sleepers_move(int64_t by)
{
	for (struct task *t = F->tasks; t; t = t->next)
		for (struct thread *th = t->threads; th; th = th->next)
			if (th->channel && th->deadline && th->on_wall)
				th->deadline = time_moved(th->deadline, by);
	timed_renew();
}

struct wait_list *clock_waits(void)
{
	_Static_assert(sizeof(struct wait_list) == sizeof(F->clock_waiter), "a list is its first");
	return (struct wait_list *)&F->clock_waiter;
}

void clock_wall_set(uint64_t ns)
{
	int64_t by = (int64_t)(ns - clock_wall_ns());

	F->wall_shift += (uint64_t)by;
	F->wall_sets++;
	timers_move(by);
	sleepers_move(by);
	wakes_by(clock_ns());
	waiters_tell(clock_waits(), WAIT_ANY);
}

uint32_t mappings_look(void)
{
	for (struct task *t = F->tasks; t; t = t->next) {
		if (t->state != TASK_ALIVE || t->is_init)
			continue;
		if (!t->asked)
			t->asked = ASK_LOOK;
		(void)gate_notify(t->env, 1);
	}
	return ++F->cuts;
}

/* After sleepers_run nobody sleeps past its deadline, unless somebody wrote into the list. */
int sleepers_check(uint64_t now)
{
	int lost = 0;

	for (struct task *t = F->tasks; t; t = t->next)
		for (struct thread *th = t->threads; th; th = th->next)
			lost |= th->channel && th->deadline && th->deadline <= now;
	if (!lost)
		return 0;
	timed_renew();
	return 1;
}

uint64_t sleepers_run(uint64_t now)
{
	while (F->timed && F->timed->at <= now) {
		struct thread *th = thread_of(F->timed);

		th->wake_result = -ETIMEDOUT;
		thread_run(th);
	}
	return F->timed ? F->timed->at : 0;
}
