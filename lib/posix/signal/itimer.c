/* SPDX-License-Identifier: MIT */
/* Interval timers of a process: of real time, of the CPU time of its own code, and of all of its CPU time. */
#include <rt/gate.h>
#include <posix/call/calls.h>
#include <family/family.h>
#include "signals.h"
#include <posix/process/usage.h>
#include <run/timer.h>

struct timeval64 { int64_t s, us; };
struct itimer64 { struct timeval64 interval, value; };

static const int signal_of[ITIMERS] = { SIGALRM, SIGVTALRM, SIGPROF };

/* The time that the timer counts in. */
static uint64_t now_of(struct task *t, int which)
{
	switch (which) {
	case 0:
		return clock_ns();
	case 1:
		return task_times(t).user;
	}
	return rt_ns(task_ticks(t));
}

static void go(struct itimer *it, struct task *t, uint64_t now)
{
	uint64_t at = it->at;

	if (at && it != t->signals.itimer)
		at = cpu_clock_look(t, at > now ? at - now : 0);
	timer_start(&it->timer, at);
}

static void fire(struct timer *timer)
{
	const struct signal_cause cause = { .code = SI_KERNEL };
	struct itimer *it = (struct itimer *)timer;
	struct task *t = timer->owner;
	int which = (int)(it - t->signals.itimer);
	uint64_t now = now_of(t, which);

	if (which && now < it->at) {
		go(it, t, now);
		return;
	}
	if (which && it->interval) {
		(void)time_forward(&it->at, it->interval, now);
		go(it, t, now);
	}
	if (!it->interval)
		it->at = 0;
	(void)signal_send_info(t, signal_of[which], &cause);
}

/* The one of real time goes on when its last signal was taken. */
void itimer_taken(struct task *t)
{
	struct itimer *it = &t->signals.itimer[0];

	if (it->timer.at || !it->at || !it->interval)
		return;
	(void)time_forward(&it->at, it->interval, clock_ns());
	timer_start(&it->timer, it->at);
}

void itimers_stop(struct task *t)
{
	for (int i = 0; i < ITIMERS; i++)
		timer_stop(&t->signals.itimer[i].timer);
	timer_stop(&t->cpu_limit);
	timer_stop(&t->realtime_limit);
}

static uint64_t left_of(struct task *t, int which)
{
	const struct itimer *it = &t->signals.itimer[which];
	uint64_t now = it->at ? now_of(t, which) : 0;

	if (!it->timer.at)
		return 0;
	return it->at > now ? it->at - now : 1;
}

static void set(struct task *t, int which, uint64_t after, uint64_t interval)
{
	struct itimer *it = &t->signals.itimer[which];
	uint64_t now = now_of(t, which);

	it->timer.fire = fire;
	it->timer.owner = t;
	it->at = after ? time_after(now, after) : 0;
	it->interval = interval;
	go(it, t, now);
}

static struct timeval64 timeval(uint64_t ns)
{
	/* A timer that still runs is never shown as off. */
	uint64_t us = ns && ns < 1000 ? 1 : ns / 1000;

	return (struct timeval64){ (int64_t)(us / 1000000), (int64_t)(us % 1000000) };
}

static struct itimer64 look(struct task *t, int which)
{
	const struct itimer *it = &t->signals.itimer[which];

	return (struct itimer64){ timeval(it->interval), timeval(left_of(t, which)) };
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
