/* SPDX-License-Identifier: MIT */
/* Who of the family runs: the run queue, passing the CPU on, and the first env's loop. Sleeping and waking is sleep.c's. All slices are the first env's; it gives the CPU to the runnable task
 * with the least virtual run time, and members pass it on among themselves. A woken task starts no earlier than the queue's minimum less half a latency. */
#include "library.h"
#include "calls.h"
#include "parts.h"

#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))

static uint64_t virtual_time(const struct task *t)
{
	uint64_t v = t->virtual_base + rt_envs[EXO_NAME_INDEX(t->env)].run_time;

	return t == P->task && !P->is_first ? v + (rt_tsc() - P->turn_start) : v;
}

static uint64_t turn_ns(void)
{
	uint64_t share = F->latency_ns / (F->run_count ? F->run_count : 1);

	return share > F->granularity_ns ? share : F->granularity_ns;
}

static void alarm_set(uint64_t tsc)
{
	if (!tsc && !P->alarm_set)
		return;
	P->alarm_set = tsc != 0;
	(void)gate_env_set(0, EXO_SET_ALARM, tsc, 0);
}

void sched_start_turn(void)
{
	P->turn_start = rt_tsc();
	alarm_set(F->run_count > 1 ? P->turn_start + rt_ticks(turn_ns()) : 0);
}

static void queue_add(struct task *t)
{
	if (t->queued || t->is_init)
		return;
	t->queued = 1;
	t->run_next = F->run_head;
	t->run_prev = 0;
	if (F->run_head)
		F->run_head->run_prev = t;
	F->run_head = t;
	F->run_count++;
}

void sched_remove(struct task *t)
{
	if (!t->queued)
		return;
	t->queued = 0;
	if (t->run_prev)
		t->run_prev->run_next = t->run_next;
	else
		F->run_head = t->run_next;
	if (t->run_next)
		t->run_next->run_prev = t->run_prev;
	F->run_count--;
}

uint64_t sched_runnable(void)
{
	return F->run_count;
}

void task_run(struct task *t)
{
	uint64_t floor = F->min_virtual - rt_ticks(F->latency_ns / 2), now;

	if (t->state == TASK_RUNNABLE && t->queued)
		return;
	t->state = TASK_RUNNABLE;
	t->channel = 0;
	now = virtual_time(t);
	if ((int64_t)(now - floor) < 0)
		t->virtual_base += floor - now;
	queue_add(t);
	if (!P->is_first && !P->alarm_set && F->run_count > 1)
		alarm_set(rt_tsc() + rt_ticks(turn_ns()));
}

/* The runnable task that has run least; not `other`. */
struct task *pick_fair(const struct task *other)
{
	struct task *best = 0;
	uint64_t least = 0;

	for (struct task *t = F->run_head; t; t = t->run_next) {
		uint64_t v = virtual_time(t);

		if (t == other)
			continue;
		if (!best || (int64_t)(v - least) < 0) {
			best = t;
			least = v;
		}
	}
	if (best && (int64_t)(least - F->min_virtual) > 0)
		F->min_virtual = least;
	return best;
}

/* Gives the CPU to t's env, or back to the first env. Lock held; it is dropped meanwhile. */
static void switch_to(const struct task *t)
{
	exo_name env = t ? t->env : 0;
	int64_t r;

	family_unlock();
	r = gate_yield(env, 0);
	if (r < 0)
		(void)gate_yield(0, 0);
	family_lock();
	if (P->exo->pending & EXO_PEND_CHILD || F->reap_wanted) {
		__atomic_fetch_and(&P->exo->pending, ~(uint32_t)EXO_PEND_CHILD, __ATOMIC_RELAXED);
		reap_stuck();
	}
}

void sched_block(int state)
{
	struct task *t = P->task;

	t->state = state;
	sched_remove(t);
	while (t->state != TASK_RUNNABLE)
		switch_to(posix_parts.pick(t));
	sched_start_turn();
}

void sched_yield_turn(void)
{
	struct task *next = posix_parts.pick(P->task);

	if (next)
		switch_to(next);
	sched_start_turn();
}

/* The alarm: another one's turn, unless this task still is the one that has run least. */
static void turn_end(void)
{
	struct task *next = posix_parts.pick(0);

	if (next && next != P->task)
		switch_to(next);
	sched_start_turn();
}

CALL0(sched_yield)
{
	sched_yield_turn();
	return 0;
}

void sched_take_events(void)
{
	uint32_t bits = __atomic_exchange_n(&P->exo->pending, 0, __ATOMIC_ACQUIRE);

	if (bits & EXO_PEND_NOTIFY)
		__atomic_store_n(&P->exo->notify_bits, 0, __ATOMIC_RELAXED);
	if (!(bits & (EXO_PEND_CHILD | EXO_PEND_TIMER)) && !F->reap_wanted)
		return;
	family_lock();
	if (bits & EXO_PEND_CHILD || F->reap_wanted)
		reap_stuck();
	if (bits & EXO_PEND_TIMER) {
		P->alarm_set = 0;
		turn_end();
	}
	family_unlock();
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a ? b : !b ? a : MIN_OF(a, b);
}

void sched_first(void)
{
	for (;;) {
		uint32_t bits = __atomic_exchange_n(&P->exo->pending, 0, __ATOMIC_ACQUIRE);
		uint32_t irq = bits & EXO_PEND_IRQ ? __atomic_exchange_n(&P->exo->irq_bits, 0, __ATOMIC_ACQUIRE) : 0;
		uint64_t deadline, now = clock_ns();
		struct task *next;

		if (bits & EXO_PEND_NOTIFY)
			__atomic_store_n(&P->exo->notify_bits, 0, __ATOMIC_RELAXED);
		family_lock();
		if (bits & EXO_PEND_CHILD)
			reap_stuck();
		deadline = sleepers_run(now);
		signal_timers_run(now);
		kill_enforce();
		init_events(bits, irq);
		deadline = earlier(deadline, earlier(signal_timers_next(), init_next_deadline()));
		next = posix_parts.pick(0);
		if (next && F->run_count > 1)
			deadline = earlier(deadline, now + turn_ns());
		family_unlock();
		deadline = deadline ? rt_info->tsc_boot + rt_ticks(deadline) : 0;
		if (next) {
			alarm_set(deadline);
			if (gate_yield(next->env, TURN_OVER) < 0)
				reap_stuck();
		} else {
			(void)gate_wait(TURN_OVER, deadline);
		}
	}
}
