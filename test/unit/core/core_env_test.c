/* SPDX-License-Identifier: MIT */
/* The binding core: arrays of the caller, making envs and ending them. */
#include "world.h"

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
	/* 4 is the child of 3 on an account below the one that 1 made for 3: 1 might end it, 2 may not. */
	world_run(2);
	CHECK_EQ(op_env_kill(world_env(4)->name), -EXO_EPERM);
	world_run(1);
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

/* Names do not run out: a generation past 2^20, where a name of 32 bits would end, and past 2^32. */
TEST(core_names_go_on)
{
	static const uint64_t old[] = { 0xffffd, 0xfffffffd, 0x7fffffffffffd - 100 };

	world_make();
	for (unsigned k = 0; k < 3; k++) {
		exo_name seen[6];
		uint32_t index = EXO_NAME_INDEX(world_child(0));

		CHECK_EQ(op_env_kill(world_env(index)->name), 0);
		env_generation[index] = old[k];
		for (int i = 0; i < 6; i++) {
			int64_t r = world_child(0);

			CHECK(r > 0);
			seen[i] = (exo_name)r;
			CHECK_EQ(EXO_NAME_INDEX(seen[i]), index);
			CHECK_EQ(seen[i] / EXO_ENV_MAX, old[k] + (unsigned)i + 1);
			for (int j = 0; j < i; j++) {
				CHECK(seen[j] != seen[i]);
				CHECK_EQ(op_env_kill(seen[j]), -EXO_ESTALE);
				CHECK_EQ(op_frame_give(frame_new(), 1, seen[j]), -EXO_ESTALE);
			}
			CHECK_EQ(op_env_kill(seen[i]), 0);
			world_check();
		}
	}
	world_end();
}

/* The last generation: that index alone is left out, and no name comes twice. */
TEST(core_last_generation)
{
	uint32_t index;
	int64_t r;

	world_make();
	index = EXO_NAME_INDEX(world_child(0));
	CHECK_EQ(op_env_kill(world_env(index)->name), 0);
	env_generation[index] = INT64_MAX / EXO_ENV_MAX - 1;
	r = world_child(0);
	CHECK(r > 0 && EXO_NAME_INDEX(r) == index);
	CHECK_EQ(op_env_kill((exo_name)r), 0);
	r = world_child(0);
	CHECK(r > 0 && EXO_NAME_INDEX(r) != index);
	CHECK_EQ(op_env_kill((exo_name)r), 0);
	world_check();
	world_end();
}

/* Who let a frame go is known by its whole name: not a later env of that index, whose name is the same in 32 bits. */
TEST(core_left_by_a_whole_name)
{
	uint32_t index, pfn;
	exo_name first;

	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 1), 1);
	mapped_new(HOME);
	world_child_home = HOME;
	first = (exo_name)world_child(0);
	index = EXO_NAME_INDEX(first);
	world_run(index);
	pfn = mapped_new(HOME + 0x1000);
	CHECK_EQ(op_frame_give(pfn, 1, 0), 1);
	CHECK_EQ(frames[pfn].left_by, first);
	CHECK_EQ(envs[index].disowned, 1);
	world_run(1);
	CHECK_EQ(op_env_kill(first), 0);
	env_generation[index] = first / EXO_ENV_MAX + (1ul << 20) - 1;
	CHECK_EQ((uint32_t)world_child(0), (uint32_t)first);
	CHECK_EQ(envs[index].disowned, 0);
	CHECK_EQ(map(HOME + 0x1000, 0), 1);
	CHECK_EQ(envs[index].disowned, 0);
	CHECK_EQ(frames[pfn].type, EXO_FREE);
	world_check();
	world_end();
}
