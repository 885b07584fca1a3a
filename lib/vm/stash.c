/* SPDX-License-Identifier: MIT */
/* Where the bytes of pages go that mprotect makes inaccessible: x86 has no present entry that ring 3 may not read, so
 * such pages move to addresses of their own above USER_END, as regions that remember where they belong (offset = page
 * of the first address), and come back with the next rights. */
#include <base/string.h>
#include "swap.h"
#include "vm.h"

#define STASH_BASE USER_END
#define STASH_END  PRIVATE_BASE

/* Copies the pages that are present at `from` to `to`; the regions allow it. */
static int pages_copy(uint64_t to, uint64_t from, uint64_t size)
{
	for (uint64_t va = from, end = from + size; (va = present_from(va, end)) < end; va += PAGE) {
		uint64_t at = to + (va - from);

		if (page_serve(at, PROT_WRITE))
			return -ENOMEM;
		memcpy((void *)at, (const void *)va, PAGE);
	}
	return 0;
}

/* Room for what belongs to these addresses: where it begins, 0: no memory. */
static uint64_t stash_new(uint64_t start, uint64_t end)
{
	struct region r = { .prot = PROT_READ | PROT_WRITE, .flags = REGION_STASH, .data_end = ~0ul };

	r.offset = start / PAGE;
	r.start = region_place_low(STASH_BASE, STASH_END, end - start);
	r.end = r.start + (end - start);
	if (!r.start || region_insert(&r))
		return 0;
	SPACE->has_stash = 1;
	return r.start;
}

/* What swap has of them stays there: nobody can touch it before the next rights come. */
int stash_put(uint64_t start, uint64_t end)
{
	uint64_t to;
	int e;

	start = present_from(start, end); /* before it there is nothing to keep */
	if (start >= end)
		return 0;
	to = stash_new(start, end);
	if (!to)
		return -ENOMEM;
	e = pages_copy(to, start, end - start);
	return e ? e : pages_clear(start, end);
}

int stash_swapped(uint64_t start, uint64_t end)
{
	uint64_t to = stash_new(start, end);
	int e = to ? 0 : -ENOMEM;

	for (uint64_t va = start; !e && (va = swap_from(va, end)) < end; va += PAGE) {
		uint64_t at = to + (va - start);

		e = page_serve(at, PROT_WRITE);
		if (!e)
			e = swap_in(va, (void *)at);
	}
	return e;
}

/* The first part of a stash region that belongs within [start, end), cut out as a region of its own; NULL: none left. */
static struct region *part(uint64_t start, uint64_t end, int *error)
{
	for (struct region *r = region_above(STASH_BASE); r; r = region_next(r)) {
		uint64_t home = r->offset * PAGE, home_end = home + (r->end - r->start), at = r->start;

		if (!(r->flags & REGION_STASH) || home_end <= start || home >= end)
			continue;
		start = start > home ? start : home;
		end = end < home_end ? end : home_end;
		r = region_cut(at + (start - home), at + (end - home));
		*error = r ? 0 : -ENOMEM;
		return r;
	}
	return 0;
}

static int part_end(const struct region *r)
{
	uint64_t start = r->start, end = r->end;
	int e = region_remove(start, end);

	return e ? e : pages_unmap(start, end);
}

int stash_take(uint64_t start, uint64_t end)
{
	struct region *r;
	int e = 0;

	if (!stash_used())
		return 0;
	while (!e && (r = part(start, end, &e))) {
		e = pages_copy(r->offset * PAGE, r->start, r->end - r->start);
		if (!e)
			e = part_end(r);
	}
	return e;
}

int stash_drop(uint64_t start, uint64_t end)
{
	struct region *r;
	int e = 0;

	if (!stash_used())
		return 0;
	while (!e && (r = part(start, end, &e)))
		e = part_end(r);
	return e;
}

int stash_move(uint64_t start, uint64_t end, uint64_t to)
{
	struct region *r;
	int e = 0;

	while (stash_used() && (r = part(start, end, &e)))
		r->offset += (to - start) / PAGE;
	return e;
}
