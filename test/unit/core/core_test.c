/* SPDX-License-Identifier: MIT */
/* The binding core (kernel: frames, tables, homes, accounts, envs and their end) on the host: its rules one by one, then at random. */
#include "world.h"
#include <sys/wait.h>
#include <unistd.h>

#define RW (EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW)
#define RO (EXO_PTE_P | EXO_PTE_U)
#define LOW 0x400000ul
#define HOME EXO_HOMES_BASE

static uint64_t leaf(uint32_t pfn, uint64_t rights)
{
	return (uint64_t)pfn << EXO_PAGE_SHIFT | rights;
}

static int64_t map(uint64_t va, uint64_t value)
{
	return op_pte_write(0, va | 1, 1, value, 0, 0);
}

static uint32_t mapped_new(uint64_t va)
{
	uint32_t pfn = frame_new();

	tables_make(0, va);
	CHECK_EQ(map(va, leaf(pfn, RW)), 1);
	return pfn;
}

/* A root being built, with the child's tables above the sealed link, and the PT1 of va linked into it. */
static uint32_t fork_root(uint64_t va)
{
	uint32_t root = table_new(EXO_PT4);

	if (va >= EXO_HOMES_BASE)
		CHECK_EQ(op_home_set(root, EXO_HOME_PRIVATE, va & ~(EXO_SLOT_SIZE - 1), 1), 1);
	CHECK_EQ(op_pt_link(root, (va & ~(EXO_SLOT_SIZE - 1)) | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(op_pt_link(root, (va & ~(EXO_HOME_SIZE - 1)) | 3, 1, table_new(EXO_PT2)), 1);
	CHECK_EQ(op_pt_link(root, (va & ~0x1ffffful) | 2 | EXO_AT_SEALED, 1, 0), 1);
	return root;
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
	memset(pfn_ptr(100), 0x55, EXO_PAGE_SIZE);
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
	CHECK_EQ(map(LOW, leaf(WORLD_FRAMES, RW)), -EXO_EINVAL);
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
	CHECK_EQ(op_pt_copy(built, HOME | 3, copy, 0, 512), 128);
	world_interrupts = 0;
	world_check();
	(void)op_pt_copy(0, HOME | 3, copy, 128, 384);
	world_check();
	world_end();
}

TEST(core_user_arrays)
{
	uint64_t words[4] = { 1, 2, 3, 4 }, back[4];
	uint32_t pfn;

	world_make();
	pfn = mapped_new(LOW);
	mapped_new(LOW + 0x1000);
	CHECK_EQ(user_write(LOW + 0xff0, words, 32), 0);
	CHECK_EQ(user_read(back, LOW + 0xff0, 32), 0);
	CHECK(!memcmp(words, back, 32));
	CHECK_EQ(((uint64_t *)pfn_ptr(pfn))[510], 1);
	CHECK_EQ(user_read(back, LOW + 0x1ff0, 32), -EXO_EFAULT);
	CHECK_EQ(user_read(back, LOW + 4, 8), -EXO_EFAULT);
	CHECK_EQ(user_read(back, KERNEL_DIRECT, 8), -EXO_EFAULT);
	CHECK_EQ(user_read(back, ~7ul, 8), -EXO_EFAULT);
	CHECK_EQ(map(LOW, leaf(pfn, RO)), 1);
	CHECK_EQ(user_write(LOW, words, 8), -EXO_EFAULT);
	world_end();
}

TEST(core_list_claim)
{
	world_make();
	mapped_new(LOW);
	CHECK_EQ(op_frame_claim(EXO_ANY, 8, LOW + 8, 0), 8);
	for (int i = 1; i <= 8; i++)
		CHECK_EQ(frames[((uint64_t *)pa_ptr(leaf_seen(world_env(1)->root, LOW) & EXO_PTE_ADDR))[i]].owner, 1);
	CHECK_EQ(op_frame_claim(EXO_ANY, 8, LOW + 0x3000, 0), -EXO_EFAULT);
	CHECK_EQ(op_frame_claim(EXO_ANY, 8, LOW + 0xfe0, 0), 4);
	world_check();
	world_end();
}

TEST(core_kill_moves_children)
{
	world_make();
	CHECK_EQ(op_env_kill(world_env(4)->name), -EXO_EPERM);
	CHECK_EQ(op_env_kill(world_env(3)->name), 0);
	CHECK(!world_env(3) && world_env(4)->creator == world_env(1));
	world_check();
	CHECK_EQ(op_env_kill(world_env(4)->name), 0);
	CHECK_EQ(world_env(1)->exo->ended_count, 2);
	world_check();
	world_end();
}

/* A root that somebody still reads is not handed out again. */
TEST(core_dead_root_stays_while_mapped)
{
	uint32_t child, root;

	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 1), 1);
	mapped_new(HOME);
	world_child_home = HOME;
	child = EXO_NAME_INDEX(world_child(0));
	world_run(child);
	root = current_env()->root;
	CHECK_EQ(map(HOME + 0x1000, leaf(root, RO)), 1);
	world_run(1);
	CHECK_EQ(op_env_kill(world_env(child)->name), 0);
	CHECK_EQ(leaf_seen(world_env(1)->root, HOME + 0x1000), leaf(root, RO));
	world_check();
	CHECK_EQ(op_frame_claim(root, 1, 0, 0), -EXO_EBUSY);
	CHECK_EQ(map(HOME + 0x1000, 0), 1);
	CHECK_EQ(frames[root].type, EXO_FREE);
	world_check();
	world_end();
}

