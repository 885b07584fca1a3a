/* SPDX-License-Identifier: MIT */
/* mlock and its kin, and pages made before they are touched. Nothing swaps, so what is there stays; but locking makes
 * it be there, and no advice drops it. */
#include <posix/library.h>
#include "calls.h"
#include <asm/mman.h>

static long lock_set(uint64_t start, uint64_t size, int locks)
{
	uint64_t end = PAGE_UP(start + size);
	struct region *r;

	start = PAGE_DOWN(start);
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	if (!is_mapped(start, end - start))
		return -ENOMEM;
	r = region_cut(start, end);
	if (!r)
		return -ENOMEM;
	for (; r < SPACE->regions + SPACE->region_count && r->start < end; r++)
		r->flags = locks ? r->flags | REGION_LOCKED : r->flags & ~REGION_LOCKED;
	regions_join(start, end);
	SPACE->has_fork_advice |= locks;
	return 0;
}

static long lock_and_populate_all(uint64_t start, uint64_t size)
{
	long e = lock_set(start, size, 1);

	if (e)
		return e;
	e = populate_all(PAGE_DOWN(start), PAGE_UP(start + size));
	return e == -EFAULT ? -ENOMEM : e;
}

CALL2(mlock, start, size) { return lock_and_populate_all(start, size); }
CALL2(munlock, start, size) { return lock_set(start, size, 0); }

CALL3(mlock2, start, size, flags)
{
	if (flags & ~(uint64_t)MLOCK_ONFAULT)
		return -EINVAL;
	return flags & MLOCK_ONFAULT ? lock_set(start, size, 1) : lock_and_populate_all(start, size);
}

static void all_set(uint32_t set, uint32_t clear)
{
	for (uint32_t i = 0; i < SPACE->region_count; i++)
		SPACE->regions[i].flags = (SPACE->regions[i].flags | set) & ~clear;
}

CALL1(mlockall, flags)
{
	if (flags & ~(uint64_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || !(flags & (MCL_CURRENT | MCL_FUTURE)))
		return -EINVAL;
	SPACE->lock_future = flags & MCL_FUTURE ? (uint8_t)flags : 0;
	if (!(flags & MCL_CURRENT))
		return 0;
	all_set(REGION_LOCKED, 0);
	SPACE->has_fork_advice = 1;
	/* As in Linux, what cannot be made now is made at its touch. */
	for (uint32_t i = 0; i < SPACE->region_count && !(flags & MCL_ONFAULT); i++)
		(void)populate_all(SPACE->regions[i].start, SPACE->regions[i].end);
	return 0;
}

CALL0(munlockall)
{
	SPACE->lock_future = 0;
	all_set(0, REGION_LOCKED);
	return 0;
}
