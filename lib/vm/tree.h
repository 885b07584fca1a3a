/* SPDX-License-Identifier: MIT */
/* The tree that an env's regions stand in, by rising address: leaves of one page each, and above them one root that has
 * an entry for each leaf. While there is one leaf there is no root: a small process pays for none. Of the room for
 * REGIONS_MAX regions even the root is moved rarely, and in few words, so two levels are enough; a search halves first
 * the root, then a leaf. Nothing but tree.c changes how many regions a leaf has; fork.c copies leaves and root. */
#ifndef VM_TREE_H
#define VM_TREE_H
#include <base/string.h>
#include "vm.h"

#define REGIONS_MAX 65530 /* as Linux's max_map_count: one more by mmap, no more by cutting */

#define LEAF_REGIONS (sizeof FIRST_LEAF->region / sizeof(struct region))
#define LEAF_JOINED  (LEAF_REGIONS * 3 / 4) /* neighbours with no more than so many in all become one leaf */

/* Free spaces are counted to the region behind them. Bounds are never too low, and often exact: whoever looks for space
 * and finds none where a bound promised some corrects it. */
struct root_entry {
	uint64_t end;    /* of the leaf's last region */
	uint64_t space;  /* bound: bytes of the largest free space before one of its regions */
	uint32_t number; /* of the leaf */
	uint32_t spare;
};

#define ROOT_GROUP 64 /* entries */
#define LEAVES_MAX ((ROOT_PAGES * PAGE - ROOT_GROUP * 8) / sizeof(struct root_entry))
struct root {
	uint64_t space[ROOT_GROUP]; /* bounds as above, of so many entries each */
	struct root_entry entry[LEAVES_MAX];
};
_Static_assert(sizeof(struct root) <= ROOT_PAGES * PAGE && LEAVES_MAX <= ROOT_GROUP * ROOT_GROUP, "in its pages");
_Static_assert((LEAVES_MAX - LEAVES_NEAR) * PAGE <= EXO_HOME_SIZE - PRIVATE_LEAVES_FAR, "leaves end with the area");
/* Two neighbours hold more than LEAF_JOINED regions, but where one of them was divided since. */
_Static_assert(REGIONS_MAX / (LEAF_REGIONS / 4) < LEAVES_MAX, "room for all regions");

#define ROOT ((struct root *)(PRIVATE_BASE + PRIVATE_ROOT))

/* Where a region stands, or may be put: behind the last one of the last leaf, too. */
struct spot {
	struct leaf *leaf;
	uint32_t at;    /* the leaf's entry in the root */
	uint32_t index; /* in the leaf */
};

static inline uint64_t leaf_address(uint32_t number)
{
	uint64_t base = number < LEAVES_NEAR ? PRIVATE_LEAVES : PRIVATE_LEAVES_FAR - LEAVES_NEAR * PAGE;

	return PRIVATE_BASE + base + number * PAGE;
}

static inline struct leaf *leaf_at(uint32_t at)
{
	return SPACE->leaf_count == 1 ? FIRST_LEAF : (struct leaf *)leaf_address(ROOT->entry[at].number);
}

/* The region there, or NULL. */
static inline struct region *spot_region(struct spot s)
{
	return s.index < s.leaf->count ? s.leaf->region + s.index : 0;
}

/* The one before, or NULL. */
static inline struct region *spot_before(struct spot s)
{
	struct leaf *l = s.leaf;

	if (s.index)
		return l->region + s.index - 1;
	if (!s.at)
		return 0;
	l = leaf_at(s.at - 1);
	return l->region + l->count - 1;
}

/* ---- tree.c, for trees of several leaves */
#pragma GCC visibility push(hidden)
struct spot spot_search(uint64_t va);
struct spot spot_search_kept(uint64_t va); /* the same, without a guess for the next search */
/* A full leaf becomes two, neither with less than a quarter: where s is then; leaf NULL: no memory, and nothing has
 * changed. */
struct spot leaf_divide(struct spot s);
/* The leaf's end has changed; there is more free space before s; it has lost regions before s, and may go. */
void leaf_ended(struct spot s);
void leaf_freed(struct spot s);
void leaf_shrunk(struct spot s);
#pragma GCC visibility pop

/* The first region that ends above va, or behind the last one. Faults and calls come in runs: the last answer is tried
 * first. */
static inline struct spot spot_above(uint64_t va)
{
	const struct leaf *l = FIRST_LEAF;
	uint32_t i = SPACE->last_index;

	if (i < l->count && l->region[i].end > va && (!i || l->region[i - 1].end <= va))
		return (struct spot){ FIRST_LEAF, 0, i };
	return spot_search(va);
}

/* The end of that region is a new one. */
static inline void spot_ended(struct spot s)
{
	if (SPACE->leaf_count > 1 && s.index + 1 == s.leaf->count)
		leaf_ended(s);
}

/* There is more free space before what stands at s. */
static inline void spot_freed(struct spot s)
{
	if (SPACE->leaf_count > 1)
		leaf_freed(s);
}

/* Room for n regions (1 or 2) at s, before what stands there: where it is then. The caller fills it, and says so by
 * spot_ended of the last one if that stands behind all others. leaf NULL: no memory, and nothing has changed. */
static inline struct spot spot_open(struct spot s, uint32_t n)
{
	struct region *r;

	if (s.leaf->count + n > LEAF_REGIONS) {
		s = leaf_divide(s);
		if (!s.leaf)
			return s;
	}
	r = s.leaf->region + s.index;
	memmove(r + n, r, (s.leaf->count - s.index) * sizeof *r);
	s.leaf->count += n;
	SPACE->region_count += n;
	return s;
}

/* n regions of that leaf go. If the tree has several leaves, spots and regions that the caller knows of are others
 * now. */
static inline void spot_close(struct spot s, uint32_t n)
{
	struct region *r = s.leaf->region + s.index;

	SPACE->region_count -= n;
	s.leaf->count -= n;
	memmove(r, r + n, (s.leaf->count - s.index) * sizeof *r);
	if (SPACE->leaf_count > 1)
		leaf_shrunk(s);
}
#endif
