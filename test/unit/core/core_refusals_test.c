/* SPDX-License-Identifier: MIT */
/* The binding core: what env_set, env_make, home_set and revoke refuse, one by one, and that nobody's record changes with it. */
#include "world.h"

static struct exo_env kept[WORLD_INDEX_MAX];

/* The call returns that error, and all public records of envs stay as they are. */
#define REFUSED(call, error) do { memcpy(kept, envs, sizeof kept); CHECK_EQ(call, -(error)); CHECK(!memcmp(kept, envs, sizeof kept)); } while (0)

TEST(core_env_set_refusals)
{
	uint64_t entry[EXO_ENTRY_COUNT] = { 0x1000, 0x2000, 0x3000, 0x4000 };
	struct exo_regs regs = { .rip = 0x1000 };
	uint64_t kin, me;

	world_make();
	kin = world_env(2)->name;
	me = world_env(1)->name;
	REFUSED(op_env_set(kin + EXO_ENV_MAX, EXO_SET_ALARM, 0, 0), EXO_ESTALE);
	for (uint64_t what = EXO_SET_ENTRIES; what <= EXO_SET_DIRECT; what++)
		if (what != EXO_SET_LIMIT) /* of an account below one that it made */
			REFUSED(op_env_set(world_env(4)->name, what, 0, 0), EXO_EPERM);
	static const uint64_t own[] = { EXO_SET_ENTRIES, EXO_SET_ALARM, EXO_SET_OPEN, EXO_SET_FS, EXO_SET_GS, EXO_SET_DIRECT, EXO_SET_MACHINE };
	for (unsigned i = 0; i < sizeof own / sizeof *own; i++)
		REFUSED(op_env_set(kin, own[i], 0, 0), EXO_EPERM);
	REFUSED(op_env_set(me, EXO_SET_LIMIT, 0, 0), EXO_EPERM);
	REFUSED(op_env_set(0, EXO_SET_REGS, WORLD_PAGE, 0), EXO_EPERM);
	REFUSED(op_env_set(0, 99, 0, 0), EXO_EINVAL);
	REFUSED(op_env_set(0, EXO_SET_FS, EXO_USER_END, 0), EXO_EINVAL);
	REFUSED(op_env_set(0, EXO_SET_GS, EXO_USER_END, 0), EXO_EINVAL);
	REFUSED(op_env_set(0, EXO_SET_MACHINE, EXO_MACHINE_OFF, 0), EXO_EPERM);
	world_env(1)->machine = true;
	REFUSED(op_env_set(0, EXO_SET_MACHINE, EXO_MACHINE_RESET + 1, 0), EXO_EINVAL);
	world_env(1)->machine = false;
	REFUSED(op_env_set(0, EXO_SET_ENTRIES, 0x5000000, 0), EXO_EFAULT);
	CHECK_EQ(user_write(WORLD_PAGE, entry, sizeof entry), 0);
	CHECK_EQ(op_env_set(0, EXO_SET_ENTRIES, WORLD_PAGE, 0), 0);
	CHECK_EQ(world_env(1)->entry[2], 0x3000);
	entry[3] = EXO_USER_END;
	CHECK_EQ(user_write(WORLD_PAGE, entry, sizeof entry), 0);
	REFUSED(op_env_set(0, EXO_SET_ENTRIES, WORLD_PAGE, 0), EXO_EINVAL);
	CHECK_EQ(world_env(1)->entry[3], 0x4000);
	CHECK_EQ(op_env_set(0, EXO_SET_OPEN, 5, 0), 0);
	CHECK_EQ(world_env(1)->open_bits, 5);
	CHECK_EQ(op_env_set(0, EXO_SET_ALARM, 77, 0), 0);
	CHECK_EQ(world_env(1)->alarm, 77);
	CHECK_EQ(op_env_set(0, EXO_SET_FS, 0x1000, 0), 0);
	CHECK_EQ(op_env_set(0, EXO_SET_DIRECT, 1, 0), 0);
	CHECK(world_env(1)->direct);

	REFUSED(op_env_set(kin, EXO_SET_REGS, 0x5000000, 0), EXO_EFAULT);
	CHECK_EQ(user_write(WORLD_PAGE, &regs, sizeof regs), 0);
	CHECK_EQ(op_env_set(kin, EXO_SET_REGS, WORLD_PAGE, 0), 0);
	CHECK_EQ(world_env(2)->save->regs.rflags, RFLAGS_IF | RFLAGS_FIX);
	world_env(2)->ran = true;
	REFUSED(op_env_set(kin, EXO_SET_REGS, WORLD_PAGE, 0), EXO_EBUSY);
	world_env(2)->ran = false;
	regs.gs_base = EXO_USER_END;
	CHECK_EQ(user_write(WORLD_PAGE, &regs, sizeof regs), 0);
	REFUSED(op_env_set(kin, EXO_SET_REGS, WORLD_PAGE, 0), EXO_EINVAL);
	world_end();
}

