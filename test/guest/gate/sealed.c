/* SPDX-License-Identifier: MIT */
/* Tests of sealed tables with several holders: the last link does not make its holder the owner (rules 3, 4, 10). */
#include "gate.h"

static void nothing(uint64_t argument) { (void)argument; }

static void unseal_stranger(uint64_t pfn)
{
	shared[0] = 1;
	while (shared[0] == 1)
		(void)gate_yield(0, 0);
	shared[1] = (uint64_t)gate_pte_write(0, T | EXO_AT_CHANGE | 3, 1, RW, RW, 0);
	shared[2] = (uint64_t)gate_frame_adopt(pfn, T | 3);
	shared[3] = 1;
	while (shared[3] == 1)
		(void)gate_yield(0, 0);
	shared[4] = (uint64_t)gate_frame_adopt(pfn, T | 3);
	shared[5] = EXO_IS_ERROR(gate_pte_write(0, T | EXO_AT_CHANGE | 3, 1, RW, RW, 0));
}

static int wait_word(exo_name name, int i, uint64_t value)
{
	for (int n = 0; n < 1000 && shared[i] != value; n++)
		(void)gate_yield(name, 0);
	return shared[i] == value;
}

void attack_unseal_stranger(void)
{
	uint64_t pt2, root;
	int64_t slot;

	CHECK(page_new(T, RW | NX));
	IS(actor_prepare(0, unseal_stranger, PFN(rt_entry(T, 3))), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	CHECK((slot = rt_table(root, T, 4)) > 0);
	actor[0].spec.frames[actor[0].spec.frame_count++] = (uint32_t)slot;
	IS(gate_pt_link(root, T | EXO_AT_SEALED | 3, 1, 0), 1);
	pt2 = PFN(rt_entry(T, 3));
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(wait_word(actor[0].name, 0, 1));
	IS(gate_pte_write(0, T | 3, 1, 0, 0, 0), 1);
	IS(FRAME(pt2).plinks, 1);
	shared[0] = 2;
	CHECK(wait_word(actor[0].name, 3, 1));
	REFUSED(shared[1]); /* not its table */
	IS(shared[2], -EXO_EBUSY);
	IS(gate_frame_give(pt2, 1, 0), 1);
	shared[3] = 2;
	CHECK(actor_finish(actor[0].name));
	IS(shared[4], 1);
	IS(shared[5], 0);
}

void attack_second_seal(void)
{
	uint64_t a, b;

	CHECK(page_new(T, RW | NX));
	IS(actor_prepare(0, nothing, 0), 0);
	IS(actor_prepare(1, nothing, 0), 0);
	a = actor[0].spec.frames[EXO_EF_ROOT];
	b = actor[1].spec.frames[EXO_EF_ROOT];
	CHECK(rt_table(a, T, 4) > 0 && rt_table(b, T, 4) > 0);
	IS(gate_pt_link(a, T | EXO_AT_SEALED | 3, 1, 0), 1);
	IS(gate_pt_link(a, T | EXO_AT_SEALED | 3, 1, 0), -EXO_EEXIST);
	IS(gate_pt_link(b, T | EXO_AT_SEALED | 3, 1, 0), 1);
	IS(FRAME(PFN(rt_entry(T, 3))).plinks, 3);
	IS(gate_pte_write(a, T | 3, 1, 0, 0, 0), 1);
	REFUSED(gate_pte_write(0, T | EXO_AT_CHANGE | 3, 1, RW, RW, 0));
	IS(gate_pte_write(b, T | 3, 1, 0, 0, 0), 1);
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T | EXO_AT_CHANGE | 3, 1, RW, RW, 0)));
	WORD(T) = 1;
}

void seal_level_one(void)
{
	uint64_t root, pt1;

	CHECK(page_new(T, RW | NX));
	WORD(T) = 31;
	IS(actor_prepare(0, nothing, 0), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	CHECK(rt_table(root, T, 4) > 0 && rt_table(root, T, 3) > 0);
	IS(gate_pt_link(root, T | EXO_AT_SEALED | 2, 4, 0), 4); /* absent sources count as done */
	pt1 = PFN(rt_entry(T, 2));
	IS(FRAME(pt1).plinks, 2);
	IS(FRAME(pt1).flags & EXO_F_SEALED, EXO_F_SEALED);
	IS(rt_map(0, T + PAGE, (uint64_t)rt_frame(), 1, NX), -EXO_ESEALED);
	CHECK(page_new(T2, RW | NX)); /* the table above is not sealed */
	IS(WORD(T), 31);
}
