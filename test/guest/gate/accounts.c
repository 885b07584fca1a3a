/* SPDX-License-Identifier: MIT */
/* Tests of accounts: what a new one is given, what it may not reach, and that all of it comes back (rule 14). */
#include "gate.h"

static void nothing(uint64_t argument) { shared[0] += argument; }

#define MADE(i) ({ int64_t r_ = gate_env_make(&actor[i].spec); actor[i].name = r_ > 0 ? (exo_name)r_ : 0; r_; })

static void actor_make(uint64_t argument)
{
	(void)argument;
	shared[0] = (uint64_t)actor_prepare(1, nothing, 1);
	shared[1] = (uint64_t)gate_env_make(&actor[1].spec);
	shared[2] = (uint64_t)gate_home_set(0, EXO_HOME_CLAIM, H, 1);
	shared[3] = (uint64_t)gate_slice_set(EXO_SLICE_COUNT - 1, rt_self());
	shared[4] = (uint64_t)gate_dev_bind(EXO_DEV_PORTS, 0x2e8, 8);
}

void env_account(void)
{
	uint32_t account = rt_envs[ME].account, before[EXO_C_COUNT];

	for (int c = 0; c < EXO_C_COUNT; c++)
		before[c] = rt_envs[account].limit[c];
	IS(actor_prepare(0, actor_make, 0), 0);
	actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[0].spec.limit[EXO_C_FRAMES] = 60;
	CHECK(MADE(0) > 0);
	IS(rt_envs[EXO_NAME_INDEX(actor[0].name)].account, EXO_NAME_INDEX(actor[0].name));
	IS(rt_envs[EXO_NAME_INDEX(actor[0].name)].limit[EXO_C_FRAMES], 60);
	IS(rt_envs[account].limit[EXO_C_FRAMES], before[EXO_C_FRAMES] - 60);
	IS(gate_env_set(actor[0].name, EXO_SET_LIMIT, EXO_C_FRAMES, 10), 0);
	IS(rt_envs[EXO_NAME_INDEX(actor[0].name)].limit[EXO_C_FRAMES], 70);
	REFUSED(gate_env_set(actor[0].name, EXO_SET_LIMIT, EXO_C_FRAMES, 0xfffffff0));
	REFUSED(gate_env_set(actor[0].name, EXO_SET_LIMIT, EXO_C_COUNT, 1));
	CHECK(actor_finish(actor[0].name));
	IS(shared[0], 0);
	IS(shared[1], -EXO_ENOMEM);
	IS(shared[2], -EXO_ENOMEM);
	REFUSED(shared[3]);
	IS(shared[4], -EXO_EPERM);
	for (int c = 0; c < EXO_C_COUNT; c++)
		IS(rt_envs[account].limit[c], before[c]);
}

void env_account_refused(void)
{
	IS(actor_prepare(0, nothing, 0), 0);
	actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[0].spec.limit[EXO_C_FRAMES] = 3; /* does not cover its own group */
	REFUSED(MADE(0));
	actor[0].spec.limit[EXO_C_FRAMES] = 0xfffffff0;
	REFUSED(MADE(0));
	actor[0].spec.limit[EXO_C_FRAMES] = 60;
	actor[0].spec.limit[EXO_C_HOMES] = 0xfffffff0;
	REFUSED(MADE(0));
	IS(gate_env_set(rt_info->first, EXO_SET_LIMIT, EXO_C_FRAMES, 1), -EXO_EPERM);
}

/* Makes an env with an account below its own, which does the same, and so on; the last one says how deep it is and why no deeper. */
static void nest(uint64_t depth)
{
	struct exo_env_spec spec;
	int64_t r;

	IS(rt_env_prepare(&spec), 0);
	IS(rt_env_home(&spec, (uint64_t)shared, EXO_AT_RW), 0);
	IS(rt_env_pages(&spec, T, 2, RW | NX, 0), 0);
	spec.rip = (uint64_t)nest;
	spec.rsp = T + 2 * PAGE - 8;
	spec.rdi = depth + 1;
	spec.flags = EXO_SPEC_NEW_ACCOUNT;
	spec.limit[EXO_C_ENVS] = 30 - (uint32_t)depth;
	spec.limit[EXO_C_FRAMES] = (30 - (uint32_t)depth) * 40;
	r = gate_env_make(&spec);
	if (r < 0) {
		shared[0] = depth;
		shared[1] = (uint64_t)r;
	}
	for (;;)
		(void)gate_yield(r < 0 ? 0 : (uint64_t)r, 0);
}