TEST(core_env_make_refusals)
{
	struct exo_env_spec good = { .frame_count = EXO_EF_COUNT, .rip = 0x1000 }, spec;

	world_make();
	for (uint32_t i = 0; i < EXO_EF_COUNT; i++)
		good.frames[i] = i == EXO_EF_ROOT ? table_new(EXO_PT4) : frame_new();
#define WITH(change, error) do { spec = good; change; CHECK_EQ(user_write(WORLD_PAGE, &spec, sizeof spec), 0); REFUSED(op_env_make(WORLD_PAGE), error); \
		for (uint32_t i = 0; i < EXO_EF_COUNT; i++) CHECK_EQ(frames[good.frames[i]].pins, 0); } while (0)
	WITH(spec.frame_count = EXO_EF_COUNT - 1, EXO_EINVAL);
	WITH(spec.frame_count = EXO_SPEC_FRAMES_MAX + 1, EXO_EINVAL);
	WITH(spec.flags = 0x8000, EXO_EINVAL);
	WITH(spec.rip = EXO_USER_END, EXO_EINVAL);
	WITH(spec.entry[1] = EXO_USER_END, EXO_EINVAL);
	WITH(spec.flags = EXO_SPEC_NEW_ACCOUNT, EXO_EINVAL);
	WITH((spec.flags = EXO_SPEC_NEW_ACCOUNT, spec.limit[EXO_C_FRAMES] = UINT32_MAX), EXO_ENOMEM);
	WITH(spec.frames[EXO_EF_EXO] = WORLD_FRAMES, EXO_EINVAL);
	WITH(spec.frames[EXO_EF_EXO] = world_env(3)->root, EXO_EPERM);
	WITH(spec.frames[EXO_EF_EXO] = spec.frames[EXO_EF_SAVE], EXO_EBUSY);
	WITH((spec.frames[EXO_EF_EXO] = spec.frames[EXO_EF_ROOT], spec.frames[EXO_EF_ROOT] = good.frames[EXO_EF_EXO]), EXO_ETYPE);
	REFUSED(op_env_make(0x5000000), EXO_EFAULT);
	for (uint32_t i = 0; i < EXO_EF_COUNT; i++)
		CHECK_EQ(op_frame_give(good.frames[i], 1, 0), 1);
	world_check();
	world_end();
}

TEST(core_home_list)
{
	struct env *me;

	world_make();
	me = world_env(1);
	/* A range that is cut needs another place in the list, which has none left. */
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 6), 6);
	CHECK_EQ(op_home_set(0, EXO_HOME_RELEASE, HOME + EXO_HOME_SIZE, 1), 1);
	CHECK_EQ(me->home_count, 2);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME + EXO_HOME_SIZE, 1), 1);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME, 1), -EXO_EBUSY);
	world_run(2);
	CHECK_EQ(op_home_set(0, EXO_HOME_RELEASE, HOME, 1), -EXO_EPERM);
	world_run(1);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, EXO_WINDOW, 1), -EXO_EINVAL);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME + 4096, 1), -EXO_EINVAL);
	CHECK_EQ(op_home_set(0, EXO_HOME_PRIVATE, HOME, 2), -EXO_EINVAL);
	uint32_t count = me->home_count;
	me->home_count = ENV_HOMES;
	envs[1].limit[EXO_C_HOMES]++; /* the list is what has an end */
	CHECK_EQ(op_home_set(0, EXO_HOME_RELEASE, HOME + 3 * EXO_HOME_SIZE, 1), -EXO_ENOMEM);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, HOME + 9 * EXO_HOME_SIZE, 1), -EXO_ENOMEM);
	envs[1].limit[EXO_C_HOMES]--;
	me->home_count = count;
	CHECK_EQ(op_home_set(0, EXO_HOME_RELEASE, HOME, 6), 6);
	world_end();
}

/* Where the kernel's clock stands still at 0, a deadline of the past cannot be: what is taken by force is tested in the guest. */
TEST(core_revoke)
{
	uint64_t kin;
	struct env *e;
	uint32_t pfn;

	world_make();
	e = world_env(2);
	kin = e->name;
	REFUSED(op_revoke(kin + EXO_ENV_MAX, EXO_REVOKE_ASK, 1, 1), EXO_ESTALE);
	REFUSED(op_revoke(kin, EXO_REVOKE_SLICE + 1, 1, 1), EXO_EINVAL);
	world_run(3);
	REFUSED(op_revoke(kin, EXO_REVOKE_ASK, 1, 1), EXO_EPERM);
	world_run(1);
	REFUSED(op_revoke(kin, EXO_REVOKE_ASK, 0, 1), EXO_EINVAL);
	REFUSED(op_revoke(kin, EXO_REVOKE_ASK, UINT32_MAX, 1), EXO_EINVAL);
	REFUSED(op_revoke(kin, EXO_REVOKE_ASK, 1, 0), EXO_EINVAL);
	REFUSED(op_revoke(kin, EXO_REVOKE_TAKE, LOW, 0), EXO_EBUSY);
	REFUSED(op_revoke(world_env(1)->name, EXO_REVOKE_FRAME, LOW, 0), EXO_EINVAL);
	REFUSED(op_revoke(kin, EXO_REVOKE_FRAME, LOW | 3, 0), EXO_EINVAL);
	REFUSED(op_revoke(kin, EXO_REVOKE_FRAME, LOW, 0), EXO_ENOENT);
	CHECK_EQ(op_revoke(kin, EXO_REVOKE_ASK, 1, 1), 0);
	CHECK(e->exo->pending & EXO_PEND_REVOKE && e->exo->revoke_count == 1);
	REFUSED(op_revoke(kin, EXO_REVOKE_TAKE, LOW, 0), EXO_EBUSY);
	world_run(2);
	REFUSED(op_frame_claim(WORLD_FRAMES - 2, 1, 0, 0), EXO_EREVOKED);
	pfn = (uint32_t)((leaf_seen(e->root, WORLD_PAGE) & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT);
	CHECK_EQ(frames[pfn].owner, 2);
	CHECK_EQ(op_pte_write(0, WORLD_PAGE | 1 | EXO_AT_GIVE, 1, 0, 0, 0), 1);
	CHECK_EQ(op_frame_claim(pfn, 1, 0, 0), 1);
	world_run(1);
	world_end();
}