/* A table that its dead owner only read: nothing holds it any more. */
TEST(core_dead_owners_mapped_table_is_freed)
{
	world_make();
	world_run(3);
	mapped_new(LOW);
	CHECK_EQ(map(LOW + 0x1000, leaf(table_new(EXO_PT1), RO)), 1);
	world_run(1);
	CHECK_EQ(op_env_kill(world_env(3)->name), 0);
	world_check();
	world_end();
}

/* A frame named twice is handed over once: the account must not come out ahead. */
TEST(core_env_make_counts_frames_once)
{
	struct exo_env_spec spec = { .frame_count = EXO_SPEC_FRAMES_MAX, .rip = 0x1000, .flags = EXO_SPEC_NEW_ACCOUNT };
	uint32_t extra;

	world_make();
	for (uint32_t i = 0; i < EXO_EF_COUNT; i++)
		spec.frames[i] = i == EXO_EF_ROOT ? table_new(EXO_PT4) : frame_new();
	extra = frame_new();
	for (uint32_t i = EXO_EF_COUNT; i < spec.frame_count; i++)
		spec.frames[i] = extra;
	/* All that is left but what the spec names. */
	spec.limit[EXO_C_FRAMES] = envs[1].limit[EXO_C_FRAMES] - envs[1].used[EXO_C_FRAMES] + EXO_SPEC_FRAMES_MAX;
	CHECK_EQ(user_write(WORLD_PAGE, &spec, sizeof spec), 0);
	(void)op_env_make(WORLD_PAGE);
	world_check();
	world_end();
}

/* ---- at random */

static const uint64_t places[] = {
	LOW, LOW + 0x1000, LOW + 0x2000, LOW + 0x1ff000, 0x600000, EXO_HOME_SIZE, HOME, HOME + 0x1000, HOME + 0x200000, HOME + EXO_HOME_SIZE, HOME + 2 * EXO_HOME_SIZE,
	2 * EXO_SLOT_SIZE, 2 * EXO_SLOT_SIZE + 0x1000, 2 * EXO_SLOT_SIZE + 0x200000, 3 * EXO_SLOT_SIZE, 0, 0x8000, EXO_WINDOW - 0x1000, EXO_WINDOW, KERNEL_DIRECT,
};

