/* SPDX-License-Identifier: MIT */
/* Real-time threads: their queue by rank, the turns of SCHED_RR, and the bound on what all of them use together
 * (sched(7), "Limiting the CPU usage of real-time and deadline processes"). When a period's share is used up they wait
 * for the next period, though nobody else wants the CPU, as on Linux. */
#include <asm/errno.h>
#include <family/family.h>
#include <linux/sched.h>
#include <rt/page.h>
#include "realtime.h"
#include "run.h"

void realtime_start(void)
{
	F->realtime.period_ns = 1000000000;
	F->realtime.runtime_ns = 950000000;
	F->realtime.slice_ns = REALTIME_SLICE_NS;
}

static struct thread **head(void) { return &F->realtime.head; }
static struct thread **tail(void) { return &F->realtime.tail; }

void realtime_put(struct thread *th, int as_first)
{
	struct thread *before = *tail();

	while (before && before->rank < th->rank + (as_first != 0))
		before = before->run_prev;
	queue_put(head(), tail(), th, before);
	th->queued = QUEUED_REALTIME;
}

void realtime_rotate(struct thread *th)
{
	queue_take(head(), tail(), th);
	realtime_put(th, 0);
}

static int is_bounded(void) { return F->realtime.runtime_ns < F->realtime.period_ns; }

/* Each period that has passed since the last look pays for as much as its share. */
static void periods_pass(uint64_t now)
{
	uint64_t n = (now - F->realtime.began_at) / F->realtime.period_ns, paid;

	if (!n)
		return;
	F->realtime.began_at += n * F->realtime.period_ns;
	paid = n > F->realtime.used_ns / (F->realtime.runtime_ns | 1) ? F->realtime.used_ns : n * F->realtime.runtime_ns;
	F->realtime.used_ns -= paid;
}

static uint64_t next_period(void) { return F->realtime.began_at + F->realtime.period_ns; }

void realtime_ran(struct thread *th, uint64_t ticks)
{
	uint64_t ns = rt_ns(ticks);

	th->unslept_ns += ns;
	if (th->policy == SCHED_RR) {
		th->turn_ns += ns;
		if (th->turn_ns >= F->realtime.slice_ns) {
			th->turn_ns = 0;
			if (th->queued == QUEUED_REALTIME)
				realtime_rotate(th);
		}
	}
	periods_pass(clock_ns());
	F->realtime.used_ns += ns;
	if (is_bounded() && F->realtime.used_ns > F->realtime.runtime_ns && !F->realtime.resumes) {
		F->realtime.resumes = next_period();
		wakes_by(F->realtime.resumes);
	}
}

struct thread *realtime_pick(const struct thread *other)
{
	struct thread *best = F->realtime.head;

	if (F->realtime.resumes)
		return NULL;
	return best == other ? best->run_next : best;
}

uint64_t realtime_left(void)
{
	if (!is_bounded())
		return 0;
	return F->realtime.runtime_ns - MIN_OF(F->realtime.used_ns, F->realtime.runtime_ns) + 1;
}

uint64_t realtime_resume(uint64_t now)
{
	if (!F->realtime.resumes || now < F->realtime.resumes)
		return F->realtime.resumes;
	periods_pass(now);
	F->realtime.resumes = is_bounded() && F->realtime.used_ns > F->realtime.runtime_ns ? next_period() : 0;
	return F->realtime.resumes;
}

int realtime_share(uint64_t period_ns, uint64_t runtime_ns)
{
	if (!period_ns || (runtime_ns != REALTIME_WHOLE && runtime_ns > period_ns))
		return -EINVAL;
	F->realtime.period_ns = period_ns;
	F->realtime.runtime_ns = runtime_ns;
	F->realtime.used_ns = F->realtime.resumes = 0;
	F->realtime.began_at = clock_ns();
	return 0;
}
