/* SPDX-License-Identifier: MIT */
/* The region array of a process: what each run of its addresses means. Only bookkeeping; page table entries are
 * pager.c's. */
#include <base/string.h>
#include "vm.h"
#include "needs.h"

static int page_add(void)
{
	uint64_t pfn;

	if (SPACE->region_pages == REGION_PAGES_MAX || frames_claim(&pfn, 1))
		return 0;
	if (entries_write(0, PRIVATE_BASE + PRIVATE_REGIONS + SPACE->region_pages * PAGE, 1,
		pfn << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX, 0, 0) < 0) {
		frames_release(&pfn, 1);
		return 0;
	}
	SPACE->region_pages++;
	return 1;
}

static inline int has_room(uint32_t more)
{
	while ((SPACE->region_count + more) * sizeof(struct region) > SPACE->region_pages * PAGE)
		if (!page_add())
			return 0;
	return 1;
}

static int is_above(uint32_t i, uint64_t va)
{
	return (i == SPACE->region_count || SPACE->regions[i].end > va) && (!i || SPACE->regions[i - 1].end <= va);
}

/* Index of the first region that ends above va. Faults and calls come in runs: the last answer is tried first. */
static uint32_t index_above(uint64_t va)
{
	uint32_t low = 0, high = SPACE->region_count;

	if (SPACE->region_last <= high && is_above(SPACE->region_last, va))
		return SPACE->region_last;
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (SPACE->regions[middle].end > va)
			high = middle;
		else
			low = middle + 1;
	}
	SPACE->region_last = low;
	return low;
}

struct region *region_above(uint64_t va)
{
	uint32_t i = index_above(va);

	return i < SPACE->region_count ? SPACE->regions + i : 0;
}

struct region *region_find(uint64_t va)
{
	struct region *r = region_above(va);

	return r && r->start <= va ? r : 0;
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

void region_get(const struct region *r)
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

/* Room for n regions from i on; what stood there moves up. */
static void gap_open(uint32_t i, uint32_t n)
{
	struct region *r = SPACE->regions + i;

	memmove(r + n, r, (SPACE->region_count - i) * sizeof *r);
	SPACE->region_count += n;
}

static void gap_close(uint32_t i, uint32_t n)
{
	struct region *r = SPACE->regions + i;

	SPACE->region_count -= n;
	memmove(r, r + n, (SPACE->region_count - i) * sizeof *r);
}

/* Region i ends at `at`, and the next one, which is a copy of it, begins there. */
static void part_at(uint32_t i, uint64_t at)
{
	struct region *r = SPACE->regions + i;

	r[0].end = at;
	r[1].offset += (at - r[1].start) / PAGE;
	r[1].start = at;
	region_get(r);
}

/* Makes start and end borders. Index of the first region that ends above start, or -ENOMEM. */
static int64_t cut(uint64_t start, uint64_t end)
{
	uint32_t i, j;

	if (!has_room(2))
		return -ENOMEM;
	i = index_above(start);
	if (i < SPACE->region_count && SPACE->regions[i].start < start) {
		/* Mostly a part of one region: one move for both borders. */
		uint32_t inside = SPACE->regions[i].end > end;

		gap_open(i, 1 + inside);
		SPACE->regions[i + 1] = SPACE->regions[i + 1 + inside];
		SPACE->regions[i] = SPACE->regions[i + 1];
		part_at(i++, start);
		if (inside) {
			part_at(i, end);
			return i;
		}
	}
	for (j = i; j < SPACE->region_count && SPACE->regions[j].end <= end; j++)
		;
	if (j < SPACE->region_count && SPACE->regions[j].start < end) {
		gap_open(j, 1);
		SPACE->regions[j] = SPACE->regions[j + 1];
		part_at(j, end);
	}
	return i;
}

struct region *region_cut(uint64_t start, uint64_t end)
{
	int64_t i = cut(start, end);

