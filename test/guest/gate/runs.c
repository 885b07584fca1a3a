/* SPDX-License-Identifier: MIT */
/* Tests of runs: 512 frames that are owned, counted and mapped as one (rule 9, and 5, 8, 10, 11, 18, 19 for runs). */
#include "gate.h"

#define SPAN 0x200000ul
#define RUN EXO_RUN_FRAMES

/* 512 free frames from a 2 MiB boundary on, claimed: the first; 0 = none. */
static uint64_t frames_new(void)
{
	uint64_t head = rt_info->frame_count & -(uint64_t)RUN, n = 0;

	while (head && n < RUN)
		for (n = 0, head -= RUN; n < RUN && FRAME(head + n).type == EXO_FREE; n++)
			;
	for (uint64_t done = 0; head && done < RUN;) {
		int64_t r = gate_frame_claim(head + done, RUN - done);

		if (r < 0)
			return 0;
		done += (uint64_t)r;
	}
	return head;
}

/* All 512 from head: how many, or the error when the first is refused. */
static int64_t type_all(uint64_t head, int type, int flags)
{
	uint64_t done = 0;

	while (done < RUN) {
		int64_t r = gate_frame_type(head + done, RUN - done, type, flags);

		if (r < 0)
			return done ? (int64_t)done : r;
		done += (uint64_t)r;
	}
	return (int64_t)done;
}

static uint64_t run_new(int flags)
{
	uint64_t head = frames_new();

	return head && type_all(head, EXO_RUN, flags) == RUN ? head : 0;
}

static int64_t run_map(uint64_t root, uint64_t va, uint64_t head, uint64_t rights) { return gate_pte_write(root, va | 2, 1, PTE(head, rights), 0, 0); }
/* A run at va with R/W, in tables made as needed: its head, 0 = failed. */
static uint64_t run_mapped(uint64_t va, int flags)
{
	uint64_t head = run_new(flags);

	for (int level = 4; level > 2; level--)
		(void)rt_table(0, va, level);
	return head && run_map(0, va, head, RW | NX) == 1 ? head : 0;
}

static void touch_read(uint64_t va) { (void)WORD(va); }
static void touch_write(uint64_t va) { WORD(va) = 99; }

void run_make(void)
{
	uint64_t head = frames_new(), mine = rt_envs[ME].frames, used = rt_envs[rt_envs[ME].account].used[EXO_C_FRAMES];

	CHECK(head);
	IS(type_all(head, EXO_RUN, 0), RUN);
	IS(FRAME(head).type, EXO_RUN);
	IS(FRAME(head).owner, ME);
	IS(FRAME(head).used, RUN);
	for (uint64_t i = 1; i < RUN; i++)
		CHECK(FRAME(head + i).type == EXO_PART && !FRAME(head + i).owner);
	IS(rt_envs[ME].frames, mine);
	IS(rt_envs[rt_envs[ME].account].used[EXO_C_FRAMES], used);
	IS(type_all(head, EXO_RUN, 0), RUN); /* again: nothing to do */
	IS(type_all(head, EXO_DATA, 0), RUN);
	for (uint64_t i = 0; i < RUN; i++)
		CHECK(FRAME(head + i).type == EXO_DATA && FRAME(head + i).owner == ME);
	IS(gate_frame_give(head + 7, 1, 0), 1);
	IS(rt_envs[ME].frames, mine - 1);
}

