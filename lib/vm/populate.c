/* SPDX-License-Identifier: MIT */
/* Pages made before they are touched. */
#include "vm.h"
#include "needs.h"

int populate(uint64_t start, uint64_t end, unsigned access)
{
	const struct region *r = 0;

	for (uint64_t va = start; va < end; va += PAGE) {
		int e;

		if (!r || va >= r->end)
			r = region_find(va);
		if (!r)
			return -ENOMEM;
		if (!(r->prot & access))
			return -EINVAL;
		e = access == PROT_READ && present_from(va, va + PAGE) == va ? 0 : page_bring(va, access);
		if (e)
			return e == -ENXIO ? -EFAULT : e;
	}
	return 0;
}

/* What to touch a page of it for: what breaks sharing, else what is allowed. */
static unsigned access_of(const struct region *r)
{
	if (r->prot & PROT_WRITE && !(r->flags & REGION_SHARED))
		return PROT_WRITE;
	if (r->prot & PROT_READ)
		return PROT_READ;
	return r->prot & PROT_WRITE ? PROT_WRITE : PROT_EXEC;
}

/* As far as anything is allowed there. */
int populate_all(uint64_t start, uint64_t end)
{
	int e = 0;

	for (uint64_t va = start, stop; va < end && !e; va = stop) {
		const struct region *r = region_find(va);

		if (!r)
			return -ENOMEM;
		stop = MIN_OF(r->end, end);
		if (r->prot)
			e = populate(va, stop, access_of(r));
	}
	return e;
}

void map_populate(uint64_t start, uint64_t end, int locks, int on_fault)
{
	struct region *r = locks ? region_cut(start, end) : 0;

	for (; r && r->start < end; r = region_next(r))
		r->flags |= REGION_LOCKED;
	if (locks)
		SPACE->has_fork_advice = 1;
	if (!on_fault)
		(void)populate_all(start, end);
}
