/* SPDX-License-Identifier: MIT */
/* Free space among the regions: the highest one that is large enough, found by the bounds that the tree's root has. */
#include "tree.h"

struct bounds { uint64_t low, high; };

/* Highest free space of that size within the bounds, before one of the first n regions of a leaf; what lies before its
 * first one begins at `floor`. 0: none. */
static inline uint64_t leaf_place(const struct leaf *l, uint32_t n, uint64_t floor, struct bounds b, uint64_t size)
{
	uint64_t top;

	for (const struct region *r = l->region + n; r-- > l->region;) {
		uint64_t bottom = MAX_OF(r > l->region ? r[-1].end : floor, b.low);

		top = MIN_OF(r->start, b.high);
		if (top >= bottom && top - bottom >= size)
			return top - size;
	}
	return 0;
}

/* The largest free space before one of its regions. */
static uint64_t leaf_largest(const struct leaf *l, uint64_t floor)
{
	uint64_t largest = 0;

	for (uint32_t i = 0; i < l->count; floor = l->region[i++].end)
		largest = MAX_OF(largest, l->region[i].start - floor);
	return largest;
}

static uint64_t leaf_floor(uint32_t at) { return at ? ROOT->entry[at - 1].end : 0; }

/* The last leaf before `at` that may have such a space; LEAVES_MAX: none. */
static uint32_t leaf_below(uint32_t at, uint64_t size)
{
	for (uint32_t first; at; at = first) {
		uint64_t largest = 0;

		first = (at - 1) & -(uint32_t)ROOT_GROUP;
		if (ROOT->space[first / ROOT_GROUP] < size)
			continue;
		for (uint32_t i = at; i-- > first;) {
			if (ROOT->entry[i].space >= size)
				return i;
			largest = MAX_OF(largest, ROOT->entry[i].space);
		}
		if (at == first + ROOT_GROUP)
			ROOT->space[first / ROOT_GROUP] = largest;
	}
	return LEAVES_MAX;
}

/* The highest free space of that size; 0: none. */
static inline __attribute__((always_inline)) uint64_t place_between(struct bounds b, uint64_t size)
{
	struct spot s = { FIRST_LEAF, 0, FIRST_LEAF->count };
	const struct region *before;
	uint64_t va;

	if (SPACE->leaf_count > 1)
		s = spot_search_kept(b.high);
	before = spot_before(s);
	if (s.index == s.leaf->count) {
		uint64_t bottom = MAX_OF(before ? before->end : 0, b.low);

		if (b.high >= bottom && b.high - bottom >= size)
			return b.high - size;
	} else {
		s.index++;
	}
	va = leaf_place(s.leaf, s.index, leaf_floor(s.at), b, size);
	while (!va && (s.at = leaf_below(s.at, size)) != LEAVES_MAX) {
		s.leaf = leaf_at(s.at);
		va = leaf_place(s.leaf, s.leaf->count, leaf_floor(s.at), b, size);
		if (!va)
			ROOT->entry[s.at].space = leaf_largest(s.leaf, leaf_floor(s.at));
	}
	return va;
}

uint64_t region_place(uint64_t size)
{
	uint64_t va = place_between((struct bounds){ EXO_NULL_GUARD, SPACE->mmap_top }, size);

	return va ? va : place_between((struct bounds){ LARGE_BASE, LARGE_END }, size);
}

/* The first leaf from `at` on that may have such a space before one of its regions; LEAVES_MAX: none. */
static uint32_t leaf_beyond(uint32_t at, uint64_t size)
{
	for (; at < SPACE->leaf_count; at++) {
		if (at % ROOT_GROUP == 0 && ROOT->space[at / ROOT_GROUP] < size)
			at += ROOT_GROUP - 1;
		else if (ROOT->entry[at].space >= size)
			return at;
	}
	return LEAVES_MAX;
}

/* Lowest free space of that size from low on, before one of the leaf's regions from s on: 0: none. */
static uint64_t leaf_place_low(struct spot s, uint64_t low, uint64_t size)
{
	for (const struct region *r = s.leaf->region + s.index, *end = s.leaf->region + s.leaf->count; r < end; r++) {
		if (r->start >= low + size)
			return low;
		low = MAX_OF(low, r->end);
	}
	return 0;
}

uint64_t region_place_low(uint64_t low, uint64_t high, uint64_t size)
{
	struct spot s = spot_search_kept(low);
	const struct region *last = region_last();
	uint64_t va;

	if (size > high - low)
		return 0;
	va = leaf_place_low(s, low, size);
	while (!va && SPACE->leaf_count > 1 && (s.at = leaf_beyond(s.at + 1, size)) != LEAVES_MAX &&
		leaf_floor(s.at) + size <= high) {
		s = (struct spot){ leaf_at(s.at), s.at, 0 };
		va = leaf_place_low(s, MAX_OF(low, leaf_floor(s.at)), size);
		if (!va)
			ROOT->entry[s.at].space = leaf_largest(s.leaf, leaf_floor(s.at));
	}
	if (!va) /* behind all regions */
		va = last ? MAX_OF(low, last->end) : low;
	return va + size <= high ? va : 0;
}
