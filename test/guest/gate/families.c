/* SPDX-License-Identifier: MIT */
/* Tests of what the maker of an account may do, and of what a revocation reaches: disowned frames, slices, indices of dead envs (rules 20, 36, 37). */
#include "gate.h"

#define PAGES 4

static void nothing(uint64_t argument) { (void)argument; }

static void idle(uint64_t argument)
{
	shared[argument] = 1;
	for (;;)
		(void)gate_yield(0, 0);
}

static int until(exo_name name, int i)
{
	for (int n = 0; n < 1000 && !shared[i]; n++)
		(void)gate_yield(name, 0);
	return shared[i] != 0;
}

static exo_name made(int i)
{
	int64_t r = gate_env_make(&actor[i].spec);

	return actor[i].name = r > 0 ? (exo_name)r : 0;
}

/* Lets go of its pages, which stay mapped, and writes on. */
static void keeper(uint64_t argument)
{
	(void)argument;
	for (uint64_t i = 0; i < PAGES; i++)
		if (!page_new(T + i * PAGE, RW | NX))
			return;
	shared[0] = 1;
	while (rt_page()->revoke_count == 0)
		(void)gate_yield(0, 0);
	for (uint64_t i = 0; i < PAGES; i++) {
		shared[1] += (uint64_t)gate_frame_give(PFN(rt_entry(T + i * PAGE, 1)), 1, 0);
		WORD(T + i * PAGE) = i;
	}
	shared[2] = (uint64_t)rt_frame();
	shared[3] = (uint64_t)gate_env_make(&actor[1].spec);
	shared[4] = 1;
	for (;;)
		(void)gate_yield(0, 0);
}

void revoke_disowned(void)
{
	for (int own = 0; own < 2; own++) {
		uint64_t deadline, before;

		for (int i = 0; i < 5; i++)
			shared[i] = 0;
		IS(actor_prepare(0, keeper, 0), 0);
		actor[0].spec.flags = own ? EXO_SPEC_NEW_ACCOUNT : 0;
		actor[0].spec.limit[EXO_C_FRAMES] = 100;
		actor[0].spec.limit[EXO_C_ENVS] = 1;
		CHECK(made(0) && until(actor[0].name, 0));
		deadline = rt_tsc() + rt_ticks(1000000);
		IS(gate_revoke(actor[0].name, EXO_REVOKE_ASK, PAGES, deadline), 0);
		CHECK(until(actor[0].name, 4));
		IS(shared[1], PAGES);
		IS(rt_envs[EXO_NAME_INDEX(actor[0].name)].disowned, PAGES);
		IS((int64_t)shared[2], -EXO_EREVOKED);
		IS((int64_t)shared[3], -EXO_EREVOKED);
		while (rt_tsc() < deadline)
			(void)gate_yield(actor[0].name, 0);
		before = rt_info->frames_free;
		for (uint64_t i = 0; i < PAGES; i++)
			IS(gate_revoke(actor[0].name, EXO_REVOKE_TAKE, T + i * PAGE, 0), 1);
		IS(rt_info->frames_free, before + PAGES);
		IS(rt_envs[EXO_NAME_INDEX(actor[0].name)].disowned, 0);
		IS(gate_revoke(actor[0].name, EXO_REVOKE_TAKE, T, 0), -EXO_EBUSY);
		rt_env_end(actor[0].name);
	}
}

#define LENT 61ul /* a slice */

static void slicer(uint64_t argument)
{
	shared[1] = 1 + (uint64_t)gate_slice_set(LENT, rt_self());
	idle(argument);
}

/* Its whole count of slices is its child's. */
static void slice_taker(uint64_t argument)
{
	(void)argument;
	shared[0] = (uint64_t)actor_prepare(1, slicer, 2);
	actor[1].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[1].spec.limit[EXO_C_FRAMES] = 60;
	actor[1].spec.limit[EXO_C_SLICES] = 1;
	if (made(1) && until(actor[1].name, 2)) {
		shared[3] = (uint64_t)gate_revoke(actor[1].name, EXO_REVOKE_SLICE, LENT, 0);
		shared[4] = rt_slices->env[LENT] == rt_self();
		shared[5] = rt_envs[EXO_NAME_INDEX(actor[1].name)].limit[EXO_C_SLICES];
		shared[6] = rt_envs[ME].limit[EXO_C_SLICES];
		(void)gate_slice_set(LENT, 0);
	}
	idle(7);
}