void env_account_nested(void)
{
	uint32_t account = rt_envs[ME].account, limit[EXO_C_COUNT], mine;
	exo_name name;

	for (int c = 0; c < EXO_C_COUNT; c++)
		limit[c] = rt_envs[account].limit[c];
	mine = 0;
	for (uint32_t a = account; a; a = rt_envs[a].account_parent)
		mine++;
	IS(actor_prepare(0, nest, 1), 0);
	actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[0].spec.limit[EXO_C_ENVS] = 30;
	actor[0].spec.limit[EXO_C_FRAMES] = 1200;
	CHECK(MADE(0) > 0);
	for (int i = 0; i < 10000 && !shared[0]; i++)
		(void)gate_yield(actor[0].name, 0);
	IS(shared[0], EXO_ACCOUNT_DEPTH - mine);
	IS(shared[1], -EXO_EOVERFLOW);
	/* The eldest first: its child becomes ours, and the accounts stay until the youngest goes, all at once. */
	for (name = actor[0].name; name;) {
		rt_env_end(name);
		name = 0;
		for (uint32_t i = 1; i < EXO_ENV_MAX; i++)
			if (rt_envs[i].name && rt_creator(&rt_envs[i]) == rt_self() && rt_envs[i].account != account)
				name = rt_envs[i].name;
		if (name)
			CHECK(rt_envs[account].limit[EXO_C_FRAMES] < limit[EXO_C_FRAMES]);
	}
	for (int c = 0; c < EXO_C_COUNT; c++)
		IS(rt_envs[account].limit[c], limit[c]);
}

static void spend(uint64_t argument)
{
	(void)argument;
	shared[0] = (uint64_t)rt_tables(0, T, 0, 0);
	for (uint64_t i = 0; i < 8; i++)
		shared[1] += page_new(T + i * PAGE, RW | NX) != 0;
	shared[2] = (uint64_t)gate_home_set(0, EXO_HOME_CLAIM, H, 1);
	shared[3] = home_new(H + EXO_HOME_SIZE) != 0;
}

void account_comes_back(void)
{
	uint32_t account = rt_envs[ME].account, limit[EXO_C_COUNT], used[EXO_C_COUNT];

	for (int round = 0; round < 3; round++) {
		IS(actor_prepare(0, spend, 0), 0);
		for (int c = 0; c < EXO_C_COUNT; c++) {
			limit[c] = rt_envs[account].limit[c];
			used[c] = rt_envs[account].used[c];
		}
		actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
		actor[0].spec.limit[EXO_C_FRAMES] = 80;
		actor[0].spec.limit[EXO_C_HOMES] = 2;
		actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
		CHECK(actor_finish(actor[0].name));
		IS(shared[0], 0);
		IS(shared[2], 1);
		IS(shared[3], 1);
		for (int c = 0; c < EXO_C_COUNT; c++)
			IS(rt_envs[account].limit[c], limit[c]);
		IS(rt_envs[account].used[EXO_C_FRAMES], used[EXO_C_FRAMES] - actor[0].spec.frame_count);
		IS(rt_homes[EXO_HOME_OF(H)].owner, 0);
		IS(rt_homes[EXO_HOME_OF(H)].pt2, 0);
	}
}

static void claim_all(uint64_t most)
{
	int64_t r = 1;

	while (r > 0 && shared[0] < most)
		if ((r = rt_frame()) > 0)
			shared[0]++;
	shared[1] = (uint64_t)r;
}

void frame_claim_limit(void)
{
	IS(actor_prepare(0, claim_all, 1000), 0);
	actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[0].spec.limit[EXO_C_FRAMES] = 50;
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(actor_finish(actor[0].name));
	IS(shared[1], -EXO_ENOMEM);
	CHECK(shared[0] >= 30 && shared[0] <= 50);
}

void frame_charge(void)
{
	uint32_t account = rt_envs[ME].account;
	uint32_t used = rt_envs[account].used[EXO_C_FRAMES], owned = rt_envs[ME].frames;
	uint64_t list[5];

	IS(gate_frame_any(5, list), 5);
	IS(rt_envs[account].used[EXO_C_FRAMES], used + 5);
	IS(rt_envs[ME].frames, owned + 5);
	for (int i = 0; i < 5; i++)
		IS(gate_frame_give(list[i], 1, 0), 1);
	IS(rt_envs[account].used[EXO_C_FRAMES], used);
	IS(rt_envs[ME].frames, owned);
}