void run_make_refused(void)
{
	uint64_t head = frames_new();

	CHECK(head);
	IS(gate_frame_type(head + 1, 1, EXO_RUN, 0), -EXO_EINVAL);           /* not from a boundary on */
	IS(gate_frame_type(head, 1, EXO_RUN, EXO_F_SEALED), -EXO_EINVAL);
	IS(gate_frame_type(head, 3, EXO_RUN, 0), 3);
	IS(gate_frame_type(head + 4, 1, EXO_RUN, 0), -EXO_EINVAL);           /* not the next */
	IS(rt_tables(0, T, 0, 0), 0);
	IS(rt_map(0, T, head + 3, 1, RW | NX), 0);
	IS(gate_frame_type(head + 3, 1, EXO_RUN, 0), -EXO_EBUSY);            /* counted */
	IS(rt_unmap(0, T, 1, 1), 0);
	IS(gate_frame_type(head + 3, 1, EXO_RUN, 0), -EXO_EPERM);            /* not the caller's */
	IS(run_map(0, T2, head, NX), -EXO_ETYPE);                            /* not whole */
	IS(gate_frame_type(head, 1, EXO_PT1, 0), -EXO_EBUSY);
	IS(gate_frame_claim(head + 3, 1), 1);
	IS(gate_frame_type(head + 3, 1, EXO_PT1, 0), 1);
	IS(gate_frame_type(head + 3, 1, EXO_RUN, 0), -EXO_ETYPE);            /* a table */
	IS(gate_frame_give(head, 3, 0), 3);
	IS(FRAME(head + 2).type, EXO_FREE);
	IS(FRAME(head + 4).type, EXO_DATA);
}

/* No part of a run can be had by itself. */
void run_part_refused(void)
{
	uint64_t head = run_mapped(T2, 0), part = head + 9;
	exo_name first = rt_info->first;

	CHECK(head && page_new(T, RW | NX));
	IS(gate_frame_type(part, 1, EXO_DATA, 0), -EXO_EPERM);
	IS(gate_frame_type(part, 1, EXO_PT1, 0), -EXO_EPERM);
	IS(gate_frame_give(part, 1, 0), -EXO_EPERM);
	IS(gate_frame_give(head, RUN - 1, 0), -EXO_EINVAL);
	IS(gate_frame_claim(part, 1), -EXO_EBUSY);
	REFUSED(gate_frame_adopt(part, T2 | 2));
	REFUSED(rt_map(0, T + PAGE, part, 1, NX));
	REFUSED(rt_map(0, T + PAGE, head, 1, NX));
	REFUSED(gate_pte_write(0, (T + PAGE) | 1, 1, PTE(part, NX), 0, T2 + 9 * PAGE));
	REFUSED(run_map(0, T2 + SPAN, part, NX));
	IS(gate_frame_type(head, 1, EXO_DATA, 0), -EXO_EBUSY); /* mapped: stays whole */
	REFUSED(gate_frame_give(part, 1, first));
	WORD(T2 + 9 * PAGE) = 1;
}

void run_maps(void)
{
	uint64_t head = run_mapped(T2, 0);

	CHECK(head);
	for (uint64_t i = 0; i < RUN; i++)
		WORD(T2 + i * PAGE + 8 * i % PAGE) = i;
	for (uint64_t i = 0; i < RUN; i++)
		IS(WORD(T2 + i * PAGE + 8 * i % PAGE), i);
	IS(FRAME(head).maps, 1);
	CHECK(rt_entry(T2, 2) & EXO_PTE_PS);
	IS(PFN(rt_entry(T2, 2)), head);
	/* It is the frames that stand there: split, each is seen alone. */
	IS(gate_pte_write(0, T2 | 2, 1, 0, 0, 0), 1);
	IS(type_all(head, EXO_DATA, 0), RUN);
	CHECK(rt_table(0, T2, 2) > 0);
	IS(rt_map(0, T2, head, RUN, RW | NX), 0);
	for (uint64_t i = 0; i < RUN; i++)
		IS(WORD(T2 + i * PAGE + 8 * i % PAGE), i);
}

