/* SPDX-License-Identifier: MIT */
/* mremap: grows in place where there is room, else the pages are mapped at another place. */
#include "swap.h"
#include "vm.h"
#include "needs.h"

#define MREMAP_MAYMOVE   1
#define MREMAP_FIXED     2
#define MREMAP_DONTUNMAP 4

static int unmap(uint64_t start, uint64_t size)
{
	return size && !region_free_space(start, start + size) ? map_remove(start, start + size) : 0;
}

/* Shared anonymous memory has no object: the frames themselves get the second place, by proof of the first. */
static int frames_again(uint64_t from, uint64_t to, uint64_t n, unsigned prot)
{
	for (uint64_t at = 0; at < n; at += PAGE) {
		uint64_t pfn = present_from(from + at, from + at + PAGE) == from + at ? frame_at(from + at) : 0;
		uint64_t rights = EXO_PTE_P | EXO_PTE_U | EXO_PTE_NX | (prot & PROT_WRITE ? EXO_PTE_RW : 0);
		int e = pfn ? 0 : -ENOMEM;

		if (!e && prot & PROT_WRITE) /* the proof must have what the new entry gets */
			e = page_serve(from + at, PROT_WRITE);
		if (!e)
			e = path_open(to + at);
		if (e)
			return e;
		if (entries_write(0, to + at, 1, pfn << EXO_PAGE_SHIFT | rights, 0, from + at) < 0)
			return -ENOMEM;
		family_progress();
	}
	return prot & PROT_EXEC ? pages_protect(to, to + n, prot) : 0;
}

#define MOVED_MAX 256 /* at a time */

