/* SPDX-License-Identifier: MIT */
/* Tests of what an env leaves behind: disowned tables with content, tables that are mapped, half-made copies, parents that die first (rules 7, 10, 18). The
 * harness counts the free frames after each. */
#include "gate.h"

/* One page at T, with all its tables: pfns of level-1, 2 and 3 tables. */
static struct { uint64_t page, pt1, pt2, pt3; } made;

static int stage_set(void)
{
	made.page = page_new(T, RW | NX);
	made.pt1 = PFN(rt_entry(T, 2));
	made.pt2 = PFN(rt_entry(T, 3));
	made.pt3 = PFN(gate_pte_write(0, (T & -EXO_SLOT_SIZE) | EXO_AT_CHANGE | 4, 1, 0, 0, 0));
	return made.page && FRAME(made.pt1).type == EXO_PT1 && FRAME(made.pt2).type == EXO_PT2 && FRAME(made.pt3).type == EXO_PT3;
}

void end_disowned_table(void)
{
	CHECK(stage_set());
	IS(gate_frame_give(made.pt1, 1, 0), 1);
	IS(gate_frame_give(made.page, 1, 0), 1);
	WORD(T) = 1;
}

void end_disowned_all(void)
{
	CHECK(stage_set() && page_new(T2, RW | NX) && page_new(T + EXO_HOME_SIZE, RW | NX));
	IS(gate_frame_give(made.pt3, 1, 0), 1);
	IS(gate_frame_give(made.pt2, 1, 0), 1);
	IS(gate_frame_give(made.pt1, 1, 0), 1);
	WORD(T) = 1;
}

void end_table_mapped(void)
{
	CHECK(stage_set() && page_new(T2, NX));
	IS(rt_map(0, T2 + PAGE, made.pt1, 1, NX), 0);
	IS(rt_map(0, T2 + 2 * PAGE, made.pt2, 1, NX), 0);
	IS(gate_frame_give(made.pt1, 1, 0), 1);
	CHECK(WORD(T2 + PAGE) & EXO_PTE_P);
}

void end_table_maps_itself(void)
{
	CHECK(stage_set());
	IS(rt_map(0, T + PAGE, made.pt1, 1, NX), 0);
	IS(rt_map(0, T + 2 * PAGE, made.pt2, 1, NX), 0);
	IS(rt_map(0, T + 3 * PAGE, made.pt3, 1, NX), 0);
	IS(rt_map(0, T + 4 * PAGE, rt_envs[ME].root, 1, NX), 0);
	IS(gate_frame_give(made.pt1, 1, 0), 1);
	CHECK(WORD(T + PAGE) & EXO_PTE_P);
}

void end_half_copy(void)
{
	uint64_t root;

	CHECK(stage_set());
	IS(actor_prepare(0, 0, 0), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	CHECK(rt_table(root, T, 4) > 0);
	IS(gate_pt_link(root, T | EXO_AT_SEALED | 3, 1, 0), 1);
	CHECK(rt_table_own(0, T | 3) > 0 && rt_table_own(0, T | 2) > 0);
	IS(gate_frame_give(made.pt1, 1, 0), 1);
	IS(gate_frame_give(made.pt2, 1, 0), 1);
}

/* ---- an actor maps its own tables, read-only, in a home of ours, and ends */

static void expose(uint64_t argument)
{
	(void)argument;
	if (!stage_set())
		return;
	shared[0] = rt_envs[ME].root;
	shared[1] = made.pt1;
	shared[2] = (uint64_t)rt_map(0, H + PAGE, shared[0], 1, NX);
	shared[3] = (uint64_t)rt_map(0, H + 2 * PAGE, made.pt1, 1, NX);
	shared[4] = made.page;
}

void end_exposed(void)
{
	CHECK(home_new(H));
	IS(actor_prepare(0, expose, 0), 0);
	IS(rt_env_home(&actor[0].spec, H, EXO_AT_RW | EXO_AT_REMAP), 0);
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(actor_finish(actor[0].name));
	CHECK(shared[0] && shared[1] && shared[4]);
	IS(FRAME(shared[4]).type, EXO_FREE);
	/* What is still mapped here is nobody's, but it is not free for others. */
	for (uint64_t i = 0; i < 2; i++) {
		int64_t entry = rt_entry(H + (1 + i) * PAGE, 1);

		if (EXO_IS_ERROR(entry))
			continue;
		IS(PFN(entry), shared[i]);
		CHECK(FRAME(shared[i]).type != EXO_FREE);
		IS(FRAME(shared[i]).maps, 1);
		IS(rt_unmap(0, H + (1 + i) * PAGE, 1, 0), 0);
		IS(FRAME(shared[i]).type, EXO_FREE);
	}
}

/* ---- a parent that forks and ends first: the child takes over what is left */

static void heir(uint64_t argument)
{
	(void)argument;
	shared[1] = WORD(T);
	shared[0] = 1;
	while (shared[0] == 1)
		(void)gate_yield(0, 0);
	shared[2] = (uint64_t)gate_frame_adopt(shared[10], T | 3);
	shared[3] = EXO_IS_ERROR(gate_pte_write(0, T | EXO_AT_CHANGE | 3, 1, RW, RW, 0));
	shared[4] = (uint64_t)gate_frame_adopt(shared[11], T | 1);
	shared[5] = EXO_IS_ERROR(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, RW, RW, 0));
	WORD(T) = 62;
	shared[6] = WORD(T);
}

