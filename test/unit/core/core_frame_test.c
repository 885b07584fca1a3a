/* SPDX-License-Identifier: MIT */
/* The binding core: frames and leaf entries, rule by rule. */
#include "world.h"

/* The search for a free frame goes from above, and passes all that was claimed by number. */
TEST(core_search_passes_what_was_claimed_by_number)
{
	uint64_t *list, left = 0, got;

	world_make();
	list = pfn_ptr(mapped_new(LOW));
	for (uint64_t pfn = WORLD_FRAMES - 384; pfn < WORLD_FRAMES; pfn++) {
		if (frames[pfn].type != EXO_FREE)
			continue;
		if (pfn % 97)
			CHECK_EQ(op_frame_claim(pfn, 1, 0, 0), 1);
		else
			left++;
	}
	CHECK(left > 2);
	for (; left > 0; left--) {
		CHECK_EQ(op_frame_claim(EXO_ANY, 1, LOW, 0), 1);
		got = *list;
		CHECK_EQ(got % 97, 0);
		world_check();
	}
	CHECK_EQ(op_frame_claim(EXO_ANY, 1, LOW, 0), 1);
	CHECK(*list < WORLD_FRAMES - 384);
	world_check();
	world_end();
}

TEST(core_claim_counts)
{
	uint64_t before;

	world_make();
	before = info->frames_free;
	CHECK_EQ(op_frame_claim(100, 5, 0, 0), 5);
	CHECK_EQ(op_frame_claim(98, 5, 0, 0), 2);
	CHECK_EQ(op_frame_claim(100, 1, 0, 0), -EXO_EBUSY);
	CHECK_EQ(op_frame_claim(WORLD_FRAMES - 1, 1, 0, 0), -EXO_EBUSY);
	CHECK_EQ(op_frame_claim(0, 1, 0, 0), -EXO_EBUSY);
	CHECK_EQ(op_frame_claim(WORLD_FRAMES, 1, 0, 0), -EXO_EINVAL);
	CHECK_EQ(op_frame_claim(100, ~0ul, 0, 0), -EXO_EINVAL);
	CHECK_EQ(op_frame_claim(100, 0, 0, 0), -EXO_EINVAL);
	CHECK_EQ(info->frames_free, before - 7);
	world_check();
	world_run(4);
	CHECK_EQ(op_frame_claim(200, 100, 0, 0), 60 - EXO_EF_COUNT - 4);
	CHECK_EQ(op_frame_claim(300, 1, 0, 0), -EXO_ENOMEM);
	world_check();
	world_end();
}

TEST(core_claim_zeroes_for_strangers)
{
	world_make();
	CHECK_EQ(op_frame_claim(100, 1, 0, 0), 1);
	/* The kernel knows what may have been written: only over an entry with R/W. */
	tables_make(0, LOW);
	CHECK_EQ(map(LOW, leaf(100, RW)), 1);
	memset(pfn_ptr(100), 0x55, EXO_PAGE_SIZE);
	CHECK_EQ(map(LOW, 0), 1);
	CHECK_EQ(op_frame_give(100, 1, 0), 1);
	world_run(3);
	CHECK_EQ(op_frame_claim(100, 1, 0, 0), 1);
	for (unsigned i = 0; i < EXO_PAGE_SIZE / 8; i++)
		CHECK_EQ(((uint64_t *)pfn_ptr(100))[i], 0);
	world_end();
}

TEST(core_give)
{
	world_make();
	CHECK_EQ(op_frame_claim(100, 2, 0, 0), 2);
	CHECK_EQ(op_frame_give(100, 1, world_env(4)->name), -EXO_EPERM);
	CHECK_EQ(op_frame_give(100, 1, world_env(3)->name + EXO_ENV_MAX), -EXO_ESTALE);
	CHECK_EQ(op_frame_give(100, 1, world_env(3)->name), 1);
	CHECK_EQ(op_frame_give(100, 1, 0), -EXO_EPERM);
	CHECK_EQ(frames[100].account, 3);
	world_check();
	uint32_t limit = envs[3].limit[EXO_C_FRAMES];
	envs[3].limit[EXO_C_FRAMES] = envs[3].used[EXO_C_FRAMES];
	CHECK_EQ(op_frame_give(101, 1, world_env(3)->name), -EXO_ENOMEM);
	CHECK_EQ(frames[101].owner, 1);
	envs[3].limit[EXO_C_FRAMES] = limit;
	world_run(2);
	CHECK_EQ(op_frame_give(101, 1, 0), -EXO_EPERM);
	world_end();
}

TEST(core_disowned_goes_with_its_entry)
{
	uint32_t pfn;
	uint64_t free_before;

	world_make();
	pfn = mapped_new(LOW);
	free_before = info->frames_free;
	CHECK_EQ(op_frame_give(pfn, 1, 0), 1);
	CHECK(frames[pfn].type == EXO_DATA && !frames[pfn].owner);
	world_check();
	CHECK_EQ(op_frame_claim(pfn, 1, 0, LOW | 1), 1);
	CHECK_EQ(frames[pfn].owner, 1);
	CHECK_EQ(op_frame_give(pfn, 1, 0), 1);
	CHECK_EQ(map(LOW, 0), 1);
	CHECK_EQ(frames[pfn].type, EXO_FREE);
	CHECK_EQ(info->frames_free, free_before + 1);
	world_end();
}

