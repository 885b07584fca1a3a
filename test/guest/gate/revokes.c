/* SPDX-License-Identifier: MIT */
/* Tests of visible revocation: asked for, refused new frames, taken after the deadline, recorded (rule 19). */
#include "gate.h"

#define PAGES 4

static void holder(uint64_t give_back)
{
	for (uint64_t i = 0; i < PAGES; i++)
		if (!page_new(T + i * PAGE, RW | NX))
			return;
	shared[0] = 1;
	while (rt_page()->revoke_count == 0)
		(void)gate_yield(0, 0);
	shared[1] = (uint64_t)rt_frame(); /* refused: it owes */
	if (give_back)
		shared[2] = (uint64_t)rt_unmap(0, T, rt_page()->revoke_count, 1);
	shared[3] = (uint64_t)rt_frame();
	shared[4] = 1;
	for (;;) {
		shared[5] = rt_page()->repossessed;
		shared[6] = rt_page()->repossession[0].va;
		shared[7] = rt_page()->repossession[0].pfn;
		(void)gate_yield(0, 0);
	}
}

static int until(exo_name name, int i)
{
	for (int n = 0; n < 1000 && !shared[i]; n++)
		(void)gate_yield(name, 0);
	return shared[i] != 0;
}

void revoke_returned(void)
{
	exo_name name = actor_start(0, holder, 1);

	CHECK(name && until(name, 0));
	IS(gate_revoke(name, EXO_REVOKE_ASK, 2, rt_tsc() + rt_ticks(1000000000)), 0);
	CHECK(until(name, 4));
	IS(shared[1], -EXO_EREVOKED);
	IS(shared[2], 0);
	CHECK((int64_t)shared[3] > 0);
	IS(gate_revoke(name, EXO_REVOKE_TAKE, T + 3 * PAGE, 0), -EXO_EBUSY); /* nothing is owed any more */
	rt_env_end(name);
}

void revoke_taken(void)
{
	exo_name name = actor_start(0, holder, 0);
	uint64_t deadline;

	CHECK(name && until(name, 0));
	deadline = rt_tsc() + rt_ticks(20000000);
	IS(gate_revoke(name, EXO_REVOKE_ASK, 1, deadline), 0);
	if (rt_tsc() + rt_ticks(1000000) < deadline)
		IS(gate_revoke(name, EXO_REVOKE_TAKE, T, 0), -EXO_EBUSY);
	CHECK(until(name, 4));
	IS(shared[1], -EXO_EREVOKED);
	IS(shared[3], -EXO_EREVOKED);
	while (rt_tsc() < deadline)
		(void)gate_yield(name, 0);
	IS(gate_revoke(name, EXO_REVOKE_TAKE, T + 9 * PAGE, 0), -EXO_ENOENT);
	IS(gate_revoke(name, EXO_REVOKE_TAKE, T, 0), 1);
	IS(gate_revoke(name, EXO_REVOKE_TAKE, T + PAGE, 0), -EXO_EBUSY); /* one was asked for, one was taken */
	CHECK(until(name, 5));
	IS(shared[5], 1);
	IS(shared[6], T);
	IS(FRAME(shared[7]).type, EXO_FREE);
	rt_env_end(name);
}

static void revoke_others(uint64_t argument)
{
	(void)argument;
	shared[0] = (uint64_t)gate_revoke(rt_info->first, EXO_REVOKE_ASK, 1, rt_tsc());
	shared[1] = (uint64_t)gate_revoke(rt_creator(&rt_envs[ME]), EXO_REVOKE_TAKE, EXO_HOMES_BASE, 0);
	shared[2] = (uint64_t)gate_revoke(rt_info->first, EXO_REVOKE_SLICE, 0, 0);
	shared[3] = (uint64_t)gate_revoke(rt_info->first, EXO_REVOKE_FRAME, EXO_HOMES_BASE, 0);
	shared[4] = (uint64_t)gate_revoke(rt_self(), EXO_REVOKE_ASK, 1, rt_tsc());
	shared[5] = (uint64_t)gate_revoke(rt_creator(&rt_envs[ME]), 99, 0, 0);
	shared[6] = (uint64_t)gate_revoke(0x7ffff001, EXO_REVOKE_ASK, 1, rt_tsc());
}

