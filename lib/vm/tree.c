/* SPDX-License-Identifier: MIT */
/* The tree of regions: searches in it, leaves that are divided and joined, pages for them. What regions mean is
 * region.c's. */
#include <base/string.h>
#include "tree.h"

#define PAGES_KEPT 8 /* of leaves that are empty: whoever maps and unmaps asks for none */

/* A page of the tree's own, with whatever is in it: 0 or -ENOMEM. */
static int tree_page_add(uint64_t va)
{
	uint64_t pfn;
	int64_t r;

	if (frames_claim(&pfn, 1))
		return -ENOMEM;
	r = pages_put(0, va, &pfn, 1);
	if (r == -EXO_ENOENT) {
		r = table_new(va, 2);
		if (r >= 0)
			r = pages_put(0, va, &pfn, 1);
	}
	if (r < 0)
		frames_release(&pfn, 1);
	return r < 0 ? -ENOMEM : 0;
}

/* There is a page for one leaf more, and an entry for it: 0 or -ENOMEM. */
static int leaf_prepare(void)
{
	uint64_t root_bytes = offsetof(struct root, entry) + (SPACE->leaf_count + 1) * sizeof(struct root_entry);

	if (SPACE->leaf_count == LEAVES_MAX)
		return -ENOMEM;
	while (SPACE->root_pages * PAGE < root_bytes) {
		if (tree_page_add((uint64_t)ROOT + SPACE->root_pages * PAGE))
			return -ENOMEM;
		SPACE->root_pages++;
	}
	if (SPACE->leaf_pages == SPACE->leaf_count) {
		if (tree_page_add(leaf_address(SPACE->leaf_pages)))
			return -ENOMEM;
		SPACE->leaf_pages++;
	}
	return 0;
}

static void space_raise(uint32_t at, uint64_t bytes)
{
	uint64_t *group = ROOT->space + at / ROOT_GROUP;

	ROOT->entry[at].space = MAX_OF(ROOT->entry[at].space, bytes);
	*group = MAX_OF(*group, ROOT->entry[at].space);
}

/* The bounds of the groups from that of `at` on, whose entries have moved by one. */
static void groups_renew(uint32_t at)
{
	for (uint32_t first = at & -(uint32_t)ROOT_GROUP; first < SPACE->leaf_count; first += ROOT_GROUP) {
		uint32_t last = MIN_OF(first + ROOT_GROUP, SPACE->leaf_count) - 1;

		space_raise(first, 0);
		space_raise(last, 0);
	}
}

/* An entry at `at` for a leaf whose page is there. */
static void root_add(uint32_t at, struct root_entry entry)
{
	struct root_entry *e = ROOT->entry + at;

	memmove(e + 1, e, (SPACE->leaf_count - at) * sizeof *e);
	*e = entry;
	SPACE->leaf_count++;
	space_raise(at, 0);
	groups_renew(at);
}

