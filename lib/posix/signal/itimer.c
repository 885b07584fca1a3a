/* SPDX-License-Identifier: MIT */
/* Interval timers of a process: of real time, of its own CPU time, and SIGPROF's, which here is the same since the library's time is the program's. */
#include <rt/gate.h>
#include <posix/call/calls.h>
#include <family/family.h>
#include "signals.h"
#include <run/timer.h>

struct timeval64 { int64_t s, us; };
struct itimer64 { struct timeval64 interval, value; };

static const int signal_of[ITIMERS] = { SIGALRM, SIGVTALRM, SIGPROF };

static uint64_t cpu_ns(const struct task *t) { return rt_ns(task_ticks(t)); }

static void fire(struct timer *timer, uint64_t times)
{
	const struct signal_cause cause = { .code = SI_KERNEL };
	struct itimer *it = (struct itimer *)timer;
	struct task *t = timer->owner;
	int which = (int)(it - t->signals.itimer);

	(void)times;
	if (which) {
		uint64_t used = cpu_ns(t);

		/* CPU time passes no faster than time. */
		if (used < it->cpu_at) {
			timer_start(timer, clock_after(it->cpu_at - used), 0);
			return;
		}
		it->cpu_at = it->cpu_interval ? time_after(used - (used - it->cpu_at) % it->cpu_interval, it->cpu_interval) : 0;
		if (it->cpu_at)
			timer_start(timer, clock_after(it->cpu_at - used), 0);
	}
	(void)signal_send_info(t, signal_of[which], &cause);
}

void itimers_stop(struct task *t)
{
	for (int i = 0; i < ITIMERS; i++)
		timer_stop(&t->signals.itimer[i].timer);
}

static uint64_t left_of(const struct task *t, int which)
{
	const struct itimer *it = &t->signals.itimer[which];
	uint64_t used;

	if (!which || !it->timer.at)
		return timer_left(&it->timer);
	used = cpu_ns(t);
	return it->cpu_at > used ? it->cpu_at - used : 1;
}

static void set(struct task *t, int which, uint64_t after, uint64_t interval)
{
	struct itimer *it = &t->signals.itimer[which];

	it->timer.fire = fire;
	it->timer.owner = t;
	if (which) {
		it->cpu_at = time_after(cpu_ns(t), after);
		it->cpu_interval = interval;
	}
	timer_start(&it->timer, after ? clock_after(after) : 0, which ? 0 : interval);
}

static struct timeval64 timeval(uint64_t ns)
{
	/* A timer that still runs is never shown as off. */
	uint64_t us = ns && ns < 1000 ? 1 : ns / 1000;

	return (struct timeval64){ (int64_t)(us / 1000000), (int64_t)(us % 1000000) };
}

static struct itimer64 look(const struct task *t, int which)
{
	const struct itimer *it = &t->signals.itimer[which];

	return (struct itimer64){ timeval(which ? it->cpu_interval : it->timer.interval), timeval(left_of(t, which)) };
}

static uint64_t ns_of(const struct timeval64 *tv) { return time_of(tv->s, tv->us * 1000); }
static int is_bad(const struct timeval64 *tv) { return tv->s < 0 || tv->us < 0 || tv->us >= 1000000; }

CALL2(getitimer, which, to)
{
	struct itimer64 is;

	if (which >= ITIMERS)
		return -EINVAL;
	is = look(current_task(), (int)which);
	return user_write(to, &is, sizeof is);
}

CALL3(setitimer, which, from, old)
{
	struct task *t = current_task();
	struct itimer64 is = { 0 }, was;

	if (which >= ITIMERS)
		return -EINVAL;
	if (from && user_read(&is, from, sizeof is))
		return -EFAULT;
	if (is_bad(&is.value) || is_bad(&is.interval))
		return -EINVAL;
	was = look(t, (int)which);
	set(t, (int)which, ns_of(&is.value), ns_of(&is.interval));
	return old && user_write(old, &was, sizeof was) ? -EFAULT : 0;
}

CALL1(alarm, seconds)
{
	struct task *t = current_task();
	uint64_t was = left_of(t, 0);

	set(t, 0, time_of((uint32_t)seconds, 0), 0);
	return (long)((was + NS / 2) / NS) + (was && was < NS / 2);
}
