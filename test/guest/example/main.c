/* SPDX-License-Identifier: MIT */
/* A first program on the bare gate, printed in kernel/GATE.md: a frame by number, a page, a fault of its own, a second env, the end. */
#include <rt/rt.h>

#define PLACE 0x40000000ul

static volatile uint64_t said;
static uint8_t stack[4096] __attribute__((aligned(16)));

/* Runs in the second env: the app's home is linked there, so this code and `said` have the same addresses. */
static void second(uint64_t argument)
{
	said = argument;
	for (;;)
		(void)gate_env_kill(0);
}

/* PLACE + 4096 was touched, where nothing is: take a frame of the kernel's choice and map it there. */
void rt_on_fault(struct rt_regs *regs)
{
	uint64_t page = regs->at.addr & -EXO_PAGE_SIZE;

	if (regs->at.vector != 14 || page != PLACE + EXO_PAGE_SIZE || rt_map(0, page, (uint64_t)rt_frame(), 1, EXO_PTE_RW | EXO_PTE_NX) < 0)
		rt_off(1);
}

void app_main(exo_name self)
{
	uint64_t pfn = rt_info->frame_count - 1;
	static struct exo_env_spec spec;
	int64_t r;

	(void)rt_entries_set(); /* upcalls may come from here on */

	/* Physical names are visible, free ones may be claimed by number. */
	while (rt_frames[pfn].type != EXO_FREE)
		pfn--;
	r = gate_frame_claim(pfn, 1);
	rt_log("env %lu: frame %lu: %ld frame claimed", EXO_NAME_INDEX(self), pfn, r);

	/* Tables are frames too: typed, linked, and then the page is mapped. rt_tables and rt_map are loops of frame_type, pt_link, pte_write. */
	if (rt_tables(0, PLACE, 0, 0) < 0 || rt_map(0, PLACE, pfn, 1, EXO_PTE_RW | EXO_PTE_NX) < 0)
		rt_off(1);
	*(volatile uint64_t *)PLACE = 42;

	/* A fault is an upcall: rt_on_fault above makes the page. */
	*(volatile uint64_t *)(PLACE + EXO_PAGE_SIZE) = 43;

	/* What breaks a rule is refused, and changes nothing. */
	r = rt_map(0, PLACE + 2 * EXO_PAGE_SIZE, pfn, 1, EXO_PTE_RW | EXO_PTE_NX);
	rt_log("a second writable entry: %ld, %s", r, rt_error(r));

	/* A second env: frames for it, the app's home linked, a place to start; then time. */
	if (rt_env_prepare(&spec) < 0 || rt_env_home(&spec, (uint64_t)&said, EXO_AT_RW) < 0)
		rt_off(1);
	spec.rip = (uint64_t)second;
	spec.rsp = (uint64_t)(stack + sizeof stack - 8);
	spec.rdi = 7;
	r = gate_env_make(&spec);
	if (r < 0)
		rt_off(1);
	while (!said)
		(void)gate_yield((exo_name)r, 0);
	rt_env_end((exo_name)r);
	rt_log("the second env said %lu; pages hold %lu and %lu", said, *(volatile uint64_t *)PLACE, *(volatile uint64_t *)(PLACE + EXO_PAGE_SIZE));
	rt_off(0);
}