void run_entry_refused(void)
{
	uint64_t head = run_mapped(T2, 0), other = run_new(0);
	int64_t table = rt_frame();

	CHECK(head && other && table > 0 && page_new(T, RW | NX));
	IS(gate_pte_write(0, (T2 + SPAN) | 2, 1, PTE(other, RW | EXO_PTE_PS), 0, 0), -EXO_EINVAL);
	IS(gate_pte_write(0, (T2 + SPAN) | 2, 1, PTE(other, 0) & ~EXO_PTE_U, 0, 0), -EXO_EINVAL);
	IS(gate_pte_write(0, (T2 + SPAN) | 2, 1, EXO_PTE_AVAIL, 0, 0), -EXO_EINVAL);
	IS(gate_pte_write(0, (T2 + PAGE) | 2, 1, PTE(other, RW), 0, 0), -EXO_EINVAL);
	IS(run_map(0, 0, other, NX), -EXO_ENOENT);               /* no tables there yet */
	for (int level = 4; level > 2; level--)
		(void)rt_table(0, 0x200000, level);
	IS(run_map(0, 0, other, NX), -EXO_EINVAL);               /* the null guard */
	IS(run_map(0, T, other, NX), -EXO_EEXIST);               /* over a table */
	IS(rt_map(0, T2, (uint64_t)table, 1, NX), -EXO_EEXIST);  /* below a run */
	IS(rt_unmap(0, T2, 1, 0), -EXO_EEXIST);
	IS(gate_pte_write(0, T2 | EXO_AT_CHANGE | 1, 1, 0, 0, 0), -EXO_EEXIST);
	IS(gate_frame_type((uint64_t)table, 1, EXO_PT1, 0), 1);
	IS(gate_pt_link(0, T2 | 2, 1, (uint64_t)table), -EXO_EEXIST);
	REFUSED(gate_pt_copy(0, T2 | 2, (uint64_t)table, 0, 512));
	REFUSED(gate_pte_write(0, T2 | EXO_AT_CHANGE | 2, 1, 0, EXO_PTE_PS, 0));
	REFUSED(gate_pte_write(0, T2 | EXO_AT_CHANGE | 2, 1, 0, EXO_PTE_P, 0));
}

void run_second_writable(void)
{
	uint64_t head = run_mapped(T2, 0);

	CHECK(head);
	IS(run_map(0, T2 + SPAN, head, NX), -EXO_ESHARED);
	IS(run_map(0, T2 + SPAN, head, RW | NX), -EXO_ESHARED);
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T2 | EXO_AT_CHANGE | 2, 1, 0, RW, 0)));
	IS(run_map(0, T2 + SPAN, head, NX), 1);
	IS(FRAME(head).maps, 2);
	IS(gate_pte_write(0, T2 | EXO_AT_CHANGE | 2, 1, RW, RW, 0), -EXO_ESHARED);
	IS(gate_frame_type(head, 1, EXO_RUN, EXO_F_SHARED), -EXO_EBUSY);
}

void run_shared(void)
{
	uint64_t head = run_mapped(T2, EXO_F_SHARED);

	CHECK(head);
	IS(run_map(0, T2 + SPAN, head, RW | NX), 1);
	WORD(T2 + SPAN - 8) = 12;
	IS(WORD(T2 + 2 * SPAN - 8), 12);
	IS(gate_frame_type(head, 1, EXO_RUN, 0), -EXO_EBUSY);
	IS(gate_pte_write(0, T2 | 2, 2, 0, 0, 0), 2);
	IS(gate_frame_type(head, 1, EXO_RUN, 0), 1);
	IS(FRAME(head).flags & EXO_F_SHARED, 0);
}

void run_rights_fault(void)
{
	CHECK(run_mapped(T2, 0));
	WORD(T2 + 5 * PAGE) = 4;
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T2 | EXO_AT_CHANGE | 2, 1, 0, RW, 0)));
	IS(guarded(touch_write, T2 + 5 * PAGE), 1);
	IS(guarded(touch_write, T2 + SPAN - 8), 1);
	IS(WORD(T2 + 5 * PAGE), 4);
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T2 | EXO_AT_CHANGE | 2, 1, RW, RW, 0)));
	WORD(T2 + 5 * PAGE) = 5;
}