static uint64_t any_va(void)
{
	uint64_t n = random_below(20);

	/* Mostly the first few: so that things meet. */
	return places[n < 3 ? random_below(sizeof places / sizeof *places) : random_below(14)];
}

static uint64_t any_at(int level, uint64_t flags)
{
	uint64_t va = any_va();

	if (random_below(30) && level >= 1 && level <= 4)
		va &= ~((1ul << (12 + 9 * (level - 1))) - 1);
	return va | (unsigned)level | flags;
}

/* Mostly a frame of the caller's, of that type when there is one. */
static uint64_t any_frame(int type)
{
	uint32_t found = 0, seen = 0;

	if (random_below(12) == 0)
		return random_below(WORLD_FRAMES + 2);
	for (uint32_t pfn = current_env()->chain; pfn && seen < 40; pfn = frames[pfn].next)
		if (!type || frames[pfn].type == type)
			if (random_below(++seen) == 0)
				found = pfn;
	return found;
}

static struct env *any_env(void)
{
	unsigned from = (unsigned)random_below(WORLD_INDEX_MAX);

	for (unsigned i = 0; i < WORLD_INDEX_MAX; i++)
		if (world_env((from + i) % WORLD_INDEX_MAX))
			return world_env((from + i) % WORLD_INDEX_MAX);
	test_fail("no env is left");
}

static uint64_t any_root(void)
{
	uint64_t n = random_below(8);

	return n < 4 ? 0 : n < 7 ? any_frame(EXO_PT4) : any_env()->root;
}

/* The entry of va at that level in a root (0 = the caller's); NULL when no table is there. */
static uint64_t *entry_of(uint64_t root, uint64_t va, int level)
{
	uint64_t *table = pfn_ptr(root ? root : current_env()->root);

	if (root >= WORLD_FRAMES || (root && frames[root].type != EXO_PT4) || va >= EXO_WINDOW)
		return NULL;
	for (int l = 4;; l--) {
		uint64_t *e = &table[va >> (12 + 9 * (l - 1)) & 511];

		if (l == level)
			return e;
		if (!(*e & EXO_PTE_P))
			return NULL;
		table = pa_ptr(*e & EXO_PTE_ADDR);
	}
}

enum want { REACHED, ABSENT, PRESENT, SEALABLE, LINKABLE, SHARED };

static bool is_wanted_entry(uint64_t root, uint64_t va, int level, enum want want)
{
	const uint64_t *e = entry_of(root, va, level), *own;

	if (!e)
		return false;
	bool present = *e & EXO_PTE_P;
	switch (want) {
	case REACHED:
		return true;
	case ABSENT:
		return !present;
	case PRESENT:
		return present;
	case SHARED:
		return present && table_links(&frames[*e >> EXO_PAGE_SHIFT & 0xffffffffff]) > 1;
	case SEALABLE: case LINKABLE:
		own = entry_of(0, va, level);
		return !present && own && *own & EXO_PTE_P && (want == LINKABLE || root);
	}
	return false;
}

/* A root and an `at` that promise to get past the first checks: mostly. */
static uint64_t place_root;
static uint64_t place(int level, uint64_t flags, enum want want)
{
	uint64_t at;

	for (int tries = 0; tries < 40; tries++) {
		place_root = any_root();
		at = any_at(level, flags);
		if (is_wanted_entry(place_root, at & ~(EXO_PAGE_SIZE - 1), level, want))
			break;
	}
	return at;
}

static uint64_t any_leaf(void)
{
	static const uint64_t rights[] = { RW, RW, RW, RO, RO, RW | EXO_PTE_NX, RW | EXO_PTE_A | EXO_PTE_D, 0, RW | 0x80, EXO_PTE_AVAIL };
	uint64_t r = rights[random_below(10)];

	return r & EXO_PTE_P ? any_frame(random_below(10) ? EXO_DATA : 0) << EXO_PAGE_SHIFT | r : r;
}

static uint64_t any_count(void)
{
	return random_below(10) ? 1 : random_below(700);
}

