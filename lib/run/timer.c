/* SPDX-License-Identifier: MIT */
/* The family's list of timers. What they do is their owners': itimer.c, posix_timer.c, timerfd.c. */
#include <base/duration.h>
#include <rt/gate.h>
#include <family/family.h>
#include "timer.h"
#include "run.h"

void timer_stop(struct timer *t)
{
	if (!t->at)
		return;
	*(t->prev ? &t->prev->next : &F->timers) = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->next = t->prev = 0;
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

static void insert(struct timer *t)
{
	struct timer *before = 0, *after = F->timers;

	while (after && after->at <= t->at) {
		before = after;
		after = after->next;
	}
	t->prev = before;
	t->next = after;
	*(before ? &before->next : &F->timers) = t;
	if (after)
		after->prev = t;
}

void timer_start(struct timer *t, uint64_t at)
{
	timer_stop(t);
	if (!at)
		return;
	t->at = at;
	insert(t);
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
	struct timer *next = F->timers;

	F->timers = NULL;
	for (struct timer *t = next; t; t = next) {
		next = t->next;
		if (t->wall_at) {
			*t->wall_at = time_moved(*t->wall_at, by);
			t->at = time_moved(t->at, by);
		}
		insert(t);
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
		struct timer *t = F->timers;

		timer_stop(t);
		t->fire(t);
	}
}