	return i < 0 ? 0 : SPACE->regions + i;
}

int region_remove(uint64_t start, uint64_t end)
{
	int64_t from = cut(start, end);
	uint32_t to;

	if (from < 0)
		return -ENOMEM;
	for (to = (uint32_t)from; to < SPACE->region_count && SPACE->regions[to].start < end; to++) {
		SPACE->region_bytes -= bytes_of(SPACE->regions + to);
		region_put(SPACE->regions + to);
	}
	if (to > from)
		gap_close((uint32_t)from, to - (uint32_t)from);
	return 0;
}

static int joins(const struct region *a, const struct region *b)
{
	if (a->end != b->start || a->prot != b->prot || a->flags != b->flags || a->inode != b->inode || a->flags & (REGION_GROWSDOWN | REGION_STASH))
		return 0;
	return !(a->inode || a->flags & REGION_ANON_SHARED) || (b->offset == a->offset + (a->end - a->start) / PAGE && a->data_end == b->data_end);
}

/* From region i on, up to those that start at `end`. */
static void regions_join_at(uint32_t i, uint64_t end)
{
	for (i = i ? i - 1 : 0; i + 1 < SPACE->region_count && SPACE->regions[i].start <= end;) {
		struct region *r = SPACE->regions + i;

		if (!joins(r, r + 1)) {
			i++;
			continue;
		}
		r->end = r[1].end;
		region_put(r);
		gap_close(i + 1, 1);
	}
}

void regions_join(uint64_t start, uint64_t end)
{
	regions_join_at(index_above(start), end);
}

int region_insert(const struct region *r)
{
	uint32_t i;

	if ((!region_free_space(r->start, r->end) && region_remove(r->start, r->end)) || !has_room(1)) {
		if (r->inode)
			inode_put(r->inode);
		return -ENOMEM;
	}
	SPACE->region_bytes += bytes_of(r);
	writer_count(r, 1);
	i = index_above(r->start);
	/* An anonymous neighbour grows instead. */
	if (i && joins(SPACE->regions + i - 1, r) && !r->inode) {
		SPACE->regions[--i].end = r->end;
	} else {
		gap_open(i, 1);
		SPACE->regions[i] = *r;
	}
	regions_join_at(i, r->end);
	return 0;
}

void regions_drop(void)
{
	for (uint32_t i = 0; i < SPACE->region_count; i++)
		region_put(SPACE->regions + i);
	SPACE->region_count = 0;
	SPACE->region_bytes = 0;
}

int regions_open(void)
{
	SPACE->regions = (struct region *)(PRIVATE_BASE + PRIVATE_REGIONS);
	SPACE->region_pages = 1;
	SPACE->region_count = 0;
	SPACE->region_bytes = 0;
	return 0;
}

int region_free_space(uint64_t start, uint64_t end)
{
	struct region *r = region_above(start);

	return !r || r->start >= end;
}

/* The highest free space of that size; 0: none. */
static uint64_t place_between(uint64_t low, uint64_t high, uint64_t size)
{
	uint64_t top = high;

	for (uint32_t i = SPACE->region_count; i-- > 0;) {
		const struct region *r = SPACE->regions + i;

		if (r->start >= top)
			continue;
		if (r->end <= low)
			break;
		if (r->end <= top && top - r->end >= size)
			return top - size;
		top = r->start;
	}
	return top > size && top - size >= low ? top - size : 0;
}

uint64_t region_place(uint64_t size)
{
	uint64_t va = place_between(EXO_NULL_GUARD, SPACE->mmap_top, size);

	return va ? va : place_between(LARGE_BASE, LARGE_END, size);
}

uint64_t region_place_low(uint64_t low, uint64_t high, uint64_t size)
{
	const struct region *r;

	for (; low + size > low && low + size <= high; low = r->end) {
		r = region_above(low);
		if (!r || r->start >= low + size)
			return low;
	}
	return 0;
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
	*low = base + size;
	*high = base;
	for (uint32_t i = index_above(base); i < SPACE->region_count && SPACE->regions[i].start < base + size; i++) {
		const struct region *r = SPACE->regions + i;

		if (r->start < *low)
			*low = r->start > base ? r->start : base;
		*high = r->end < base + size ? r->end : base + size;
	}
}
