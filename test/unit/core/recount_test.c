/* SPDX-License-Identifier: MIT */
/* The kernel's recount finds each kind of count, flag and link that is wrong by one: a recount that says yes to everything would hide what the others look for. */
#include "world.h"

const char *recount(uint64_t *where); /* test/kernel/recount.c */

static void named(const char *what, const char *expected, uint64_t pfn)
{
	uint64_t where = ~0ul;
	const char *wrong = recount(&where);

	if (!wrong)
		test_fail("%s: not seen", what);
	if (!strstr(wrong, expected))
		test_fail("%s: recount says `%s`, not `%s`", what, wrong, expected);
	if (pfn && where != pfn)
		test_fail("%s: recount names frame %llu, not %u", what, (unsigned long long)where, (unsigned)pfn);
}

static void right(void)
{
	uint64_t where;

	if (recount(&where))
		test_fail("the recount of a right state says `%s`", recount(&where));
}

/* One place wrong, then as it was. */
#define CORRUPT(place, value, expected, pfn) do { \
	__typeof__(place) *place_ = &(place), old_ = *place_; \
	*place_ = (__typeof__(place))(value); named(#place, expected, pfn); *place_ = old_; right(); \
} while (0)

static void recount_finds_a_wrong_count(void)
{
	world_make();
	world_run(1);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, EXO_HOMES_BASE, 1), 1);
	tables_make(0, EXO_HOMES_BASE);
	tables_make(0, 0x400000);
	uint32_t data = frame_new(), free_frame = WORLD_FRAMES / 2 - 1, pt2 = homes[0].pt2, root = current_env()->root;
	CHECK_EQ(op_pte_write(0, 0x400000 | 1, 1, (uint64_t)data << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW, 0, 0), 1);
	uint64_t *pd = pfn_ptr(pt2), *low = pfn_ptr(root);
	uint32_t pt1 = (uint32_t)(pd[0] >> EXO_PAGE_SHIFT & 0xffffffffff);

	for (int l = 4; l > 1; l--)
		low = pa_ptr(low[0x400000ul >> (12 + 9 * (l - 1)) & 511] & EXO_PTE_ADDR);
	right();
	CORRUPT(frames[data].maps, 2, "map count", data);
	CORRUPT(frames[data].maps, 0, "map count", data);
	CORRUPT(frames[data].flags, 0, "writable mark", data);
	CORRUPT(frames[data].type, EXO_FREE, "free", 0);
	CORRUPT(frames[data].owner, WORLD_INDEX_MAX - 1, "owned by nobody", data);
	CORRUPT(frames[pt1].glinks, 2, "link count", pt1);
	CORRUPT(frames[pt1].plinks, 1, "link count", pt1);
	CORRUPT(frames[pt1].flags, frames[pt1].flags | EXO_F_SEALED, "sealed table has a writable link", 0);
	CORRUPT(frames[pt1].base, frames[pt1].base + 1, "away from its base", 0);
	CORRUPT(frames[pt1].type, EXO_PT2, "wrong level", 0);
	CORRUPT(frames[pt2].used, frames[pt2].used + 1, "entries used", pt2);
	CORRUPT(frames[root].used, frames[root].used - 1, "entries used", root);
	CHECK_EQ(frames[free_frame].type, EXO_FREE);
	CORRUPT(frames[free_frame].maps, 1, "free frame is counted", free_frame);
	CORRUPT(homes[0].pt2, pt1, "home means two things", 0);
	CORRUPT(low[1], low[0], "entries used", 0);
	CORRUPT(low[0], low[0] & ~EXO_PTE_RW, "writable mark", data);
	CORRUPT(low[0], (uint64_t)pt1 << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW, "table is writable", 0);
	/* A run at 0x600000. */
	uint32_t run = 2 * EXO_RUN_FRAMES;
	uint64_t *low2 = pfn_ptr(root);
	for (; frames[run].type != EXO_FREE || frames[run + EXO_RUN_FRAMES - 1].type != EXO_FREE; run += EXO_RUN_FRAMES)
		;
	CHECK_EQ(op_frame_claim(run, EXO_RUN_FRAMES, 0, 0), EXO_RUN_FRAMES);
	CHECK_EQ(op_frame_type(run, EXO_RUN_FRAMES, EXO_RUN, 0), EXO_RUN_FRAMES);
	CHECK_EQ(op_pte_write(0, 0x600000 | 2, 1, (uint64_t)run << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW, 0, 0), 1);
	for (int l = 4; l > 2; l--)
		low2 = pa_ptr(low2[0x600000ul >> (12 + 9 * (l - 1)) & 511] & EXO_PTE_ADDR);
	right();
	CORRUPT(frames[run].maps, 2, "map count", run);
	CORRUPT(frames[run].flags, 0, "writable mark", run);
	CORRUPT(frames[run].used, EXO_RUN_FRAMES - 1, "large entry and a run", 0);
	CORRUPT(frames[run].type, EXO_DATA, "large entry and a run", 0);
	CORRUPT(frames[run + 3].type, EXO_DATA, "run has a hole", run);
	CORRUPT(frames[run + 3].owner, 1, "part of no run", run + 3);
	CORRUPT(frames[data].type, EXO_PART, "large entry and a run", 0);
	CORRUPT(low[0], (uint64_t)run << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U, "large entry and a run", 0);
	CORRUPT(low2[3], (uint64_t)data << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_PS, "large entry and a run", 0);
	CORRUPT(info->frames_free, info->frames_free + 1, "number of free frames", 0);
	CORRUPT(envs[1].used[EXO_C_FRAMES], envs[1].used[EXO_C_FRAMES] + 1, "charged to accounts", 0);
	CORRUPT(envs[1].frames, envs[1].frames - 1, "owned by envs", 0);
	world_end();
}

__attribute__((constructor)) static void add(void)
{
	static struct test t = { "core.recount-finds-a-wrong-count", recount_finds_a_wrong_count, NULL };
	test_add(&t);
}