void run_unmap_flush(void)
{
	uint64_t head = run_mapped(T2, 0), other = run_new(0), free = rt_info->frames_free;

	CHECK(head && other);
	WORD(T2) = WORD(T2 + SPAN - 8) = 6;
	IS(run_map(0, T2, other, RW | NX), 1); /* another in its place */
	WORD(T2) = WORD(T2 + SPAN - 8) = 7;
	IS(run_map(0, T2 + SPAN, head, NX), 1);
	IS(WORD(T2 + SPAN), 6);
	IS(WORD(T2 + 2 * SPAN - 8), 6);
	IS(gate_pte_write(0, T2 | EXO_AT_GIVE | 2, 1, 0, 0, 0), 1);
	IS(guarded(touch_read, T2), 1);
	IS(guarded(touch_read, T2 + SPAN - 8), 1);
	IS(FRAME(other + 77).type, EXO_FREE);
	IS(rt_info->frames_free, free + RUN);
}

void run_disown_adopt(void)
{
	uint64_t head = run_mapped(T2, 0), mine = rt_envs[ME].frames;

	CHECK(head);
	WORD(T2 + PAGE) = 8;
	IS(gate_frame_give(head, RUN, 0), RUN);
	IS(FRAME(head).owner, 0);
	IS(rt_envs[ME].frames, mine - RUN);
	IS(gate_frame_adopt(head, T2 | 1), -EXO_EEXIST);
	IS(run_map(0, T2 + SPAN, head, NX), -EXO_EPERM);
	IS(gate_frame_adopt(head, T2 | 2), 1);
	IS(rt_envs[ME].frames, mine);
	IS(gate_frame_give(head, RUN, 0), RUN);
	IS(WORD(T2 + PAGE), 8);
	IS(gate_pte_write(0, T2 | 2, 1, 0, 0, 0), 1); /* its last entry: free */
	IS(FRAME(head + RUN - 1).type, EXO_FREE);
}

static void map_theirs(uint64_t head)
{
	shared[0] = (uint64_t)rt_table(0, T2, 4) && rt_table(0, T2, 3);
	shared[1] = (uint64_t)run_map(0, T2, head, RW | NX);
	WORD(T2 + SPAN - 8) = 4711;
	shared[2] = WORD(T2 + SPAN - 8);
}

void run_give_transfer(void)
{
	uint64_t head = run_new(0);
	exo_name name = actor_start(0, map_theirs, head);

	CHECK(head && name);
	IS(gate_frame_give(head, RUN, name), RUN);
	IS(FRAME(head).owner, EXO_NAME_INDEX(name));
	IS(rt_envs[EXO_NAME_INDEX(name)].frames, actor[0].spec.frame_count + RUN);
	CHECK(actor_finish(name));
	IS(shared[1], 1);
	IS(shared[2], 4711);
	IS(FRAME(head).type, EXO_FREE); /* with its owner's end */
}

/* A run in a home is shared by one link, and named as proof. */
static void map_by_proof(uint64_t head)
{
	shared[0] = WORD(H + SPAN - 8);
	shared[1] = (uint64_t)rt_table(0, T2, 4) && rt_table(0, T2, 3);
	shared[2] = (uint64_t)gate_pte_write(0, T2 | 2, 1, PTE(head, NX), 0, 0);
	shared[3] = (uint64_t)gate_pte_write(0, T2 | 2, 1, PTE(head, RW | NX), 0, H);
	shared[4] = (uint64_t)gate_pte_write(0, T2 | 2, 1, PTE(head, NX), 0, H);
	shared[5] = WORD(T2 + SPAN - 8);
}