/* This env's alone (its index is me), so that it can be unmapped and mapped again. */
static inline int is_movable(uint64_t entry, uint16_t me)
{
	const volatile struct exo_frame_rec *f = &rt_frames[(entry & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT];

	return f->maps == 1 && f->owner == me && !(f->flags & EXO_F_SHARED);
}

/* The entries from `from` on, at most n of one table, that are present and movable or not as the first one is, which is
 * present: how many, 0: no window. */
static uint64_t entries_take(uint64_t from, uint64_t n, uint64_t *list, int *movable)
{
	const uint64_t *entry = (const uint64_t *)entries_look(from);
	const uint16_t me = EXO_NAME_INDEX(P->self);
	uint64_t i = 0;
	int first;

	if (!entry)
		return 0;
	*movable = first = is_movable(entry[0], me);
	do
		list[i] = entry[i];
	while (++i < n && entry[i] & EXO_PTE_P && is_movable(entry[i], me) == first);
	entries_unlook();
	return i;
}

/* The page at `from`, and those behind it, at most n, in one open table at either place: how many, or -ENOMEM. An
 * unshared frame is never mapped twice with the right to write, so it leaves its first place first. What others have,
 * too, is mapped by proof of that. */
static long entries_pass(uint64_t from, uint64_t to, uint64_t n)
{
	uint64_t list[MOVED_MAX];
	int movable;

	n = entries_take(from, MIN_OF(n, (uint64_t)MOVED_MAX), list, &movable);
	if (!n || (movable && entries_write(0, from, n, 0, 0, 0) < 0))
		return -ENOMEM;
	if (entries_write(0, to, n, (uint64_t)list, EXO_AT_LIST, movable ? 0 : from) < 0) {
		(void)entries_write(0, to, n, 0, 0, 0);
		if (movable)
			(void)entries_write(0, from, n, (uint64_t)list, EXO_AT_LIST, 0);
		return -ENOMEM;
	}
	if (!movable && entries_write(0, from, n, 0, EXO_AT_GIVE, 0) < 0)
		return -ENOMEM;
	return (long)n;
}

/* The pages of n bytes, to where nothing is. They stay where they were when memory ends. */
static int entries_move(uint64_t from, uint64_t to, uint64_t n)
{
	const uint64_t end = from + n;
	uint64_t va = from, open_to = 0; /* up to there both tables are this env's own */
	long r = 0;

	for (; (va = present_from(va, end)) < end; va += (uint64_t)r * PAGE) {
		uint64_t at = to + (va - from);

		if (SPACE->runs && end - va >= BLOCK && huge_move(va, at)) {
			r = 512;
			continue;
		}
		if (va >= open_to) {
			r = (SPACE->runs && huge_split(va, va + PAGE)) || path_open(at) || path_open(va) ? -ENOMEM : 0;
			open_to = va + MIN_OF(BLOCK - va % BLOCK, BLOCK - at % BLOCK);
		}
		if (r >= 0)
			r = entries_pass(va, at, (MIN_OF(open_to, end) - va) / PAGE);
		if (r < 0)
			break;
		family_progress();
	}
	if (r < 0 && va > from) /* what tables there were are there still */
		(void)entries_move(to, from, va - from);
	return (int)MIN_OF(r, 0);
}

/* The same, and what mprotect and swap keep elsewhere. */
static int bytes_move(uint64_t from, uint64_t to, uint64_t n)
{
	int e = stash_move(from, from + n, to);

	if (!e && SPACE->swap)
		e = swap_move_begin(from, from + n, to);
	if (!e) {
		e = entries_move(from, to, n);
		if (!e && SPACE->swap)
			swap_move_end(from, from + n, to);
		else
			swap_trim();
	}
	if (e)
		(void)stash_move(to, to + n, from);
	return e;
}

/* What becomes of the first place: it goes; it stays a mapping, without the pages that moved; both have the bytes. */
enum stays { STAYS_NOT, STAYS_EMPTY, STAYS };

/* A second place for the region's bytes from `old` on. */
static long region_move(const struct region *from, uint64_t old, uint64_t old_size, uint64_t to, uint64_t new_size,
	enum stays stays)
{
	struct region r = *from;
	uint64_t n = old_size < new_size ? old_size : new_size;
	int e;

	r.start = to;
	r.end = to + new_size;
	r.offset += (old - from->start) / PAGE;
	if (r.inode) {
		inode_get(r.inode);
		r.data_end = from->data_end == ~0ul ? ~0ul : from->data_end - old + to;
	}
	e = region_insert(&r);
	if (!e && r.flags & REGION_ANON_SHARED && stays != STAYS_NOT)
		e = frames_again(old, to, new_size, r.prot);
	else if (!e && (!(r.flags & REGION_SHARED) || r.flags & REGION_ANON_SHARED)) /* else the file has the bytes */
		e = bytes_move(old, to, n);
	if (e) {
		(void)region_remove(to, to + new_size);
		(void)pages_unmap(to, to + new_size);
		return e;
	}
	if (stays == STAYS_NOT)
		e = region_remove(old, old + old_size);
	if (!e && stays != STAYS && !(stays == STAYS_EMPTY && r.flags & REGION_ANON_SHARED))
		e = pages_unmap(old, old + old_size);
	if (!e && stays == STAYS_NOT)
		e = stash_drop(old, old + old_size);
	return e ? e : (long)to;
}

/* What none of the mappings' own state decides. old_size 0: shared memory gets a second place. */
static int wrong(const struct region *r, uint64_t old, uint64_t old_size, uint64_t new_size, uint64_t flags)
{
	if (old % PAGE || !new_size || flags & ~7ul)
		return -EINVAL;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (flags & MREMAP_DONTUNMAP && old_size != new_size)
		return -EINVAL;
	if (!r || r->end < old + old_size)
		return -EFAULT;
	return !old_size && !(r->flags & REGION_SHARED) ? -EINVAL : 0;
}

long map_move(uint64_t old, uint64_t old_size, uint64_t new_size, uint64_t flags, uint64_t new)
{
	struct region *r = region_find(old);
	enum stays stays = flags & MREMAP_DONTUNMAP ? STAYS_EMPTY : STAYS_NOT;
	int has_runs = SPACE->runs && r && r->flags & REGION_HUGE;
	uint64_t more;
	long to;

	old_size = PAGE_UP(old_size);
	new_size = PAGE_UP(new_size);
	to = wrong(r, old, old_size, new_size, flags);
	if (to)
		return to;
	stays = old_size ? stays : STAYS;
	if (r->flags & REGION_ANON_SHARED && new_size > (old_size ? old_size : r->end - old))
		return -ENOMEM; /* there is no object that could tell what lies behind its end */
	if (stays == STAYS_NOT && !(flags & MREMAP_FIXED) && new_size <= old_size) {
		if (new_size < old_size)
			unmap(old + new_size, old_size - new_size);
		return (long)old;
	}
	more = stays == STAYS_NOT ? new_size - MIN_OF(old_size, new_size) : new_size;
	if (more && limit_reached(more))
		return -ENOMEM;
	if (stays == STAYS_NOT && !(flags & MREMAP_FIXED) && r->end == old + old_size && user_range_ok(old, new_size) &&
		region_free_space(old + old_size, old + new_size)) {
		region_grow(r, r->start, old + new_size);
		space_note(SPACE_CHANGED);
		return (long)old;
	}
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	if (flags & MREMAP_FIXED) {
		if (new % PAGE || !user_range_ok(new, new_size) || (new < old + old_size && old < new + new_size))
			return -EINVAL;
		to = (long)new;
		if (unmap(new, new_size) < 0)
			return -ENOMEM;
		r = region_find(old);
	} else {
		to = (long)region_place(new_size + (has_runs ? BLOCK : 0));
		if (to && has_runs) /* they stay whole */
			to += (long)((old - (uint64_t)to) % BLOCK);
	}
	if (!to)
		return -ENOMEM;
	{
		struct region copy = *r;

		to = region_move(&copy, old, old_size, (uint64_t)to, new_size, stays);
	}
	space_note(SPACE_CHANGED);
	return to;
}
