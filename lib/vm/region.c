/* SPDX-License-Identifier: MIT */
/* The regions of a process: what each run of its addresses means. Only bookkeeping; page table entries are pager.c's.
 * How regions are kept is tree.c's. */
#include "tree.h"
#include "needs.h"

struct region *region_above(uint64_t va)
{
	return spot_region(spot_above(va));
}

struct region *region_find(uint64_t va)
{
	struct region *r = spot_region(spot_above(va));

	return r && r->start <= va ? r : 0;
}

struct region *region_before(const struct region *r)
{
	return spot_before(spot_above(r->start));
}

struct region *region_last(void)
{
	return spot_before(spot_above(~0ul));
}

static uint64_t bytes_of(const struct region *r)
{
	return r->flags & REGION_STASH ? 0 : r->end - r->start;
}

/* Mappings by which a file can be written are counted at it: seals ask. */
static void writer_count(const struct region *r, int n)
{
	if (r->inode && (r->flags & (REGION_SHARED | REGION_READ_ONLY)) == REGION_SHARED)
		inode_maps_count(r->inode, n);
}

static void region_get(const struct region *r)
{
	if (!r->inode)
		return;
	inode_get(r->inode);
	writer_count(r, 1);
}

static void region_put(const struct region *r)
{
	if (!r->inode)
		return;
	writer_count(r, -1);
	inode_put(r->inode);
}

/* The spot of the region before s, if there is one. */
static struct spot spot_down(struct spot s)
{
	if (s.index) {
		s.index--;
	} else if (s.at) {
		s.leaf = leaf_at(--s.at);
		s.index = s.leaf->count - 1;
	}
	return s;
}

static struct spot spot_up(struct spot s)
{
	if (++s.index == s.leaf->count && s.at + 1 < SPACE->leaf_count)
		s = (struct spot){ leaf_at(s.at + 1), s.at + 1, 0 };
	return s;
}

static void start_set(struct region *r, uint64_t start)
{
	r->offset += (start - r->start) / PAGE;
	r->start = start;
}

/* The regions at s and before it, which are copies of one another, meet at `at`. */
static void part_at(struct spot s, uint64_t at)
{
	struct region *r = spot_region(s);

	r[-1].end = at;
	start_set(r, at);
	region_get(r);
}

/* `at` becomes a border within the region at s: where its upper part is then; leaf NULL: no memory. */
static inline struct spot cut_at(struct spot s, uint64_t at)
{
	struct region *r;

	s = spot_open(s, 1);
	if (!s.leaf)
		return s;
	r = s.leaf->region + s.index++;
	r[0] = r[1];
	part_at(s, at);
	return s;
}

/* Both borders lie within the region at s: where what is between them is then; leaf NULL: no memory. */
static inline struct spot cut_twice(struct spot s, uint64_t start, uint64_t end)
{
	struct region *r;

	s = spot_open(s, 2);
	if (!s.leaf)
		return s;
	r = s.leaf->region + s.index;
	r[0] = r[1] = r[2];
	s.index += 2;
	part_at(s, end);
	s.index--;
	part_at(s, start);
	return s;
}

/* Makes start and end borders: the first region that ends above start. leaf NULL: no memory, or too many; start may be
 * a border then. */
static struct spot cut(uint64_t start, uint64_t end)
{
	struct spot s = spot_above(start), t;
	const struct region *r = spot_region(s);

	if (r && r->start < start) {
		if (SPACE->region_count + (r->end > end) >= (uint32_t)F->regions_most)
			return (struct spot){ 0 };
		if (r->end > end)
			return cut_twice(s, start, end);
		s = cut_at(s, start);
		if (!s.leaf)
			return s;
		r = spot_region(s);
	}
	if (!r || r->start >= end || r->end == end)
		return s;
	t = r->end > end ? s : spot_above(end);
	r = spot_region(t);
	if (!r || r->start >= end)
		return s;
	if (SPACE->region_count >= (uint32_t)F->regions_most || !cut_at(t, end).leaf)
		return (struct spot){ 0 };
	return SPACE->leaf_count == 1 ? s : spot_above(start);
}