void run_proof(void)
{
	uint64_t head;

	IS(gate_home_set(0, EXO_HOME_CLAIM, H, 1), 1);
	CHECK((head = run_mapped(H, 0)));
	WORD(H + SPAN - 8) = 31;
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, H | EXO_AT_CHANGE | 2, 1, 0, RW, 0)));
	IS(actor_prepare(0, map_by_proof, head), 0);
	IS(rt_env_home(&actor[0].spec, H, 0), 0);
	CHECK(actor_finish((exo_name)gate_env_make(&actor[0].spec)));
	IS(shared[0], 31);
	IS(shared[2], -EXO_EPERM);
	IS(shared[3], -EXO_EPERM);
	IS(shared[4], 1);
	IS(shared[5], 31);
	IS(FRAME(head).maps, 1);
}

static void write_sealed(uint64_t argument)
{
	(void)argument;
	shared[0] = WORD(T2 + SPAN - 8);
	shared[1] = (uint64_t)guarded(touch_write, T2);
	shared[2] = rt_table_own(0, (T2 & -EXO_HOME_SIZE) | EXO_AT_GIVE | 3) > 0;
	shared[3] = (uint64_t)guarded(touch_write, T2); /* the table is its own, the run is not */
	shared[4] = FRAME(PFN(rt_entry(T2, 2))).maps;
	shared[5] = (uint64_t)gate_pte_write(0, T2 | EXO_AT_CHANGE | 2, 1, RW, RW, 0);
}

/* Fork: the level-2 table is sealed with its run, then copied; a run is written by whoever is alone with it. */
void run_seal_copy(void)
{
	uint64_t head = run_mapped(T2, 0), root;
	int64_t slot;

	CHECK(head);
	WORD(T2 + SPAN - 8) = 60;
	IS(actor_prepare(0, write_sealed, 0), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	CHECK((slot = rt_table(root, T2, 4)) > 0);
	actor[0].spec.frames[actor[0].spec.frame_count++] = (uint32_t)slot;
	IS(gate_pt_link(root, (T2 & -EXO_HOME_SIZE) | EXO_AT_SEALED | 3, 1, 0), 1);
	IS(guarded(touch_write, T2), 1);
	CHECK(actor_run((exo_name)(actor[0].name = (exo_name)gate_env_make(&actor[0].spec))) == EXO_S_FREE || shared[5]);
	IS(shared[0], 60);
	IS(shared[1], 1);
	IS(shared[2], 1);
	IS(shared[3], 1);
	IS(shared[4], 2);
	IS((int64_t)shared[5], -EXO_EPERM);
	rt_env_end(actor[0].name);
	IS(FRAME(head).maps, 1);
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, (T2 & -EXO_HOME_SIZE) | EXO_AT_CHANGE | 3, 1, RW, RW, 0)));
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T2 | EXO_AT_CHANGE | 2, 1, RW, RW, 0)));
	WORD(T2) = 61;
}

void run_seal_refused(void)
{
	uint64_t root;

	CHECK(run_mapped(T2, 0));
	IS(actor_prepare(0, touch_read, T2), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	for (int level = 4; level > 2; level--)
		CHECK(rt_table(root, T2, level) > 0);
	IS(gate_pt_link(root, T2 | EXO_AT_SEALED | 2, 1, 0), -EXO_ETYPE);
	WORD(T2) = 1;
}

static void keep_runs(uint64_t head)
{
	shared[0] = (uint64_t)run_new(0);
	shared[1] = run_mapped(T2, 0);
	(void)gate_frame_give(shared[1], RUN, 0); /* disowned, and mapped */
	shared[2] = run_mapped(T2 + SPAN, EXO_F_SHARED);
	(void)head;
	shared[3] = 1;
	for (;;)
		(void)gate_yield(0, 0);
}

/* Runs of an env that ends, in every state, and the array of an op in one. */
void run_env_kill(void)
{
	uint64_t free = rt_info->frames_free;
	exo_name name = actor_start(0, keep_runs, 0);

	CHECK(name);
	for (int i = 0; i < 4000 && !shared[3]; i++)
		(void)gate_yield(name, 0);
	CHECK(shared[0] && shared[1] && shared[2]);
	rt_env_end(name);
	IS(rt_info->frames_free, free);
	for (int k = 0; k < 3; k++)
		CHECK(FRAME(shared[k]).type == EXO_FREE && FRAME(shared[k] + 300).type == EXO_FREE);
}

void run_holds_arrays(void)
{
	uint64_t head = run_mapped(T2, 0), *list = (uint64_t *)(T2 + 100 * PAGE - 16);

	CHECK(head);
	IS(gate_frame_any(4, list), 4); /* over the border of two of its frames */
	for (int i = 0; i < 4; i++)
		IS(FRAME(list[i]).owner, ME);
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T2 | EXO_AT_CHANGE | 2, 1, 0, RW, 0)));
	IS(gate_frame_any(1, list), -EXO_EFAULT);
}

