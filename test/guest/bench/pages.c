/* SPDX-License-Identifier: MIT */
/* Figures of frames and entries, and what batches and ranges save: a page, against pages a call. */
#include "bench.h"

#define PLACE 0x60000000ul
#define MOST 512

static uint64_t frame[MOST];
static struct exo_batch op[MOST];

static uint64_t entry_of(unsigned i) { return frame[i] << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX; }

static void batch_fill(unsigned n, int map)
{
	for (unsigned i = 0; i < n; i++)
		op[i] = (struct exo_batch){ EXO_GATE_pte_write, { 0, (PLACE + i * EXO_PAGE_SIZE) | 1, 1, map ? entry_of(i) : 0, 0, 0 }, 0 };
}

static void batch_run(unsigned n, int map)
{
	batch_fill(n, map);
	for (unsigned done = 0; done < n;) {
		int64_t r = gate_batch(op + done, n - done);

		if (r <= 0)
			return;
		done += (unsigned)r;
	}
}

/* A range op returns early where it may: again for the rest. */
static void range(unsigned n, uint64_t value, int list)
{
	static uint64_t entries[MOST];

	if (list)
		for (unsigned i = 0; i < n; i++)
			entries[i] = entry_of(i);
	for (unsigned done = 0; done < n;) {
		int64_t r = gate_pte_write(0, (PLACE + done * EXO_PAGE_SIZE) | 1 | (list ? EXO_AT_LIST : 0), n - done, list ? (uint64_t)(entries + done) : value, 0, 0);

		if (r <= 0)
			return;
		done += (unsigned)r;
	}
}

void figures_pages(void)
{
	static uint64_t one[1];

	if (rt_tables(0, PLACE, 0, 0) < 0)
		return;
	for (unsigned i = 0; i < MOST; i++) {
		int64_t pfn = rt_frame();

		if (pfn < 0)
			return;
		frame[i] = (uint64_t)pfn;
	}
	EACH(, { (void)gate_frame_any(1, one); (void)gate_frame_give(one[0], 1, 0); });
	figure("frame: claim and give back, one", 1);
	EACH(, { range(1, entry_of(0), 0); range(1, 0, 0); });
	figure("entry: map and unmap, one page", 1);
	for (unsigned n = 1; n <= MOST; n *= 2) {
		EACH(, { range(n, 0, 1); range(n, 0, 0); });
		point("range", n, n);
		EACH(, { batch_run(n, 1); batch_run(n, 0); });
		point("batch", n, n);
	}
	EACH(, { range(MOST, 0, 1); range(MOST, 0, 0); });
	figure("entry: map and unmap, 512 at once, a page", MOST);
}
