/* SPDX-License-Identifier: MIT */
/* A library OS of ten lines: it gives its program a page wherever that touches memory. */
#include <rt/rt.h>

#define PLACE ((volatile int *)0x1234567890)

void rt_on_fault(struct rt_regs *regs)
{
	const uint64_t page = regs->at.addr & -EXO_PAGE_SIZE;

	rt_log("ten: a page for %lx", regs->at.addr);
	if (rt_tables(0, page, 0, 0) || rt_map(0, page, (uint64_t)rt_frame(), 1, EXO_PTE_RW | EXO_PTE_NX))
		rt_off(1);
}

void app_main(exo_name self)
{
	(void)rt_entries_set();
	*PLACE = 7;
	rt_log("ten: it holds %d, says env %lu", *PLACE, EXO_NAME_INDEX(self));
}