static int64_t random_op(void)
{
	static const uint64_t change[] = { EXO_PTE_RW, EXO_PTE_RW, EXO_PTE_A | EXO_PTE_D, EXO_PTE_NX, 0, EXO_PTE_RW | EXO_PTE_A, EXO_PTE_P };
	int level = 1 + (int)random_below(4);
	uint64_t give = random_below(3) ? 0 : EXO_AT_GIVE, pfn, at, proof, *entry;

	switch (random_below(20)) {
	case 0: case 1:
		return op_frame_claim(random_below(WORLD_FRAMES), 1 + random_below(3), 0, 0);
	case 2:
		return op_frame_claim(EXO_ANY, 1 + random_below(4), any_va() + random_below(512) * 8, 0);
	case 3:
		return op_frame_claim(random_below(2) ? random_below(WORLD_FRAMES) : any_frame(0), 1, 0, any_at(level, 0));
	case 4:
		return op_frame_give(any_frame(0), 1, random_below(3) ? 0 : any_env()->name);
	case 5: case 6:
		return op_frame_type(any_frame(random_below(2) ? EXO_DATA : 0), 1, EXO_DATA + random_below(5), random_below(4) ? 0 : EXO_F_SHARED);
	case 7: case 8:
		at = place(1, give, random_below(2) ? REACHED : ABSENT);
		return op_pte_write(place_root, at, 1, any_leaf(), 0, random_below(3) ? 0 : any_va());
	case 9:
		/* Another's frame, by a proof that may hold. */
		proof = place(1, 0, PRESENT) & ~(EXO_PAGE_SIZE - 1);
		entry = entry_of(0, proof, 1);
		at = place(1, give, ABSENT);
		return op_pte_write(place_root, at, 1, entry ? *entry & (EXO_PTE_ADDR | RW) : any_leaf(), 0, proof);
	case 10:
		at = place(1, give | (random_below(2) ? EXO_AT_STEP : EXO_AT_LIST), REACHED);
		return op_pte_write(place_root, at, any_count(), random_below(2) ? any_leaf() : any_va(), 0, random_below(2) ? 0 : any_va());
	case 11:
		at = place(1, give, PRESENT);
		return op_pte_write(place_root, at, any_count(), 0, 0, 0);
	case 12:
		at = place(level, EXO_AT_CHANGE, PRESENT);
		return op_pte_write(place_root, at, any_count(), random_next(), change[random_below(7)], 0);
	case 13:
		at = place(level, give, PRESENT);
		return op_pte_write(place_root, at, any_count(), 0, 0, 0);
	case 14:
		level = 2 + (int)random_below(3);
		pfn = random_below(3) ? table_new(EXO_PT1 + level - 2) : any_frame(EXO_PT1 + level - 2);
		at = place(level, 0, ABSENT);
		return op_pt_link(place_root, at, 1, pfn);
	case 15: case 16:
		at = place(2 + (int)random_below(2), EXO_AT_SEALED, SEALABLE);
		return op_pt_link(place_root, at, any_count(), 0);
	case 17:
		at = place(3, EXO_AT_LIVE | (random_below(2) ? EXO_AT_RW : 0) | (random_below(2) ? EXO_AT_REMAP : 0), LINKABLE);
		return op_pt_link(place_root, at, any_count(), 0);
	case 18:
		level = 2 + (int)random_below(2);
		pfn = random_below(3) ? table_new(EXO_PT1 + level - 2) : any_frame(EXO_PT1 + level - 2);
		at = place(level, give, SHARED);
		return op_pt_copy(place_root, at, pfn, random_below(3) ? 0 : random_below(520), random_below(3) ? 512 : random_below(520));
	default:
		return op_home_set(any_root(), random_below(4), any_va() & ~(EXO_HOME_SIZE - 1), 1 + random_below(3));
	}
}

/* table_new fails a test when memory is out: what cannot succeed is not tried. */
static bool memory_is_short(uint64_t need)
{
	const struct exo_env *a = &envs[envs[current_env()->index].account];

	return info->frames_free < need || a->used[EXO_C_FRAMES] + need > a->limit[EXO_C_FRAMES];
}