struct region *region_cut(uint64_t start, uint64_t end)
{
	struct spot s = cut(start, end);

	return s.leaf ? spot_region(s) : 0;
}

/* Bytes of a region that go. */
static void bytes_take(const struct region *r, uint64_t bytes)
{
	SPACE->region_bytes -= r->flags & REGION_STASH ? 0 : bytes;
}

/* What goes lies within the region at s: 0 or -ENOMEM. */
static int hole_make(struct spot s, uint64_t start, uint64_t end)
{
	struct region *r;

	if (SPACE->region_count >= (uint32_t)F->regions_most)
		return -ENOMEM;
	s = spot_open(s, 1);
	if (!s.leaf)
		return -ENOMEM;
	r = spot_region(s);
	r[0] = r[1];
	region_get(r);
	bytes_take(r, end - start);
	r[0].end = start;
	start_set(r + 1, end);
	s.index++;
	spot_freed(s);
	return 0;
}

/* How many from s on, in its leaf, end at `end` or below: their references and bytes are given back. */
static uint32_t whole_ones(struct spot s, uint64_t end)
{
	const struct region *first = s.leaf->region + s.index, *r = first, *last = s.leaf->region + s.leaf->count;

	for (; r < last && r->end <= end; r++) {
		bytes_take(r, r->end - r->start);
		region_put(r);
	}
	return (uint32_t)(r - first);
}

int region_remove(uint64_t start, uint64_t end)
{
	struct spot s = spot_above(start);
	struct region *r = spot_region(s);
	uint32_t n, leaves;

	if (r && r->start < start) {
		if (r->end > end)
			return hole_make(s, start, end);
		bytes_take(r, r->end - start);
		r->end = start;
		spot_ended(s);
		s = spot_up(s);
		spot_freed(s);
	}
	do {
		leaves = SPACE->leaf_count;
		n = whole_ones(s, end);
		if (n)
			spot_close(s, n);
		if (n && leaves > 1)
			s = spot_above(start);
	} while (n && leaves > 1);
	r = spot_region(s);
	if (r && r->start < end) {
		bytes_take(r, end - r->start);
		start_set(r, end);
		spot_freed(s);
	}
	return 0;
}

static int joins(const struct region *a, const struct region *b)
{
	if (a->end != b->start || a->prot != b->prot || a->flags != b->flags || a->inode != b->inode ||
		a->flags & (REGION_GROWSDOWN | REGION_STASH))
		return 0;
	if (!a->inode && !(a->flags & REGION_ANON_SHARED))
		return 1;
	return b->offset == a->offset + (a->end - a->start) / PAGE && a->data_end == b->data_end;
}

/* r and the one behind it, at s, become one. */
static void join(struct region *r, struct spot s)
{
	r->end = spot_region(s)->end;
	region_put(r);
	spot_close(s, 1);
}

/* From the one before s on, up to those that start at `end`. */
static __attribute__((noinline)) void leaves_join_at(struct spot s, uint64_t end)
{
	struct region *r, *next;

	for (s = spot_down(s); (r = spot_region(s)) && r->start <= end;) {
		struct spot t = spot_up(s);
		uint64_t start = r->start;

		next = spot_region(t);
		if (!next)
			return;
		if (!joins(r, next)) {
			s = t;
			continue;
		}
		r->end = next->end;
		spot_ended(s);
		join(r, t);
		s = spot_above(start);
	}
}

/* The same in any tree. */
static inline void regions_join_at(struct spot s, uint64_t end)
{
	struct region *r = FIRST_LEAF->region;

	if (SPACE->leaf_count > 1) {
		leaves_join_at(s, end);
		return;
	}
	for (r += s.index ? s.index - 1 : 0; r + 1 < FIRST_LEAF->region + FIRST_LEAF->count && r->start <= end;) {
		if (joins(r, r + 1))
			join(r, (struct spot){ FIRST_LEAF, 0, (uint32_t)(r + 1 - FIRST_LEAF->region) });
		else
			r++;
	}
}

void regions_join(uint64_t start, uint64_t end)
{
	regions_join_at(spot_above(start), end);
}

