/* SPDX-License-Identifier: MIT */
/* Advice and questions about mappings: madvise, msync, mincore, and mlock, which has nothing to do: nothing is ever swapped. */
#include <posix/library.h>
#include <posix/call/calls.h>
#include <asm/mman.h>

/* Whole pages of [start, start + size), each in some region. */
static int is_mapped(uint64_t start, uint64_t size)
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

/* For each run of private anonymous memory there; what is mapped already stays as it is. */
static int huge_advise(uint64_t start, uint64_t end, int wants)
{
	struct region *r = region_cut(start, end);

	if (!r)
		return -ENOMEM;
	for (; r < P->regions + P->region_count && r->start < end; r++)
		if (!r->inode && !(r->flags & (REGION_SHARED | REGION_GROWSDOWN | REGION_STASH)))
			r->flags = wants ? r->flags | REGION_HUGE : r->flags & ~REGION_HUGE;
	regions_join(start, end);
	return 0;
}

CALL3(madvise, start, size, advice)
{
	uint64_t end = start + PAGE_UP(size);

	if (start % PAGE || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	if (!user_range_ok(start, end - start))
		return -ENOMEM;
	if (advice == MADV_DONTNEED || advice == MADV_FREE)
		for (uint64_t va = start; va < end;) {
			struct region *r = region_above(va);
			uint64_t stop;

			if (!r || r->start >= end)
				break;
			stop = r->end < end ? r->end : end;
			if (!(r->flags & REGION_SHARED)) {
				if (r->start > va)
					va = r->start;
				if (pages_unmap(va, stop) || stash_drop(va, stop))
					return -ENOMEM;
			}
			va = stop;
		}
	if ((advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE) && huge_advise(start, end, advice == MADV_HUGEPAGE))
		return -ENOMEM;
	if (advice > 25 && advice != 100 && advice != 101)
		return -EINVAL;
	/* Linux does what it can, and then says that there were gaps. */
	return is_mapped(start, end - start) ? 0 : -ENOMEM;
}

CALL3(msync, start, size, flags)
{
	if (start % PAGE || flags & ~7ul || (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	return is_mapped(start, size) ? 0 : -ENOMEM;
}

CALL3(mincore, start, size, vector)
{
	if (start % PAGE)
		return -EINVAL;
	for (uint64_t i = 0; i < PAGE_UP(size) / PAGE; i++) {
		uint64_t va = start + i * PAGE;
		uint8_t present = present_from(va, va + PAGE) == va;

		if (!region_find(va))
			return -ENOMEM;
		if (user_write(vector + i, &present, 1))
			return -EFAULT;
	}
	return 0;
}

/* Nothing swaps: what is there stays. */
static long stays(uint64_t start, uint64_t size)
{
	return start + size < start ? -EINVAL : is_mapped(start, size) ? 0 : -ENOMEM;
}

CALL2(mlock, start, size) { return stays(start, size); }
CALL2(munlock, start, size) { return stays(start, size); }
CALL3(mlock2, start, size, flags) { return flags & ~1ul ? -EINVAL : stays(start, size); }
CALL1(mlockall, flags) { return flags & ~7ul || !flags ? -EINVAL : 0; }
CALL0(munlockall) { return 0; }
