/* SPDX-License-Identifier: MIT */
/* Lab 1, a solution. */
#include <lab1.h>

int stack_fault(uint64_t address, uint64_t error)
{
	const uint64_t lowest = STACK_TOP - STACK_MOST * EXO_PAGE_SIZE, page = address & -EXO_PAGE_SIZE;
	int64_t frame;

	if (error & 1 || address < lowest || address >= STACK_TOP)
		return 0;
	frame = rt_frame();
	if (frame < 0)
		return 0;
	if (!rt_map(0, page, (uint64_t)frame, 1, EXO_PTE_RW | EXO_PTE_NX))
		return 1;
	(void)gate_frame_give((uint64_t)frame, 1, 0);
	return 0;
}
