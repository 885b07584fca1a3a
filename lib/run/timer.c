/* SPDX-License-Identifier: MIT */
/* The family's timers. What they do is their owners': itimer.c, posix_timer.c, timerfd.c. */
#include <base/duration.h>
#include <rt/gate.h>
#include <family/family.h>
#include "timer.h"
#include "run.h"

void timer_stop(struct timer *t)
{
	due_take(&F->timers, &t->due);
	t->at = 0;
}

void wakes_by(uint64_t at)
{
	struct told_head *told = &F->told;

	if (told->wakes && told->wakes <= at)
		return;
	told->wakes = at;
	/* It holds the alarm for all, and is fetched when that would come too late. */
	if (!P->is_keeper)
		(void)gate_notify(SAID->monitor, MONITOR_WAKES);
}

void timer_start(struct timer *t, uint64_t at)
{
	timer_stop(t);
	if (!at)
		return;
	t->at = at;
	due_put(&F->timers, &t->due, at);
	wakes_by(at);
}

uint64_t time_moved(uint64_t at, int64_t by)
{
	if (by < 0)
		return time_after(at, -(uint64_t)by);
	return at > (uint64_t)by ? at - (uint64_t)by : 1;
}

void timers_move(int64_t by)
{
	struct due *next;

	for (struct due *d = due_all(&F->timers); d; d = next) {
		struct timer *t = (struct timer *)d;

		next = d->up;
		if (t->wall_at) {
			*t->wall_at = time_moved(*t->wall_at, by);
			t->at = time_moved(t->at, by);
		}
		due_put(&F->timers, d, t->at);
		family_progress();
	}
}

uint64_t time_forward(uint64_t *at, uint64_t interval, uint64_t now)
{
	uint64_t times;

	if (*at > now)
		return 0;
	times = (now - *at) / interval + 1;
	*at = time_after(*at + interval * (times - 1), interval);
	return times;
}

uint64_t timers_next(void)
{
	return F->timers ? F->timers->at : 0;
}

void timers_run(uint64_t now)
{
	while (F->timers && F->timers->at <= now) {
		struct timer *t = (struct timer *)F->timers;

		timer_stop(t);
		t->fire(t);
	}
}
