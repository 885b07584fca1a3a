/* SPDX-License-Identifier: MIT */
/* Advice and questions about mappings: madvise, msync, mincore, and mlock, which has nothing to do: nothing is ever swapped. */
#include "library.h"
#include "calls.h"

#define MADV_DONTNEED 4
#define MADV_FREE     8

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
	return advice > 25 && advice != 100 && advice != 101 ? -EINVAL : 0;
}

CALL3(msync, start, size, flags)
{
	(void)size;
	return start % PAGE || flags & ~7ul ? -EINVAL : region_find(start) ? 0 : -ENOMEM;
}

CALL3(mincore, start, size, vector)
{
	if (start % PAGE)
		return -EINVAL;
	for (uint64_t i = 0; i < PAGE_UP(size) / PAGE; i++) {
		int64_t e = gate_pte_write(0, (start + i * PAGE) | EXO_AT_CHANGE | 1, 1, 0, 0, 0);
		uint8_t present = !EXO_IS_ERROR(e);

		if (!region_find(start + i * PAGE))
			return -ENOMEM;
		if (user_write(vector + i, &present, 1))
			return -EFAULT;
	}
	return 0;
}

CALL2(mlock, start, size) { return user_range_ok(start, size) ? 0 : -ENOMEM; }
CALL2(munlock, start, size) { return user_range_ok(start, size) ? 0 : -ENOMEM; }
CALL3(mlock2, start, size, flags) { return flags & ~1ul ? -EINVAL : user_range_ok(start, size) ? 0 : -ENOMEM; }
CALL1(mlockall, flags) { return flags & ~7ul || !flags ? -EINVAL : 0; }
CALL0(munlockall) { return 0; }
