/* SPDX-License-Identifier: MIT */
/* The binding core: every counter refuses at its maximum, and a refused op leaves its frames as they were (rules 34, 35). Counters are preset: to count that far takes 65,536
 * tables, or 4 G entries. */
#include "world.h"

static struct exo_frame_rec kept;

/* The op is refused with EOVERFLOW, and the frame's record stays as it is. */
#define FULL(pfn, call) do { kept = frames[pfn]; CHECK_EQ(call, -EXO_EOVERFLOW); CHECK(!memcmp(&kept, &frames[pfn], sizeof kept)); } while (0)

static uint32_t child_of(uint32_t table, uint64_t va, int level) { return (uint32_t)((((uint64_t *)pfn_ptr(table))[va >> (12 + 9 * (level - 1)) & 511] & EXO_PTE_ADDR) >> 12); }

/* The table that the caller's root has at that level for va. */
static uint32_t table_at(uint64_t va, int level)
{
	uint32_t pfn = current_env()->root;

	for (int l = 4; l > level; l--)
		pfn = child_of(pfn, va, l);
	return pfn;
}

/* A root being built with tables of its own down to the level above the entry of va. */
static uint32_t root_with(uint64_t va, int level, bool private)
{
	uint32_t root = table_new(EXO_PT4);

	if (private && va >= EXO_HOMES_BASE)
		CHECK_EQ(op_home_set(root, EXO_HOME_PRIVATE, va & -EXO_SLOT_SIZE, 1), 1);
	CHECK_EQ(op_pt_link(root, (va & -EXO_SLOT_SIZE) | 4, 1, table_new(EXO_PT3)), 1);
	if (level < 3)
		CHECK_EQ(op_pt_link(root, (va & -EXO_HOME_SIZE) | 3, 1, table_new(EXO_PT2)), 1);
	return root;
}

TEST(core_sealed_links_refuse_at_the_maximum)
{
	uint32_t root, pt1;

	world_make();
	mapped_new(LOW);
	pt1 = table_at(LOW, 1);
	root = root_with(LOW, 2, true);
	frames[pt1].plinks = LINKS_MAX;
	frames[pt1].flags |= EXO_F_SEALED;
	FULL(pt1, op_pt_link(root, LOW | 2 | EXO_AT_SEALED, 1, 0));
	frames[pt1].plinks = LINKS_MAX - 1;
	CHECK_EQ(op_pt_link(root, LOW | 2 | EXO_AT_SEALED, 1, 0), 1);
	CHECK_EQ(frames[pt1].plinks, LINKS_MAX);
}

/* The same in the other class: the sealed link stands in a home's table that a private slot has live. */
TEST(core_sealed_links_in_homes_refuse_at_the_maximum)
{
	uint32_t root, pt1;

	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 1), 1);
	mapped_new(HOME);
	pt1 = table_at(HOME, 1);
	root = root_with(HOME, 2, true);
	frames[child_of(child_of(root, HOME, 4), HOME, 3)].flags |= FRAME_GLOBAL;
	frames[pt1].glinks = LINKS_MAX;
	frames[pt1].flags |= EXO_F_SEALED;
	FULL(pt1, op_pt_link(root, HOME | 2 | EXO_AT_SEALED, 1, 0));
}

TEST(core_live_links_refuse_at_the_maximum)
{
	uint32_t pt2;

	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 1), 1);
	mapped_new(HOME);
	pt2 = table_at(HOME, 2);
	frames[pt2].glinks = LINKS_MAX;
	FULL(pt2, op_pt_link(root_with(HOME, 3, false), HOME | 3 | EXO_AT_LIVE, 1, 0));
	frames[pt2].plinks = LINKS_MAX;
	frames[pt2].glinks = 1;
	FULL(pt2, op_pt_link(root_with(HOME, 3, true), HOME | 3 | EXO_AT_LIVE, 1, 0));
}