static void read_for_ever(uint64_t head)
{
	shared[0] = (uint64_t)rt_table(0, T2, 4) && rt_table(0, T2, 3);
	shared[1] = (uint64_t)gate_pte_write(0, T2 | 2, 1, PTE(head, NX), 0, H);
	for (shared[2] = WORD(T2); ; shared[3]++)
		(void)gate_yield(0, 0);
}

/* Its owner takes a run from whoever maps it. */
void run_revoke(void)
{
	uint64_t head;
	exo_name name;

	IS(gate_home_set(0, EXO_HOME_CLAIM, H, 1), 1);
	CHECK((head = run_mapped(H, 0)));
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, H | EXO_AT_CHANGE | 2, 1, 0, RW, 0)));
	IS(actor_prepare(0, read_for_ever, head), 0);
	IS(rt_env_home(&actor[0].spec, H, 0), 0);
	name = (exo_name)gate_env_make(&actor[0].spec);
	for (int i = 0; i < 4000 && !shared[3]; i++)
		(void)gate_yield(name, 0);
	CHECK(shared[3]);
	IS(FRAME(head).maps, 2);
	IS(gate_revoke(name, EXO_REVOKE_FRAME, T2, 0), -EXO_EEXIST);
	IS(gate_revoke(name, EXO_REVOKE_FRAME, T2 | 2, 0), 1);
	IS(FRAME(head).maps, 1);
	IS(gate_revoke(name, EXO_REVOKE_FRAME, T2 | 2, 0), -EXO_ENOENT);
	rt_env_end(name);
}

/* Between a look at interrupts and the end of a run nothing else is done: an alarm that fires among the empty entries
 * before it ends the op there. Nor are a table's empty entries passed without a look. */
void run_unmap_bounded(void)
{
	const uint64_t near = 120, many = 480, from = T + SPAN, at = from + many * SPAN;
	uint64_t head = run_mapped(at, 0), began, took;
	int64_t r;

	CHECK(head);
	began = rt_tsc();
	IS(gate_pte_write(0, (at - near * SPAN) | 2, near, 0, 0, 0), near);
	took = rt_tsc() - began;
	IS(gate_env_set(0, EXO_SET_ALARM, rt_tsc() + took / 4, 0), 0);
	r = gate_pte_write(0, (at - near * SPAN) | EXO_AT_GIVE | 2, near + 1, 0, 0, 0);
	if (rt_info->debug)
		return; /* what was timed is the recount */
	IS(r, near);
	IS(FRAME(head).type, EXO_RUN);
	IS(gate_env_set(0, EXO_SET_ALARM, rt_tsc() + took / 4, 0), 0);
	r = gate_pte_write(0, from | EXO_AT_GIVE | 2, many, 0, 0, 0);
	CHECK(r > 0 && (uint64_t)r < many);
	IS(gate_pte_write(0, at | EXO_AT_GIVE | 2, 1, 0, 0, 0), 1);
	IS(FRAME(head).type, EXO_FREE);
}