/* An anonymous region becomes a part of one of its neighbours, before s or at it, where that has the same meaning: the
 * spot of that; leaf NULL: neither. */
static struct spot neighbour_grow(struct spot s, const struct region *r)
{
	struct region *at = spot_before(s);

	if (at && joins(at, r)) {
		s = spot_down(s);
		at->end = r->end;
		spot_ended(s);
		return s;
	}
	at = spot_region(s);
	if (!at || r->flags & REGION_ANON_SHARED || !joins(r, at))
		return (struct spot){ 0 };
	at->start = r->start;
	return s;
}

int region_insert(const struct region *r)
{
	struct spot s = spot_above(r->start), t = { 0 };
	const struct region *at = spot_region(s);

	if (SPACE->region_count > (uint32_t)F->regions_most)
		goto refused;
	if (at && at->start < r->end) {
		if (region_remove(r->start, r->end))
			goto refused;
		s = spot_above(r->start);
	}
	if (!r->inode)
		t = neighbour_grow(s, r);
	if (!t.leaf) {
		t = spot_open(s, 1);
		if (!t.leaf)
			goto refused;
		t.leaf->region[t.index] = *r;
		t.leaf->has_files |= r->inode != 0;
		spot_ended(t);
	}
	SPACE->region_bytes += bytes_of(r);
	writer_count(r, 1);
	regions_join_at(t, r->end);
	return 0;
refused:
	if (r->inode)
		inode_put(r->inode);
	return -ENOMEM;
}

void region_grow(struct region *r, uint64_t start, uint64_t end)
{
	struct spot s = spot_above(r->start);

	SPACE->region_bytes += (end - start) - (r->end - r->start);
	r->start = start;
	r->end = end;
	spot_ended(s);
}

/* Of each region that has a file: most leaves of many have none. */
static inline __attribute__((always_inline)) void files_each(void (*of)(const struct region *r))
{
	for (uint32_t at = 0; at < SPACE->leaf_count; at++) {
		const struct leaf *l = leaf_at(at);

		if (!l->has_files)
			continue;
		for (const struct region *r = l->region, *end = r + l->count; r < end; r++)
			if (r->inode)
				of(r);
		if (at)
			family_progress();
	}
}

void regions_get(void) { files_each(region_get); }

void regions_drop(void)
{
	files_each(region_put);
	regions_open();
}

void regions_open(void)
{
	SPACE->leaf_count = 1;
	SPACE->leaf_pages = MAX_OF(SPACE->leaf_pages, 1u);
	SPACE->last_leaf = SPACE->last_index = SPACE->last_index_there = 0;
	SPACE->region_count = 0;
	SPACE->region_bytes = 0;
	SPACE->has_closed = SPACE->has_rights_due = 0;
	FIRST_LEAF->count = FIRST_LEAF->has_files = 0;
}

uint64_t regions_max(void) { return REGIONS_MAX; }

int region_free_space(uint64_t start, uint64_t end)
{
	struct region *r = region_above(start);

	return !r || r->start >= end;
}

struct inode *region_file(const struct region *r)
{
	return r->inode == F->vdso ? 0 : r->inode;
}

int is_mapped(uint64_t start, uint64_t size)
{
	uint64_t end = PAGE_UP(start + size);

	if (!user_range_ok(start, size))
		return 0;
	for (uint64_t va = PAGE_DOWN(start); va < end;) {
		const struct region *r = region_find(va);

		if (!r)
			return 0;
		va = r->end;
	}
	return 1;
}

void regions_in(uint64_t base, uint64_t size, uint64_t *low, uint64_t *high)
{
	struct spot s = spot_above(base);
	const struct region *r = spot_region(s), *last = s.leaf->region + s.leaf->count - 1;

	*low = base + size;
	*high = base;
	if (!r || r->start >= base + size)
		return;
	*low = MAX_OF(r->start, base);
	while (r < last && r[1].start < base + size)
		r++;
	if (r == last && s.at + 1 < SPACE->leaf_count) {
		s = spot_search_kept(base + size);
		r = spot_region(s);
		if (!r || r->start >= base + size)
			r = spot_before(s);
	}
	*high = MIN_OF(r->end, base + size);
}
