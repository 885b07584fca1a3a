/* SPDX-License-Identifier: MIT */
/* The binding core: links, homes, sealed and live sharing, copies, rule by rule. */
#include "world.h"

TEST(core_links_refuse)
{
	uint32_t pt1, pt2;

	world_make();
	mapped_new(LOW);
	pt1 = table_new(EXO_PT1);
	pt2 = table_new(EXO_PT2);
	CHECK_EQ(op_pt_link(0, 0x600000 | 2, 1, pt2), -EXO_ETYPE);
	CHECK_EQ(op_pt_link(0, LOW | 2, 1, pt1), -EXO_EEXIST);
	CHECK_EQ(op_pt_link(0, 0x601000 | 2, 1, pt1), -EXO_EINVAL);
	CHECK_EQ(op_pt_link(0, 0x600000 | 2, 1, pt1), 1);
	CHECK_EQ(op_pt_link(0, 0x800000 | 2, 1, pt1), -EXO_EBUSY);
	CHECK_EQ(op_pt_link(0, 0x800000 | 2, 1, world_env(3)->root), -EXO_EPERM);
	world_run(3);
	pt2 = table_new(EXO_PT1);
	world_run(1);
	CHECK_EQ(op_pt_link(0, 0x800000 | 2, 1, pt2), -EXO_EPERM);
	CHECK_EQ(op_pte_write(0, LOW | 2, 1, 0, 0, 0), -EXO_EBUSY);
	CHECK_EQ(op_pte_write(0, 0x600000 | 2 | EXO_AT_GIVE, 1, 0, 0, 0), 1);
	CHECK_EQ(frames[pt1].type, EXO_FREE);
	world_check();
	world_end();
}

TEST(core_homes)
{
	world_make();
	CHECK_EQ(op_pt_link(0, HOME | 4, 1, table_new(EXO_PT3)), 1);
	uint32_t pt2 = table_new(EXO_PT2);
	CHECK_EQ(op_pt_link(0, HOME | 3, 1, pt2), -EXO_EPERM);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 3), 3);
	CHECK_EQ(op_pt_link(0, HOME | 3, 1, pt2), 1);
	CHECK_EQ(homes[0].pt2, pt2);
	CHECK_EQ(op_home_set(0, EXO_HOME_RELEASE, HOME, 1), -EXO_EBUSY);
	world_run(3);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 1), -EXO_EBUSY);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME + 3 * EXO_HOME_SIZE, 100), 3);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME + 20 * EXO_HOME_SIZE, 1), -EXO_ENOMEM);
	CHECK_EQ(op_home_set(0, EXO_HOME_RELEASE, HOME + 5 * EXO_HOME_SIZE, 1), 1);
	world_run(1);
	CHECK_EQ(op_home_set(0, EXO_HOME_PRIVATE, HOME, 1), -EXO_EBUSY);
	CHECK_EQ(op_pte_write(0, HOME | 3, 1, 0, 0, 0), 1);
	CHECK_EQ(homes[0].pt2, 0);
	CHECK_EQ(op_home_set(0, EXO_HOME_RELEASE, HOME, 1), 1);
	world_check();
	world_end();
}

