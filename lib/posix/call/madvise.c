/* SPDX-License-Identifier: MIT */
/* Advice and questions about mappings: madvise, msync, mincore. */
#include <posix/library.h>
#include "calls.h"
#include <asm/mman.h>
#include <vm/swap.h>

/* Advice that is kept with the regions: what it sets and what it clears. */
static const struct { uint32_t set, clear; } kept[] = {
	[MADV_DONTFORK] = { REGION_NOT_FORKED, 0 }, [MADV_DOFORK] = { 0, REGION_NOT_FORKED },
	[MADV_WIPEONFORK] = { REGION_WIPED, 0 }, [MADV_KEEPONFORK] = { 0, REGION_WIPED },
	[MADV_DONTDUMP] = { REGION_NOT_DUMPED, 0 }, [MADV_DODUMP] = { 0, REGION_NOT_DUMPED },
	[MADV_HUGEPAGE] = { REGION_HUGE, 0 }, [MADV_NOHUGEPAGE] = { 0, REGION_HUGE },
};

static int is_kept(uint64_t advice)
{
	return advice < sizeof kept / sizeof *kept && (kept[advice].set || kept[advice].clear);
}

static int is_known(uint64_t advice)
{
	switch (advice) {
	case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_WILLNEED: case MADV_DONTNEED: case MADV_FREE:
	case MADV_REMOVE: case MADV_MERGEABLE: case MADV_UNMERGEABLE: case MADV_COLD: case MADV_PAGEOUT:
	case MADV_POPULATE_READ: case MADV_POPULATE_WRITE: case MADV_DONTNEED_LOCKED:
		return 1;
	}
	return is_kept(advice);
}

static int is_anonymous(const struct region *r) { return !r->inode && !(r->flags & REGION_SHARED); }

/* What is mapped already stays as it is. A part that the advice is not for: -EINVAL, and nothing is done. */
static int keep(uint64_t start, uint64_t end, uint64_t advice)
{
	uint32_t set = kept[advice].set, clear = kept[advice].clear;
	struct region *r;

	for (r = region_above(start); set == REGION_WIPED && r && r->start < end; r = region_next(r))
		if (!is_anonymous(r))
			return -EINVAL;
	r = region_cut(start, end);
	if (!r)
		return -ENOMEM;
	for (; r && r->start < end; r = region_next(r))
		if (!((set | clear) & REGION_HUGE) || (is_anonymous(r) && !(r->flags & (REGION_GROWSDOWN | REGION_STASH))))
			r->flags = (r->flags | set) & ~clear;
	regions_join(start, end);
	if (set & (REGION_WIPED | REGION_NOT_FORKED))
		SPACE->has_fork_advice = 1;
	return 0;
}

/* Private pages go: they will be zeros, or the file's, again. MADV_FREE is for what only this process can have
 * written. */
static int drop(uint64_t start, uint64_t end, uint64_t advice)
{
	for (uint64_t va = start, stop; va < end; va = stop) {
		struct region *r = region_above(va);

		if (!r || r->start >= end)
			return 0;
		if ((r->flags & REGION_LOCKED && advice != MADV_DONTNEED_LOCKED) || (advice == MADV_FREE && !is_anonymous(r)))
			return -EINVAL;
		va = MAX_OF(va, r->start);
		stop = MIN_OF(r->end, end);
		if (!(r->flags & REGION_SHARED) && (pages_unmap(va, stop) || stash_drop(va, stop)))
			return -ENOMEM;
	}
	return 0;
}

/* The pages of a shared file give their blocks back, and read as zeros. */
static int holes_punch(uint64_t start, uint64_t end)
{
	for (uint64_t va = start, stop; va < end; va = stop) {
		const struct region *r = region_above(va);
		int e;

		if (!r || r->start >= end)
			return 0;
		if (r->flags & REGION_LOCKED || !r->inode || !(r->flags & REGION_SHARED))
			return -EINVAL;
		if (r->flags & REGION_READ_ONLY)
			return -EACCES;
		va = MAX_OF(va, r->start);
		stop = MIN_OF(r->end, end);
		e = file_punch(r->inode, r->offset * PAGE + va - r->start, stop - va);
		if (e)
			return e;
	}
	return 0;
}

/* Pages that shall go, or shall go before others. As in Linux, mlock stands against it. */
static int little_used(uint64_t start, uint64_t end, int goes)
{
	for (const struct region *r = region_above(start); r && r->start < end; r = region_above(r->end))
		if (r->flags & REGION_LOCKED)
			return -EINVAL;
	swap_advise(start, end, goes);
	return 0;
}

static int advise(uint64_t start, uint64_t end, uint64_t advice)
{
	if (is_kept(advice))
		return keep(start, end, advice);
	switch (advice) {
	case MADV_DONTNEED: case MADV_DONTNEED_LOCKED: case MADV_FREE:
		return drop(start, end, advice);
	case MADV_COLD: case MADV_PAGEOUT:
		return little_used(start, end, advice == MADV_PAGEOUT);
	case MADV_REMOVE:
		return holes_punch(start, end);
	case MADV_POPULATE_READ:
		return populate(start, end, PROT_READ);
	case MADV_POPULATE_WRITE:
		return populate(start, end, PROT_WRITE);
	}
	return 0;
}

CALL3(madvise, start, size, advice)
{
	uint64_t end = start + PAGE_UP(size);
	int e;

	if (start % PAGE || end < start || !is_known(advice))
		return -EINVAL;
	if (end == start)
		return 0;
	if (!user_range_ok(start, end - start))
		return -ENOMEM;
	e = advise(start, end, advice);
	/* Linux does what it can, and then says that there were gaps. */
	return e || is_mapped(start, end - start) ? e : -ENOMEM;
}

/* Any of it, before what is not mapped. */
static int is_locked(uint64_t start, uint64_t end)
{
	for (const struct region *r; start < end && (r = region_find(start)); start = r->end)
		if (r->flags & REGION_LOCKED)
			return 1;
	return 0;
}

CALL3(msync, start, size, flags)
{
	if (start % PAGE || flags & ~7ul || (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	if (flags & MS_INVALIDATE && is_locked(start, start + PAGE_UP(size)))
		return -EBUSY;
	return is_mapped(start, size) ? 0 : -ENOMEM;
}

/* The bytes for [va, stop), which lies within one table. */
static long resident(uint64_t va, uint64_t stop, uint64_t to)
{
	_Alignas(8) uint8_t present[512];

	if (table_present(va, present))
		return -EAGAIN;
	return user_write(to, present + va / PAGE % 512, (stop - va) / PAGE);
}

CALL3(mincore, start, size, vector)
{
	const uint64_t end = start + PAGE_UP(size);
	long e = 0;

	if (start % PAGE)
		return -EINVAL;
	if (end < start || PAGE_UP(size) < size)
		return -ENOMEM;
	for (uint64_t va = start, stop; !e && va < end; va = stop) {
		const struct region *r = region_find(va);

		if (!r)
			return -ENOMEM;
		stop = MIN_OF(MIN_OF(r->end, end), (va | (512 * PAGE - 1)) + 1);
		e = resident(va, stop, vector + (va - start) / PAGE);
	}
	return e;
}