TEST(core_unshared_has_one_writable_entry)
{
	uint32_t pfn;

	world_make();
	pfn = mapped_new(LOW);
	CHECK_EQ(map(LOW + 0x1000, leaf(pfn, RW)), -EXO_ESHARED);
	CHECK_EQ(map(LOW + 0x1000, leaf(pfn, RO)), -EXO_ESHARED);
	CHECK_EQ(op_pte_write(0, LOW | 1 | EXO_AT_CHANGE, 1, 0, EXO_PTE_RW, 0), leaf(pfn, RW));
	CHECK_EQ(map(LOW + 0x1000, leaf(pfn, RO)), 1);
	CHECK_EQ(op_pte_write(0, LOW | 1 | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0), -EXO_ESHARED);
	CHECK_EQ(map(LOW, leaf(pfn, RW)), -EXO_ESHARED);
	CHECK_EQ(op_frame_type(pfn, 1, EXO_DATA, EXO_F_SHARED), -EXO_EBUSY);
	CHECK_EQ(map(LOW, 0), 1);
	CHECK_EQ(op_frame_type(pfn, 1, EXO_DATA, EXO_F_SHARED), 1);
	CHECK_EQ(map(LOW, leaf(pfn, RW)), 1);
	CHECK_EQ(map(LOW + 0x2000, leaf(pfn, RW)), 1);
	world_check();
	world_end();
}

TEST(core_leaf_refuses)
{
	uint32_t pfn;

	world_make();
	pfn = mapped_new(LOW);
	CHECK_EQ(map(0xf000, leaf(pfn, RO)), -EXO_EINVAL);
	CHECK_EQ(map(EXO_WINDOW, leaf(pfn, RO)), -EXO_EINVAL);
	CHECK_EQ(map(KERNEL_DIRECT, leaf(pfn, RO)), -EXO_EINVAL);
	CHECK_EQ(map(LOW, leaf(WORLD_FRAMES, RW)), -EXO_EPERM);
	CHECK_EQ(op_pte_write(0, (LOW + 0x2000) | 1, 2, leaf(WORLD_FRAMES, RW), 0, 0), -EXO_EPERM);
	CHECK_EQ(op_pte_write(0, (LOW + 0x2000) | 1, 2, leaf(1ul << 27, RW), 0, 0), -EXO_EPERM);
	CHECK_EQ(map(LOW, leaf(pfn, EXO_PTE_P | EXO_PTE_RW)), -EXO_EINVAL);
	CHECK_EQ(map(LOW, leaf(pfn, RW | 0x80)), -EXO_EINVAL);
	CHECK_EQ(map(LOW, leaf(pfn, RW | 0x100)), -EXO_EINVAL);
	CHECK_EQ(map(LOW, leaf(pfn, RW | 0x18)), -EXO_EINVAL);
	CHECK_EQ(map(LOW, leaf(pfn, 0)), -EXO_EINVAL);
	CHECK_EQ(map(LOW, leaf(3, RO)), -EXO_ETYPE);
	CHECK_EQ(map(LOW, leaf(500, RO)), -EXO_ETYPE);
	CHECK_EQ(map(LOW, leaf(world_env(1)->root, RW)), -EXO_ETYPE);
	CHECK_EQ(map(LOW, leaf(world_env(3)->root, RO)), -EXO_EPERM);
	CHECK_EQ(map(LOW + EXO_HOME_SIZE, leaf(pfn, RW)), -EXO_ENOENT);
	CHECK_EQ(op_pte_write(world_env(3)->root, LOW | 1, 1, leaf(pfn, RW), 0, 0), -EXO_EPERM);
	world_check();
	world_end();
}

TEST(core_table_is_never_writable)
{
	uint32_t pt1;

	world_make();
	mapped_new(LOW);
	pt1 = table_new(EXO_PT1);
	CHECK_EQ(map(LOW + 0x1000, leaf(pt1, RW)), -EXO_ETYPE);
	CHECK_EQ(map(LOW + 0x1000, leaf(pt1, RO)), 1);
	CHECK_EQ(op_pte_write(0, (LOW + 0x1000) | 1 | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0), -EXO_ETYPE);
	CHECK_EQ(op_frame_type(pt1, 1, EXO_DATA, 0), -EXO_EBUSY);
	world_check();
	world_end();
}

/* Letting go of the view of a table lets go of the table only when it is empty. */
TEST(core_give_by_entry_keeps_content)
{
	uint32_t root;

	world_make();
	mapped_new(LOW);
	root = fork_root(LOW);
	CHECK_EQ(map(LOW + 0x200000, 0), 1);
	CHECK_EQ(op_pt_link(0, 0x600000 | 2, 1, table_new(EXO_PT1)), 1);
	CHECK_EQ(map(0x600000, leaf(root, RO)), 1);
	CHECK_EQ(op_pte_write(0, 0x600000 | 1 | EXO_AT_GIVE, 1, 0, 0, 0), 1);
	CHECK_EQ(frames[root].type, EXO_PT4);
	world_check();
	world_end();
}