void revoke_slice_full(void)
{
	IS(gate_slice_set(LENT, 0), 0);
	IS(actor_prepare(0, slice_taker, 0), 0);
	actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[0].spec.limit[EXO_C_FRAMES] = 200;
	actor[0].spec.limit[EXO_C_ENVS] = 1;
	actor[0].spec.limit[EXO_C_SLICES] = 1;
	CHECK(made(0) && until(actor[0].name, 7));
	rt_env_end(actor[0].name);
	rt_env_end(actor[1].name);
	IS(gate_slice_set(LENT, rt_self()), 0);
	IS(shared[0], 0);
	IS(shared[1], 1);
	IS(shared[3], 0);
	IS(shared[4], 1);
	IS(shared[5], 0);
	IS(shared[6], 1);
}

/* Makes envs with accounts of their own, and keeps a page of each mapped when it ends: what is charged to a dead account keeps its index. */
static void recycler(uint64_t most)
{
	for (uint64_t i = 0; i <= most; i++) {
		uint64_t pfn = page_new(T2 + i * PAGE, RW | NX);

		if (actor_prepare(1, nothing, 0) < 0 || !pfn)
			break;
		actor[1].spec.flags = EXO_SPEC_NEW_ACCOUNT;
		actor[1].spec.limit[EXO_C_FRAMES] = 60;
		shared[1] = (uint64_t)gate_env_make(&actor[1].spec);
		if (EXO_IS_ERROR(shared[1]))
			break;
		shared[2] += (uint64_t)gate_frame_give(pfn, 1, (exo_name)shared[1]);
		(void)actor_finish((exo_name)shared[1]);
		shared[0]++;
	}
	shared[3] = rt_envs[ME].used[EXO_C_ENVS];
	(void)rt_unmap(0, T2, most + 1, 1);
	shared[4] = rt_envs[ME].used[EXO_C_ENVS];
	shared[5] = (uint64_t)gate_env_make(&actor[1].spec);
	idle(7);
}

void env_index_charged(void)
{
	IS(actor_prepare(0, recycler, 2), 0);
	actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[0].spec.limit[EXO_C_FRAMES] = 400;
	actor[0].spec.limit[EXO_C_ENVS] = 2;
	CHECK(made(0) && until(actor[0].name, 7));
	IS(shared[0], 2);
	IS(shared[2], 2);
	IS((int64_t)shared[1], -EXO_ENOMEM);
	IS(shared[3], 2);
	IS(shared[4], 0);
	CHECK((int64_t)shared[5] > 0);
	rt_env_end(actor[0].name);
}

/* The first program of a family; it makes the second on the family's account, and that one a third with an account below. */
static void second(uint64_t argument)
{
	(void)argument;
	shared[2] = (uint64_t)gate_env_kill(actor[0].name);
	shared[3] = (uint64_t)gate_env_set(actor[0].name, EXO_SET_LIMIT, EXO_C_FRAMES, 1);
	if (actor_prepare(2, idle, 4) == 0) {
		actor[2].spec.flags = EXO_SPEC_NEW_ACCOUNT;
		actor[2].spec.limit[EXO_C_FRAMES] = 60;
		(void)made(2);
	}
	idle(5);
}

static void first(uint64_t argument)
{
	(void)argument;
	shared[0] = (uint64_t)actor_prepare(1, second, 0);
	shared[1] = made(1) != 0;
	idle(6);
}

#define LIMIT(name) rt_envs[rt_envs[EXO_NAME_INDEX(name)].account].limit[EXO_C_FRAMES]