static int64_t random_env_op(void)
{
	struct env *e = any_env();

	switch (random_below(6)) {
	case 0: case 1:
		return memory_is_short(20) ? -1 : world_child(random_below(2) ? 0 : 20 + (uint32_t)random_below(100));
	case 2:
		return e == first_env() ? -1 : op_env_kill(e->name);
	case 3:
		return op_env_set(e->name, EXO_SET_LIMIT, random_below(6), random_below(40));
	default:
		/* Pushes what is dying already. */
		return envs[e->index].state == EXO_S_DYING ? op_env_kill(e->name) : -1;
	}
}

/* So that random ops find something to work on. */
static void random_setup(void)
{
	for (unsigned i = 1; i <= WORLD_ENVS; i++) {
		world_run(i);
		if (op_home_set(0, EXO_HOME_CLAIM, HOME + (i - 1) * EXO_HOME_SIZE, 1) == 1)
			mapped_new(HOME + (i - 1) * EXO_HOME_SIZE);
		mapped_new(LOW);
		if (i == 4)
			break;
		tables_make(0, 0x600000);
		op_home_set(0, EXO_HOME_PRIVATE, 2 * EXO_SLOT_SIZE, 1);
		mapped_new(2 * EXO_SLOT_SIZE);
		for (int k = 0; k < 2; k++) {
			uint32_t root = table_new(EXO_PT4);

			op_home_set(root, EXO_HOME_PRIVATE, HOME, 1);
			op_home_set(root, EXO_HOME_PRIVATE, 2 * EXO_SLOT_SIZE, 1);
			op_pt_link(root, 0 | 4, 1, table_new(EXO_PT3));
			op_pt_link(root, HOME | 4, 1, table_new(EXO_PT3));
			op_pt_link(root, (2 * EXO_SLOT_SIZE) | 4, 1, table_new(EXO_PT3));
			if (k) {
				op_pt_link(root, 0 | 3, 1, table_new(EXO_PT2));
				op_pt_link(root, HOME | 3, 1, table_new(EXO_PT2));
			}
		}
	}
}

static void random_round(int ops, unsigned interrupts)
{
	world_make();
	random_setup();
	world_check();
	for (int i = 0; i < ops; i++) {
		world_interrupts = interrupts;
		if (random_below(4) == 0 || envs[current_env()->index].state != EXO_S_READY) {
			world_run(any_env()->index);
			if (envs[current_env()->index].state != EXO_S_READY)
				world_run(1);
		}
		if (memory_is_short(4)) {
			for (int k = 0; k < 10; k++)
				op_frame_give(any_frame(0), 1, 0);
			world_run(1);
			if (memory_is_short(4))
				break;
		}
		(void)(random_below(40) ? random_op() : random_env_op());
		if (i % 8 == 0 || ops < 500)
			world_check();
	}
	world_check();
	world_end();
}

/* A process for each round: the kernel's static data begin anew. UNIT_ROUND names one to be run alone, for the debugger. */
static void random_rounds(uint64_t seed, int rounds, int ops, unsigned interrupts)
{
	const char *only = getenv("UNIT_ROUND");

	for (int round = only ? atoi(only) : 0; round < rounds; round++) {
		pid_t child = only ? 0 : fork();
		int status;

		if (!child) {
			random_seed(seed * 1000 + (uint64_t)round);
			random_round(ops, interrupts);
			_exit(0);
		}
		waitpid(child, &status, 0);
		if (status)
			test_fail(" (round %d, status 0x%x)", round, status);
	}
}

TEST(core_random_ops)
{
	random_rounds(7, 40, 400, 0);
}

TEST(core_random_ops_interrupted)
{
	random_rounds(8, 40, 400, 3);
}

TEST(core_random_ops_long)
{
	random_rounds(9, 4, 5000, 20);
}
