/* SPDX-License-Identifier: MIT */
/* Figures of frames and entries, and what batches and ranges save: a page, against pages a call. */
#include "bench.h"

#define PLACE 0x60000000ul
#define MOST 512
#define TABLES 256

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

static uint64_t entries[MOST];

static void list_fill(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		entries[i] = entry_of(i);
}

/* A range op returns early where it may: again for the rest. */
static void range(unsigned n, uint64_t value, int list)
{
	for (unsigned done = 0; done < n;) {
		int64_t r = gate_pte_write(0, (PLACE + done * EXO_PAGE_SIZE) | 1 | (list ? EXO_AT_LIST : 0), n - done, list ? (uint64_t)(entries + done) : value, 0, 0);

		if (r <= 0)
			return;
		done += (unsigned)r;
	}
}

static void unlink_all(uint64_t root, uint64_t at)
{
	for (int64_t done = 0; done < TABLES;) {
		int64_t r = gate_pte_write(root, (at + ((uint64_t)done << 21)) | 2, (uint64_t)(TABLES - done), 0, 0, 0);

		if (r <= 0)
			return;
		done += r;
	}
}

/* Samples of a range op that was not cut short by an interrupt. */
#define WHOLE(n, before, ...) EXACT(before, while (stamped(__VA_ARGS__) != (n)) before)

/* Level-1 tables: new ones into a level-2 table, then those sealed into a root being built, as a fork does it. */
static void links(void)
{
	static uint64_t list[TABLES];
	static struct exo_env_spec spec;
	uint64_t at = EXO_SLOT_SIZE / 2, root;
	uint32_t made;

	if (rt_env_prepare(&spec) < 0 || rt_table(0, at, 3) < 0)
		return;
	root = spec.frames[EXO_EF_ROOT];
	if (rt_tables(root, at, spec.frames + EXO_EF_COUNT, &made) < 0 || made != 3 || gate_pte_write(root, at | 2, 1, 0, 0, 0) < 0)
		return;
	for (unsigned i = 0; i < TABLES; i++) {
		int64_t pfn = rt_frame();

		if (pfn < 0 || gate_frame_type((uint64_t)pfn, 1, EXO_PT1, 0) < 0)
			return;
		list[i] = (uint64_t)pfn;
	}
	WHOLE(TABLES, unlink_all(0, at), EXO_GATE_pt_link, 0, at | 2 | EXO_AT_LIST, TABLES, (uint64_t)list);
	exact("table: link 256 new ones in a call, each", TABLES);
	WHOLE(TABLES, unlink_all(root, at), EXO_GATE_pt_link, root, at | 2 | EXO_AT_SEALED, TABLES, 0);
	exact("table: link 256 sealed in a call, each", TABLES);
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
		EACH(, { list_fill(n); range(n, 0, 1); range(n, 0, 0); });
		point("range", n, n);
		EACH(, { batch_run(n, 1); batch_run(n, 0); });
		point("batch", n, n);
	}
	list_fill(MOST);
	WHOLE(MOST, range(MOST, 0, 0), EXO_GATE_pte_write, 0, PLACE | 1 | EXO_AT_LIST, MOST, (uint64_t)entries);
	exact("entry: map, 512 in a call, a page", MOST);
	WHOLE(MOST, range(MOST, 0, 1), EXO_GATE_pte_write, 0, PLACE | 1, MOST, 0);
	exact("entry: unmap, 512 in a call, a page", MOST);
	range(MOST, 0, 0);
	links();
}
