/* SPDX-License-Identifier: MIT */
/* The slots (512 GiB each) in which a process has memory. Slot 0 is every process's own from the start. One of those
 * where homes lie becomes its own when it maps there: declared private before its first table, so that an address may
 * mean there what it likes. The slot of the home that its image lies in is global in the env that claimed it, where
 * no table of it is linked but that home's, and private in what that env forks. SPACE->slots has a bit for each slot
 * but the first that has a table. */
#include "vm.h"

static int is_used(uint64_t slot)
{
	return !slot || SPACE->slots[slot / 64] >> slot % 64 & 1;
}

int64_t slot_open(uint64_t va)
{
	uint64_t slot = va >> EXO_SLOT_SHIFT;
	int64_t r = SPACE->home_base >> EXO_SLOT_SHIFT == slot ? 0 : gate_home_set(0, EXO_HOME_PRIVATE,
		slot << EXO_SLOT_SHIFT, 1);

	if (r >= 0)
		r = table_new(va, 4);
	if (r >= 0)
		SPACE->slots[slot / 64] |= 1ul << slot % 64;
	return r;
}

uint64_t slot_next(uint64_t slot)
{
	while (++slot < EXO_WINDOW >> EXO_SLOT_SHIFT && !is_used(slot))
		if (!(SPACE->slots[slot / 64] >> slot % 64))
			slot |= 63;
	return slot;
}

uint64_t slots_skip(uint64_t va, uint64_t end)
{
	uint64_t slot = va >> EXO_SLOT_SHIFT;

	if (is_used(slot))
		return va;
	va = slot_next(slot) << EXO_SLOT_SHIFT;
	return va < end ? va : end;
}
