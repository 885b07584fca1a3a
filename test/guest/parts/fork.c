/* SPDX-License-Identifier: MIT */
/* A fork that copies at once, for the caller: a program that goes on writing has no fault for it. */
#include <vm/vm.h>
#include "parts.h"

static void region_copy(const struct region *r)
{
	for (uint64_t va = present_from(r->start, r->end); va < r->end; va = present_from(va + PAGE, r->end))
		if (page_serve(va, PROT_WRITE))
			return; /* no memory: by a fault, then */
}

long fork_copied(const struct fork_start *start)
{
	long name = fork_sealed(start);
	struct region *next;

	for (next = name < 0 ? NULL : region_first(); next;) {
		const struct region r = *next; /* tables are opened meanwhile */

		if (r.prot & PROT_WRITE && !(r.flags & REGION_SHARED))
			region_copy(&r);
		next = region_above(r.end);
	}
	return name;
}