TEST(core_live_link)
{
	uint32_t root, pfn;

	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 1), 1);
	pfn = mapped_new(HOME + 0x5000);
	root = table_new(EXO_PT4);
	CHECK_EQ(op_pt_link(root, HOME | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(op_pt_link(root, HOME | 3, 1, table_new(EXO_PT2)), -EXO_EPERM);
	CHECK_EQ(op_pt_link(root, HOME | 3 | EXO_AT_LIVE, 1, 0), 1);
	CHECK_EQ(leaf_seen(root, HOME + 0x5000), leaf(pfn, RO));
	world_check();
	CHECK_EQ(op_pte_write(root, HOME | 3, 1, 0, 0, 0), 1);
	CHECK_EQ(op_pt_link(root, HOME | 3 | EXO_AT_LIVE | EXO_AT_RW | EXO_AT_REMAP, 1, 0), 1);
	CHECK_EQ(leaf_seen(root, HOME + 0x5000), leaf(pfn, RW));
	/* A live table with several links cannot be sealed. */
	uint32_t child = table_new(EXO_PT4);
	CHECK_EQ(op_home_set(child, EXO_HOME_PRIVATE, HOME, 1), 1);
	CHECK_EQ(op_pt_link(child, HOME | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(op_pt_link(child, HOME | 3 | EXO_AT_SEALED, 1, 0), -EXO_EBUSY);
	world_check();
	world_end();
}

/* A home's table that is linked live in private slots only stays live: it has several links, and only the home's owner may rewrite it. */
TEST(core_live_links_hold_the_home)
{
	uint32_t root[2];

	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 1), 1);
	mapped_new(HOME);
	for (int i = 0; i < 2; i++) {
		root[i] = table_new(EXO_PT4);
		CHECK_EQ(op_home_set(root[i], EXO_HOME_PRIVATE, HOME, 1), 1);
		CHECK_EQ(op_pt_link(root[i], HOME | 4, 1, table_new(EXO_PT3)), 1);
		CHECK_EQ(op_pt_link(root[i], HOME | 3 | EXO_AT_LIVE | EXO_AT_RW, 1, 0), 1);
	}
	(void)op_pte_write(0, HOME | 3, 1, 0, 0, 0);
	world_check();
	world_end();
}

TEST(core_fork_copies_nothing)
{
	uint32_t pfn, child;
	uint64_t free_before;

	world_make();
	pfn = mapped_new(LOW);
	free_before = info->frames_free;
	child = fork_root(LOW);
	CHECK_EQ(info->frames_free, free_before - 3);
	CHECK_EQ(leaf_seen(child, LOW), leaf(pfn, RO));
	CHECK_EQ(leaf_seen(world_env(1)->root, LOW), leaf(pfn, RO));
	CHECK_EQ(map(LOW, 0), -EXO_ESEALED);
	CHECK_EQ(op_pte_write(0, LOW | 2 | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0), -EXO_EBUSY);
	world_check();
	world_end();
}

TEST(core_copy_on_write)
{
	uint32_t pfn, child, copy, own;

	world_make();
	pfn = mapped_new(LOW);
	mapped_new(LOW + 0x1000);
	child = fork_root(LOW);
	copy = table_new(EXO_PT1);
	CHECK_EQ(op_pt_copy(child, LOW | 2, copy, 0, 512), 512);
	world_check();
	CHECK_EQ(frames[pfn].maps, 2);
	CHECK_EQ(leaf_seen(child, LOW), leaf(pfn, RO));
	CHECK_EQ(op_pte_write(child, LOW | 1 | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0), -EXO_ESHARED);
	own = frame_new();
	CHECK_EQ(op_pte_write(child, LOW | 1, 1, leaf(own, RW), 0, 0), 1);
	CHECK_EQ(frames[pfn].maps, 1);
	/* The parent is alone with its table and its page now: it takes both back. */
	CHECK_EQ(map(LOW, leaf(own, RO)), -EXO_ESEALED);
	CHECK(op_pte_write(0, LOW | 2 | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0) > 0);
	CHECK(op_pte_write(0, LOW | 1 | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0) > 0);
	CHECK_EQ(leaf_seen(world_env(1)->root, LOW), leaf(pfn, RW));
	CHECK_EQ(op_pte_write(0, (LOW + 0x1000) | 1 | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0), -EXO_ESHARED);
	world_check();
	world_end();
}

/* A link that merely lacks R/W is no sealed one: a copy must not make two of it. */
TEST(core_copy_of_read_only_link)
{
	uint32_t root;

	world_make();
	tables_make(0, EXO_HOME_SIZE);
	CHECK(op_pte_write(0, EXO_HOME_SIZE | 2 | EXO_AT_CHANGE, 1, 0, EXO_PTE_RW, 0) > 0);
	root = table_new(EXO_PT4);
	CHECK_EQ(op_pt_link(root, 0 | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(op_pt_link(root, EXO_HOME_SIZE | 3 | EXO_AT_SEALED, 1, 0), 1);
	(void)op_pt_copy(root, EXO_HOME_SIZE | 3, table_new(EXO_PT2), 0, 512);
	world_check();
	world_end();
}

TEST(core_copy_refuses)
{
	uint32_t child;

	world_make();
	mapped_new(LOW);
	CHECK_EQ(op_pt_copy(0, LOW | 2, table_new(EXO_PT1), 0, 512), -EXO_EINVAL);
	child = fork_root(LOW);
	CHECK_EQ(op_pt_copy(child, LOW | 2, table_new(EXO_PT2), 0, 512), -EXO_ETYPE);
	CHECK_EQ(op_pt_copy(child, LOW | 2, world_env(3)->root, 0, 512), -EXO_EPERM);
	CHECK_EQ(op_pt_copy(child, LOW | 2, table_new(EXO_PT1), 1, 512), -EXO_EINVAL);
	CHECK_EQ(op_pt_copy(child, 0x600000 | 2, table_new(EXO_PT1), 0, 512), -EXO_ENOENT);
	CHECK_EQ(op_pt_copy(child, LOW | 4, table_new(EXO_PT1), 0, 512), -EXO_EINVAL);
	world_check();
	world_end();
}

TEST(core_sealed_only_into_private_slots)
{
	uint32_t root;

	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 1), 1);
	mapped_new(HOME);
	root = table_new(EXO_PT4);
	CHECK_EQ(op_pt_link(root, HOME | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(op_pt_link(root, HOME | 3 | EXO_AT_SEALED, 1, 0), -EXO_EPERM);
	CHECK_EQ(op_pt_link(0, LOW | 2 | EXO_AT_SEALED, 1, 0), -EXO_EPERM);
	world_check();
	world_end();
}

/* A copy that an interrupt cut short may not be finished in a place of another class: its links are counted already. */
TEST(core_copy_cut_short_keeps_its_class)
{
	int64_t done;
	uint32_t built, copy;

	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 1), 1);
	mapped_new(HOME);
	mapped_new(HOME + 0x200000 * 400ul);
	built = table_new(EXO_PT4);
	CHECK_EQ(op_home_set(built, EXO_HOME_PRIVATE, HOME, 1), 1);
	CHECK_EQ(op_pt_link(built, HOME | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(op_pt_link(built, HOME | 3 | EXO_AT_SEALED, 1, 0), 1);
	copy = table_new(EXO_PT2);
	world_interrupts = 1;
	done = op_pt_copy(built, HOME | 3, copy, 0, 512);
	CHECK(done > 0 && done < 300);
	world_interrupts = 0;
	world_check();
	(void)op_pt_copy(0, HOME | 3, copy, (uint64_t)done, 512 - (uint64_t)done);
	world_check();
	world_end();
}

/* A table that is shared, and a copy of its first entries: how many. page: the first frame in it. */
static int64_t half_copy(uint32_t *child, uint32_t *copy, uint32_t *page)
{
	int64_t done;

	world_make();
	*page = mapped_new(LOW);
	for (uint64_t i = 1; i < 300; i++)
		mapped_new(LOW + i * 0x1000);
	*child = fork_root(LOW);
	*copy = table_new(EXO_PT1);
	world_interrupts = 1;
	done = op_pt_copy(*child, LOW | 2, *copy, 0, 512);
	CHECK(done > 0 && done < 300);
	world_interrupts = 0;
	return done;
}

/* Half a copy has content and no link: it is neither given nor made something else before it is done. */
TEST(core_half_a_copy_is_held)
{
	uint32_t child, copy, page;
	int64_t done;

	done = half_copy(&child, &copy, &page);
	CHECK_EQ(op_frame_give(copy, 1, world_env(2)->name), -EXO_EBUSY);
	CHECK_EQ(op_frame_type(copy, 1, EXO_DATA, 0), -EXO_EBUSY);
	world_check();
	CHECK_EQ(op_pt_copy(child, LOW | 2, copy, (uint64_t)done, 512 - (uint64_t)done), 512 - done);
	world_check();
	world_end();
}

/* One that is mapped to be read is let go as well: what stays is an empty table that stands nowhere, until its entry
 * goes. Frames behind it stay: letting half a copy go is a call of its own. */
TEST(core_half_a_copy_that_is_read)
{
	uint32_t child, copy, page;
	const uint64_t at = LOW + EXO_HOME_SIZE + 0x1000;

	(void)half_copy(&child, &copy, &page);
	mapped_new(at - 0x1000); /* tables */
	CHECK_EQ(op_pte_write(0, at | 1, 1, (uint64_t)copy << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_NX, 0, 0), 1);
	CHECK_EQ(op_frame_give(copy, 1, 0), 1);
	CHECK_EQ(frames[copy].maps, 1);
	CHECK_EQ(frames[copy].base, 0);
	world_check();
	CHECK_EQ(op_pte_write(0, at | 1, 1, 0, 0, 0), 1);
	CHECK_EQ(frames[copy].type, EXO_FREE);
	world_check();
	world_end();
}

/* Letting half a copy go empties it, in pieces when interrupts wait, and then frees it; what was copied is as
 * before. */
TEST(core_half_a_copy_is_let_go)
{
	uint32_t child, copy, page;
	int64_t r;
	int pieces = 0;

	(void)half_copy(&child, &copy, &page);
	CHECK_EQ(frames[page].maps, 2);
	world_interrupts = 1;
	while ((r = op_frame_give(copy, 1, 0)) == 0) {
		pieces++;
		world_check();
	}
	CHECK_EQ(r, 1);
	CHECK(pieces > 0);
	CHECK_EQ(frames[copy].type, EXO_FREE);
	CHECK_EQ(frames[page].maps, 1);
	world_interrupts = 0;
	world_check();
	world_end();
}
