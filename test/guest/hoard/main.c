/* SPDX-License-Identifier: MIT */
/* In a box: claims whatever memory its account may still have, gives none back, answers nobody. */
#include <rt/rt.h>

#define HOARD ((uint64_t)app_base + (256ul << 20)) /* in its home, between image and stack */
#define MOST  16384

/* Makes that page there, if it is not: what it could not. */
static int64_t hold(uint64_t va)
{
	int64_t r = rt_tables(0, va, NULL, NULL);

	if (r >= 0 && !(rt_entry(va, 1) & EXO_PTE_P)) {
		r = rt_frame();
		if (r >= 0)
			r = rt_map(0, va, (uint64_t)r, 1, EXO_PTE_RW | EXO_PTE_NX);
	}
	return r;
}

void app_main(exo_name self)
{
	rt_log("hoard: env %lx", self);
	for (;;)
		for (uint64_t n = 0; n < MOST; n++)
			if (hold(HOARD + n * EXO_PAGE_SIZE) < 0)
				(void)gate_yield(0, 0);
}
