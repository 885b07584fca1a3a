/* SPDX-License-Identifier: MIT */
/* Who is next: a scheduler to choose. */
#include <family/family.h>
#include "realtime.h"
#include "run.h"

/* A real-time thread, if one may run, else the runnable thread that has run least; not `other`. */
struct thread *pick_fair(const struct thread *other)
{
	struct family *f = family_here();
	struct thread *best = f->realtime.head ? realtime_pick(other) : NULL;

	if (best)
		return best;
	best = f->run_head;
	if (best && best == other)
		best = best->run_next;
	if (best && (int64_t)(best->virtual - f->min_virtual) > 0)
		f->min_virtual = best->virtual;
	return best;
}
