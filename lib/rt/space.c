/* SPDX-License-Identifier: MIT */
/* Counts the address space: see space.h. */
#include <rt/space.h>

static uint32_t home_table(const volatile struct exo_home *homes, uint32_t base)
{
	uint64_t va = (uint64_t)base << 21;

	return va < EXO_HOMES_BASE || va >= EXO_WINDOW ? 0 : homes[EXO_HOME_OF(va)].pt2;
}

void rt_space_count(const volatile struct exo_frame_rec *frames, uint64_t count, const volatile struct exo_home *homes,
	struct rt_space *out)
{
	/* level 2, private and global: entries, and how many of them link a table; the rest map runs */
	uint64_t linked[2] = { 0 }, entries[2] = { 0 };

	*out = (struct rt_space){ 0 };
	for (uint64_t pfn = 0; pfn < count; pfn++) {
		struct exo_frame_rec f = frames[pfn];

		if (f.type == EXO_NONE || f.type == EXO_KERNEL)
			continue;
		if (f.maps)
			out->mapped += f.type == EXO_RUN ? f.used : 1;
		if (f.type == EXO_PT1) {
			*(f.glinks ? &out->names : &out->private) += f.glinks || f.plinks ? f.used : 0;
			linked[0] += f.plinks;
			linked[1] += f.glinks;
			out->disagreements += f.glinks > 1 || (f.glinks && !home_table(homes, f.base));
		} else if (f.type == EXO_PT2 && (f.glinks || f.plinks)) {
			int home = home_table(homes, f.base) == pfn;

			entries[home] += f.used;
			out->disagreements += f.glinks && !home;
		}
	}
	if (entries[0] > linked[0])
		out->private += (entries[0] - linked[0]) * EXO_RUN_FRAMES;
	if (entries[1] > linked[1])
		out->names += (entries[1] - linked[1]) * EXO_RUN_FRAMES;
}