void revoke_refused(void)
{
	exo_name name = actor_start(0, revoke_others, 0);

	CHECK(name && actor_finish(name));
	for (int i = 0; i < 6; i++)
		REFUSED(shared[i]);
	IS(shared[6], -EXO_ESTALE);
	name = actor_start(0, holder, 0);
	CHECK(name);
	IS(gate_revoke(name, EXO_REVOKE_ASK, 0, rt_tsc()), -EXO_EINVAL);
	IS(gate_revoke(name, EXO_REVOKE_ASK, 1ul << 40, rt_tsc()), -EXO_EINVAL);
	IS(gate_revoke(name, EXO_REVOKE_TAKE, T, 0), -EXO_EBUSY); /* was not asked */
	/* Its group stands in no table that can be named. */
	IS(gate_revoke(name, EXO_REVOKE_ASK, 1, 1), 0);
	REFUSED(gate_revoke(name, EXO_REVOKE_TAKE, EXO_GROUPS + EXO_NAME_INDEX(name) * EXO_GROUP_SIZE, 0));
	REFUSED(gate_revoke(name, EXO_REVOKE_TAKE, EXO_INFO, 0));
	REFUSED(gate_revoke(name, EXO_REVOKE_TAKE, KERNEL_DIRECT, 0));
	rt_env_end(name);
}

static void reader(uint64_t argument)
{
	(void)argument;
	shared[0] = 1;
	for (;;) {
		shared[1] = WORD(T);
		(void)gate_yield(0, 0);
	}
}

/* A frame's owner takes it out of a child that maps it by proof. */
static void frame_reader(uint64_t pfn)
{
	shared[2] = (uint64_t)rt_tables(0, T, 0, 0) | (uint64_t)EXO_IS_ERROR(gate_pte_write(0, T | 1, 1, PTE(pfn, NX), 0, H));
	reader(0);
}

void revoke_frame(void)
{
	uint64_t pfn = home_new(H);

	CHECK(pfn && gate_pte_write(0, H | EXO_AT_CHANGE | 1, 1, 0, RW, 0));
	IS(actor_prepare(0, frame_reader, pfn), 0);
	IS(rt_env_home(&actor[0].spec, H, 0), 0);
	actor[0].spec.entry[EXO_ENTRY_FAULT] = 0;
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(until(actor[0].name, 0));
	IS(shared[2], 0);
	IS(FRAME(pfn).maps, 2);
	IS(gate_revoke(actor[0].name, EXO_REVOKE_FRAME, T, 0), 1);
	IS(FRAME(pfn).maps, 1);
	IS(FRAME(pfn).owner, ME);
	IS(actor_run(actor[0].name), EXO_S_STUCK);
	IS(rt_envs[EXO_NAME_INDEX(actor[0].name)].stuck_addr, T);
	rt_env_end(actor[0].name);
}

/* The revoker has the same home in its own root: the page must be gone there too. */
static void read_word(uint64_t va) { (void)WORD(va); }

static void home_holder(uint64_t argument)
{
	(void)argument;
	shared[0] = 1;
	for (;;)
		(void)gate_yield(0, 0);
}

void revoke_flushes(void)
{
	uint64_t pfn;
	exo_name name;

	CHECK(home_new(H));
	IS(actor_prepare(0, home_holder, 0), 0);
	IS(rt_env_home(&actor[0].spec, H, EXO_AT_RW), 0);
	name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(until(name, 0));
	pfn = PFN(rt_entry(H, 1));
	WORD(H) = 1;
	IS(gate_frame_give(pfn, 1, name), 1);
	IS(gate_revoke(name, EXO_REVOKE_ASK, 1, 1), 0);
	IS(gate_revoke(name, EXO_REVOKE_TAKE, H, 0), 1);
	IS(FRAME(pfn).type, EXO_FREE);
	IS(guarded(read_word, H), 1);
	rt_env_end(name);
}