TEST(core_copies_refuse_at_the_maximum)
{
	uint32_t child, pfn, pt1, copy;

	world_make();
	pfn = mapped_new(LOW);
	child = fork_root(LOW);
	copy = table_new(EXO_PT1);
	frames[pfn].maps = MAPS_MAX;
	FULL(pfn, op_pt_copy(child, LOW | 2, copy, 0, 512));
	FULL(copy, op_pt_copy(child, LOW | 2, copy, 0, 512));
	frames[pfn].maps = 1;

	child = table_new(EXO_PT4);
	CHECK_EQ(op_pt_link(child, 0 | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(op_pt_link(child, 0 | 3 | EXO_AT_SEALED, 1, 0), 1);
	pt1 = table_at(LOW, 1);
	copy = table_new(EXO_PT2);
	frames[pt1].plinks = LINKS_MAX;
	/* Whatever comes before it in the table is copied: its own entry is not. */
	FULL(pt1, op_pt_copy(child, 0 | 3, copy, LOW >> 21, 1));
	FULL(copy, op_pt_copy(child, 0 | 3, copy, LOW >> 21, 1));
}

TEST(core_entries_refuse_at_the_maximum)
{
	uint32_t pfn, device = WORLD_FRAMES + 7;

	world_make();
	pfn = mapped_new(LOW);
	CHECK_EQ(map(LOW, leaf(pfn, RO)), 1);
	frames[pfn].maps = MAPS_MAX;
	FULL(pfn, map(LOW + 0x1000, leaf(pfn, RO)));
	world_device = (struct dev_frames){ .first = device, .count = 1, .maps = MAPS_MAX, .owner = 1 };
	CHECK_EQ(map(LOW + 0x1000, leaf(device, RO)), -EXO_EOVERFLOW);
	CHECK_EQ(world_device.maps, MAPS_MAX);
}

TEST(core_limits_refuse_at_the_maximum)
{
	world_make();
	envs[3].limit[EXO_C_HOMES] = UINT32_MAX;
	CHECK_EQ(op_env_set(world_env(3)->name, EXO_SET_LIMIT, EXO_C_HOMES, 1), -EXO_EOVERFLOW);
	CHECK_EQ(envs[3].limit[EXO_C_HOMES], UINT32_MAX);
	/* Nor does more go than is not in use, either way. */
	envs[3].limit[EXO_C_HOMES] = 0;
	struct exo_env *mine = &envs[world_env(1)->public->account];
	uint32_t spare = mine->limit[EXO_C_HOMES] - mine->used[EXO_C_HOMES];
	CHECK_EQ(op_env_set(world_env(3)->name, EXO_SET_LIMIT, EXO_C_HOMES, spare + 1ul), -EXO_ENOMEM);
	CHECK_EQ(op_env_set(world_env(3)->name, EXO_SET_LIMIT, EXO_C_HOMES, spare), 0);
	CHECK_EQ(envs[3].limit[EXO_C_HOMES], spare);
}

/* A copy that is refused at its first entry gives the table that it was to be in neither base nor class: else its links would count as what they are not. */
TEST(core_refused_copy_leaves_the_table)
{
	uint32_t built, copy;

	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 1), 1);
	mapped_new(HOME);
	/* Merely read-only: not to be copied. */
	CHECK(op_pte_write(0, HOME | 2 | EXO_AT_CHANGE, 1, 0, EXO_PTE_RW, 0) > 0);
	built = root_with(HOME, 3, true);
	CHECK_EQ(op_pt_link(built, HOME | 3 | EXO_AT_SEALED, 1, 0), 1);
	copy = table_new(EXO_PT2);
	kept = frames[copy];
	CHECK_EQ(op_pt_copy(0, HOME | 3, copy, 0, 512), -EXO_EPERM);
	CHECK(!memcmp(&kept, &frames[copy], sizeof kept));
	/* Nor does one that an interrupt cut short before it had copied anything. */
	world_interrupts = 1;
	CHECK(op_pt_copy(0, HOME | 3, copy, 64, 448) < 448);
	world_interrupts = 0;
	CHECK(!memcmp(&kept, &frames[copy], sizeof kept));
	world_check();
	world_end();
}
