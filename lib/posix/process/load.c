/* SPDX-License-Identifier: MIT */
/* What is left of processes that are gone, and how many threads were runnable: averages over 1, 5 and 15 minutes
 * that fall off
 * exponentially, taken every five seconds, or as if, when somebody asks. */
#include <posix/library.h>
#include "usage.h"

#define PERIOD (5 * NS)
#define ONE    2048u
/* e^(-5/60), e^(-5/300), e^(-5/900), times ONE. */
static const uint32_t decay[3] = { 1884, 2014, 2037 };

struct totals { struct usage_gone gone; uint64_t next; uint32_t load[3]; };

static struct totals *totals(void)
{
	if (!F->totals)
		F->totals = fam_alloc(sizeof(struct totals));
	return F->totals;
}

void load_sample(uint64_t now)
{
	struct totals *t = totals();
	uint64_t running = F->told.run_count * ONE;

	/* Periods that nobody looked at were like now; so many make no difference any more. */
	if (t && now > t->next + 1000 * PERIOD)
		t->next = now - 1000 * PERIOD;
	for (; t && t->next <= now; t->next += PERIOD)
		for (int i = 0; i < 3; i++)
			t->load[i] = (uint32_t)((t->load[i] * (uint64_t)decay[i] + running * (ONE - decay[i]) + ONE / 2) / ONE);
}

void runnable_average(uint32_t to[3])
{
	load_sample(clock_ns());
	if (totals())
		memcpy(to, totals()->load, sizeof totals()->load);
	else
		memset(to, 0, 3 * sizeof *to);
}

struct usage_gone tasks_gone(void)
{
	struct usage_gone none = { 0 };

	return totals() ? totals()->gone : none;
}

void task_born(void)
{
	if (totals())
		totals()->gone.forks++;
}

void task_gone(struct task *t)
{
	const struct usage u = usage_of(t);
	struct usage_gone *g = totals() ? &totals()->gone : 0;

	if (!g)
		return;
	g->user_ns += u.user_ns;
	g->system_ns += u.system_ns;
	g->faults += u.faults;
	g->switches += u.waits + u.preempted;
}