/* The first entry whose leaf ends above va; else the last one. */
static uint32_t root_find(uint64_t va)
{
	uint32_t low = 0, high = SPACE->leaf_count - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (ROOT->entry[middle].end > va)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Numbers of leaves in use stay without a gap, since fork copies those pages: the last one moves. */
static void root_remove(uint32_t at)
{
	struct root_entry *e = ROOT->entry + at;
	uint32_t number = e->number, last = --SPACE->leaf_count;
	struct leaf *from = (struct leaf *)leaf_address(last);

	memmove(e, e + 1, (last - at) * sizeof *e);
	groups_renew(at);
	if (number != last) {
		memcpy((void *)leaf_address(number), from, offsetof(struct leaf, region[from->count]));
		ROOT->entry[root_find(from->region->start)].number = number;
	}
	SPACE->last_leaf = SPACE->last_index_there = 0;
	if (last == 1)
		SPACE->last_index = 0;
	while (SPACE->leaf_pages > last + PAGES_KEPT)
		(void)entries_write(0, leaf_address(--SPACE->leaf_pages), 1, 0, EXO_AT_GIVE, 0);
	family_progress();
}

static void files_look(struct leaf *l)
{
	uint32_t any = 0;

	for (uint32_t i = 0; i < l->count; i++)
		any |= l->region[i].inode != 0;
	l->has_files = any;
}

struct spot leaf_divide(struct spot s)
{
	/* Regions often come one beside the other: the part that gets no more of them is the fuller one. */
	const uint32_t least = LEAF_REGIONS / 4, half = MIN_OF(MAX_OF(s.index, least), LEAF_REGIONS - least);
	struct leaf *l = s.leaf, *upper;
	struct root_entry e;

	if (leaf_prepare())
		return (struct spot){ 0 };
	if (SPACE->leaf_count == 1) { /* the root is new, and knows nothing of free space yet */
		memset(ROOT->space, 0, sizeof ROOT->space);
		ROOT->entry[0] = (struct root_entry){ .space = ~0ul };
		SPACE->last_index = ~0u;
	}
	e = ROOT->entry[s.at];
	e.number = SPACE->leaf_count;
	e.end = l->region[l->count - 1].end;
	upper = (struct leaf *)leaf_address(e.number);
	upper->count = l->count - half;
	memcpy(upper->region, l->region + half, upper->count * sizeof *l->region);
	l->count = half;
	files_look(l);
	files_look(upper);
	ROOT->entry[s.at].end = l->region[half - 1].end;
	root_add(s.at + 1, e);
	return s.index < half ? s : (struct spot){ upper, s.at + 1, s.index - half };
}

/* The leaf at `at` takes over what the next one has. */
static void leaves_join(uint32_t at)
{
	struct leaf *to = leaf_at(at), *from = leaf_at(at + 1);

	memcpy(to->region + to->count, from->region, from->count * sizeof *to->region);
	to->count += from->count;
	to->has_files |= from->has_files;
	ROOT->entry[at].end = ROOT->entry[at + 1].end;
	space_raise(at, ROOT->entry[at + 1].space);
	root_remove(at + 1);
}

static int is_above(const struct leaf *l, uint32_t at, uint32_t i, uint64_t va)
{
	if (i >= l->count || l->region[i].end <= va)
		return 0;
	if (i)
		return l->region[i - 1].end <= va;
	return !at || ROOT->entry[at - 1].end <= va;
}

/* In a leaf. */
static uint32_t index_above(const struct leaf *l, uint64_t va)
{
	uint32_t low = 0, high = l->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (l->region[middle].end > va)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct spot spot_search_kept(uint64_t va)
{
	uint32_t at = SPACE->leaf_count > 1 ? root_find(va) : 0;
	struct leaf *l = leaf_at(at);

	return (struct spot){ l, at, index_above(l, va) };
}

static struct spot leaves_search(uint64_t va)
{
	uint32_t at = SPACE->last_leaf, i = SPACE->last_index_there;
	struct leaf *l = leaf_at(at);
	struct spot s;

	if (is_above(l, at, i, va))
		return (struct spot){ l, at, i };
	s = spot_search_kept(va);
	SPACE->last_leaf = s.at;
	SPACE->last_index_there = s.index;
	return s;
}

struct spot spot_search(uint64_t va)
{
	if (SPACE->leaf_count > 1)
		return leaves_search(va);
	SPACE->last_index = index_above(FIRST_LEAF, va);
	return (struct spot){ FIRST_LEAF, 0, SPACE->last_index };
}

void leaf_freed(struct spot s)
{
	uint64_t bottom = 0;

	if (s.index)
		bottom = s.leaf->region[s.index - 1].end;
	else if (s.at)
		bottom = ROOT->entry[s.at - 1].end;
	if (s.index == s.leaf->count) {
		if (++s.at == SPACE->leaf_count)
			return;
		s = (struct spot){ leaf_at(s.at), s.at, 0 };
	}
	space_raise(s.at, s.leaf->region[s.index].start - bottom);
}

/* What was behind all regions lies before its last one now, when the leaf is the last. */
void leaf_ended(struct spot s)
{
	ROOT->entry[s.at].end = s.leaf->region[s.index].end;
	leaf_freed(s);
}

void leaf_shrunk(struct spot s)
{
	struct leaf *l = s.leaf;

	if (l->count && s.index == l->count)
		ROOT->entry[s.at].end = l->region[l->count - 1].end;
	leaf_freed(s);
	if (!l->count)
		root_remove(s.at);
	else if (s.at + 1 < SPACE->leaf_count && l->count + leaf_at(s.at + 1)->count <= LEAF_JOINED)
		leaves_join(s.at);
	else if (s.at && l->count + leaf_at(s.at - 1)->count <= LEAF_JOINED)
		leaves_join(s.at - 1);
}