static void forker(uint64_t argument)
{
	uint64_t root;
	int64_t slot;

	(void)argument;
	if (!stage_set() || actor_prepare(1, heir, 0) < 0)
		return;
	WORD(T) = 61;
	shared[10] = made.pt2;
	shared[11] = made.page;
	root = actor[1].spec.frames[EXO_EF_ROOT];
	if ((slot = rt_table(root, T, 4)) < 0)
		return;
	actor[1].spec.frames[actor[1].spec.frame_count++] = (uint32_t)slot;
	if (gate_pt_link(root, T | EXO_AT_SEALED | 3, 1, 0) == 1)
		actor[1].name = (exo_name)gate_env_make(&actor[1].spec);
}

void end_of_forker(void)
{
	exo_name name = actor_start(0, forker, 0), child;

	actor[1].name = 0;
	CHECK(name && actor_finish(name));
	CHECK((child = actor[1].name));
	IS(FRAME(shared[10]).owner, 0);
	IS(FRAME(shared[10]).plinks, 1);
	IS(FRAME(shared[11]).maps, 1);
	for (int i = 0; i < 1000 && !shared[0]; i++)
		(void)gate_yield(child, 0);
	IS(shared[1], 61);
	shared[0] = 2;
	CHECK(actor_finish(child));
	IS(shared[2], 1);
	IS(shared[3], 0);
	IS(shared[4], 1);
	IS(shared[5], 0);
	IS(shared[6], 62);
	IS(FRAME(shared[10]).type, EXO_FREE);
	IS(FRAME(shared[11]).type, EXO_FREE);
}

/* ---- a home's owner ends while others live in it */

static void lodger(uint64_t argument)
{
	(void)argument;
	shared[0] = 1;
	while (shared[0] == 1)
		(void)gate_yield(0, 0);
	shared[1] = WORD(H);
	WORD(H) = 72;
	shared[2] = WORD(H);
	shared[3] = (uint64_t)gate_home_set(0, EXO_HOME_CLAIM, H, 1);
}

static void landlord(uint64_t argument)
{
	(void)argument;
	if (!home_new(H))
		return;
	WORD(H) = 71;
	if (actor_prepare(1, lodger, 0) < 0 || rt_env_home(&actor[1].spec, H, EXO_AT_RW) < 0)
		return;
	actor[1].name = (exo_name)gate_env_make(&actor[1].spec);
}

void end_of_landlord(void)
{
	exo_name name = actor_start(0, landlord, 0), child;

	actor[1].name = 0;
	CHECK(name && actor_finish(name));
	CHECK((child = actor[1].name));
	IS(rt_homes[EXO_HOME_OF(H)].owner, 0);
	for (int i = 0; i < 1000 && !shared[0]; i++)
		(void)gate_yield(child, 0);
	IS(gate_home_set(0, EXO_HOME_CLAIM, H, 1), -EXO_EBUSY); /* its table still has that meaning somewhere */
	shared[0] = 2;
	CHECK(actor_finish(child));
	IS(shared[1], 71);
	IS(shared[2], 72);
	REFUSED(shared[3]);
	IS(rt_homes[EXO_HOME_OF(H)].pt2, 0);
	IS(gate_home_set(0, EXO_HOME_CLAIM, H, 1), 1);
}
