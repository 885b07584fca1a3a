/* SPDX-License-Identifier: MIT */
/* The heap that grows behind the image: one anonymous region from brk_start on. */
#include "vm.h"
#include "needs.h"

#define RLIMIT_DATA 2

static uint64_t brk_limit(void)
{
	struct region *next = region_above(PAGE_UP(SPACE->brk_end));

	while (next && next->start < PAGE_UP(SPACE->brk_end))
		next = region_next(next);
	if (next)
		return next->start;
	return SPACE->home_base ? SPACE->home_base + SPACE->home_count * EXO_HOME_SIZE : USER_END;
}

long heap_set(uint64_t wanted)
{
	uint64_t old = PAGE_UP(SPACE->brk_end), new = PAGE_UP(wanted);

	if (wanted < SPACE->brk_start || wanted > brk_limit() || wanted - SPACE->brk_start > current_limit(RLIMIT_DATA))
		return (long)SPACE->brk_end;
	if (new > old && (limit_reached(new - old) || map_anonymous(old, new - old, PROT_READ | PROT_WRITE, REGION_HEAP)))
		return (long)SPACE->brk_end;
	if (new < old && (region_remove(new, old) || pages_unmap(new, old) || stash_drop(new, old)))
		return (long)SPACE->brk_end;
	SPACE->brk_end = wanted;
	space_note(SPACE_CHANGED);
	return (long)wanted;
}