void account_maker(void)
{
	uint32_t mine = rt_envs[ME].account, limit, given, below;

	IS(actor_prepare(0, first, 0), 0);
	actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[0].spec.limit[EXO_C_FRAMES] = 400;
	actor[0].spec.limit[EXO_C_ENVS] = 4;
	limit = rt_envs[mine].limit[EXO_C_FRAMES];
	CHECK(made(0) && until(actor[0].name, 6));
	CHECK(shared[1] && until(actor[1].name, 5) && actor[2].name);
	REFUSED(shared[2]);
	REFUSED(shared[3]);
	/* Named by one that it did not make itself: counts go to the account and back. */
	given = LIMIT(actor[1].name);
	IS(gate_env_set(actor[1].name, EXO_SET_LIMIT, EXO_C_FRAMES, 7), 0);
	IS(LIMIT(actor[1].name), given + 7);
	IS(gate_env_set(actor[1].name, EXO_SET_LIMIT, EXO_C_FRAMES, (uint64_t)-9), 0);
	IS(LIMIT(actor[1].name), given - 2);
	IS(gate_env_set(actor[1].name, EXO_SET_LIMIT, EXO_C_FRAMES, (uint64_t)-400), -EXO_ENOMEM); /* in use */
	/* An account below it, made by another: likewise. */
	below = LIMIT(actor[2].name);
	IS(gate_env_set(actor[2].name, EXO_SET_LIMIT, EXO_C_FRAMES, 3), 0);
	IS(gate_env_set(actor[2].name, EXO_SET_LIMIT, EXO_C_FRAMES, (uint64_t)-4), 0);
	IS(LIMIT(actor[2].name), below - 1);
	IS(gate_env_set(actor[2].name, EXO_SET_LIMIT, EXO_C_FRAMES, (uint64_t)-60), -EXO_ENOMEM);
	IS(gate_env_set(rt_info->first, EXO_SET_LIMIT, EXO_C_FRAMES, 1), -EXO_EPERM); /* one above */
	/* The env that it was made for is gone; then one that draws on an account below, and the last. */
	rt_env_end(actor[0].name);
	IS(gate_env_set(actor[1].name, EXO_SET_LIMIT, EXO_C_FRAMES, 1), 0);
	IS(LIMIT(actor[1].name), given - 1);
	IS(rt_creator(&rt_envs[EXO_NAME_INDEX(actor[2].name)]), actor[1].name);
	CHECK(gate_env_kill(actor[2].name) != -EXO_EPERM);
	rt_env_end(actor[2].name);
	CHECK(!env_state(actor[2].name));
	rt_env_end(actor[1].name);
	IS(rt_envs[mine].limit[EXO_C_FRAMES], limit);
	/* A child on the caller's own account: that one was made by another. */
	IS(actor_prepare(0, idle, 1), 0);
	CHECK(made(0));
	IS(gate_env_set(actor[0].name, EXO_SET_LIMIT, EXO_C_FRAMES, 1), -EXO_EPERM);
	rt_env_end(actor[0].name);
}

static void maker(uint64_t argument)
{
	(void)argument;
	shared[0] = (uint64_t)actor_prepare(1, idle, 1);
	actor[1].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[1].spec.limit[EXO_C_FRAMES] = 60;
	(void)made(1);
	idle(2);
}

/* When the maker dies its right is its creator's. */
void account_maker_dies(void)
{
	IS(actor_prepare(0, maker, 0), 0);
	CHECK(made(0) && until(actor[0].name, 2) && until(actor[1].name, 1));
	IS(gate_env_set(actor[1].name, EXO_SET_LIMIT, EXO_C_FRAMES, 1), -EXO_EPERM);
	REFUSED(gate_env_kill(actor[1].name));
	rt_env_end(actor[0].name);
	IS(rt_envs[EXO_NAME_INDEX(actor[1].name)].account_maker, ME);
	IS(gate_env_set(actor[1].name, EXO_SET_LIMIT, EXO_C_FRAMES, 1), 0);
	rt_env_end(actor[1].name);
}
