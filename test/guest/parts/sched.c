/* SPDX-License-Identifier: MIT */
/* A scheduler that serves the youngest: of those that can run the one with the highest number, as long as it can. */
#include <family/family.h>
#include <posix/parts.h>
#include <run/needs.h>
#include <run/thread.h>

struct thread *sched_pick(const struct thread *other)
{
	struct thread *best = NULL;

	for (struct thread *th = F->run_head; th; th = th->run_next)
		if (th != other && (!best || th->tid > best->tid))
			best = th;
	return F->realtime.head ? pick_fair(other) : best;
}
