/* SPDX-License-Identifier: MIT */
/* Tests of sealed links and pt_copy: fork's rules, sharing xor writing (rules 3 to 5). The forked root is given to no env unless a test runs it. */
#include "gate.h"

static void touch_write(uint64_t va) { WORD(va) = 99; }

/* A root being built that links this env's first GiB-1 level-2 table, sealed: its pfn, 0 = failed. One page at T holds 11. */
static uint64_t forked;
static int64_t fork_now(void)
{
	int64_t r;

	if (!page_new(T, RW | NX))
		return -EXO_ENOMEM;
	WORD(T) = 11;
	if ((r = actor_prepare(0, touch_write, T)) < 0)
		return r;
	forked = actor[0].spec.frames[EXO_EF_ROOT];
	r = rt_table(forked, T, 4);
	if (r < 0)
		return r;
	actor[0].spec.frames[actor[0].spec.frame_count++] = (uint32_t)r;
	return gate_pt_link(forked, T | EXO_AT_SEALED | 3, 1, 0);
}

static uint64_t own_copy(int level, uint64_t flags, uint64_t n)
{
	int64_t pfn = rt_frame(), r = gate_frame_type((uint64_t)pfn, 1, EXO_PT1 + level - 2, 0);

	for (uint64_t first = 0; first < n && r > 0; first += (uint64_t)r)
		r = gate_pt_copy(0, T | flags | (uint64_t)level, (uint64_t)pfn, first, n - first);
	return r < 0 ? 0 : (uint64_t)pfn;
}

void seal_link(void)
{
	uint64_t pt2;

	IS(fork_now(), 1);
	pt2 = PFN(rt_entry(T, 3));
	IS(FRAME(pt2).plinks, 2);
	IS(FRAME(pt2).flags & EXO_F_SEALED, EXO_F_SEALED);
	IS(rt_entry(T, 3) & (int64_t)RW, 0);
	IS(WORD(T), 11);
	IS(guarded(touch_write, T), 1);
	IS(caught.vector, 14);
	IS(caught.error & 7, 7);
	IS(WORD(T), 11);
}

void seal_write_refused(void)
{
	int64_t pfn;

	IS(fork_now(), 1);
	pfn = rt_frame();
	IS(rt_map(0, T + PAGE, (uint64_t)pfn, 1, NX), -EXO_ESEALED);
	IS(rt_unmap(0, T, 1, 0), -EXO_ESEALED);
	IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, 0, RW, 0), -EXO_ESEALED);
	IS(rt_table(0, T2, 2), -EXO_ESEALED);
	REFUSED(rt_map(forked, T + PAGE, (uint64_t)pfn, 1, NX));
	IS(gate_pte_write(0, (T & -EXO_HOME_SIZE) | 3, 1, 0, 0, 0), 1); /* the own link may go: the other still holds it */
}

void seal_unseal_shared(void)
{
	IS(fork_now(), 1);
	REFUSED(gate_pte_write(0, T | EXO_AT_CHANGE | 3, 1, RW, RW, 0));
	REFUSED(gate_pte_write(forked, T | EXO_AT_CHANGE | 3, 1, RW, RW, 0));
	IS(guarded(touch_write, T), 1);
}

void seal_unseal_last(void)
{
	IS(fork_now(), 1);
	IS(gate_pte_write(forked, T | 3, 1, 0, 0, 0), 1);
	IS(FRAME(PFN(rt_entry(T, 3))).plinks, 1);
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T | EXO_AT_CHANGE | 3, 1, RW, RW, 0)));
	IS(FRAME(PFN(rt_entry(T, 3))).flags & EXO_F_SEALED, 0);
	WORD(T) = 12;
	IS(WORD(T), 12);
}

void seal_copy(void)
{
	uint64_t pfn, old, table;

	IS(fork_now(), 1);
	pfn = PFN(rt_entry(T, 1));
	old = PFN(rt_entry(T, 3));
	table = own_copy(3, 0, 512);
	CHECK(table);
	IS(PFN(rt_entry(T, 3)), table);
	IS(rt_entry(T, 3) & (int64_t)RW, (int64_t)RW);
	IS(FRAME(old).plinks, 1);
	IS(FRAME(PFN(rt_entry(T, 2))).plinks, 2);
	IS(rt_entry(T, 2) & (int64_t)RW, 0);
	IS(guarded(touch_write, T), 1);
	table = own_copy(2, 0, 512);
	CHECK(table);
	IS(PFN(rt_entry(T, 2)), table);
	IS(FRAME(pfn).maps, 2);
	IS(rt_entry(T, 1) & (int64_t)RW, 0);
	IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, RW, RW, 0), -EXO_ESHARED);
	IS(guarded(touch_write, T), 1);
	IS(rt_unmap(0, T, 1, 0), 0);
	IS(FRAME(pfn).maps, 1);
	IS(guarded(touch_write, T), 1);
}

void seal_copy_part(void)
{
	IS(fork_now(), 1);
	CHECK(own_copy(3, 0, 8));
	CHECK(own_copy(2, 0, 16));
	IS(WORD(T), 11);
	CHECK(page_new(T + 20 * PAGE, RW | NX));
	WORD(T + 20 * PAGE) = 1;
}

void seal_copy_give(void)
{
	uint64_t old;

	IS(fork_now(), 1);
	old = PFN(rt_entry(T, 3));
	CHECK(own_copy(3, EXO_AT_GIVE, 512));
	IS(FRAME(old).owner, 0);
	IS(FRAME(old).plinks, 1);
	IS(FRAME(old).type, EXO_PT2);
	/* It has content: it goes with the root that still links it. */
	IS(gate_pte_write(forked, T | 3, 1, 0, 0, 0), -EXO_EBUSY);
	IS(FRAME(PFN(rt_entry(T, 2))).plinks, 2);
}

static uint64_t half;

/* The copy of a table whose second entry may not be copied: it ends half way. */
static void half_copy(void)
{
	int64_t pfn, done;

	CHECK(page_new(T2, RW | NX));
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T2 | EXO_AT_CHANGE | 2, 1, 0, RW, 0)));
	IS(fork_now(), 1);
	pfn = rt_frame();
	IS(gate_frame_type((uint64_t)pfn, 1, EXO_PT2, 0), 1);
	done = gate_pt_copy(0, T | 3, (uint64_t)pfn, 0, 512);
	CHECK(done > 0 && done < 512);
	IS(gate_pt_copy(0, T | 3, (uint64_t)pfn, (uint64_t)done, 512 - (uint64_t)done), -EXO_EPERM);
	IS(FRAME(pfn).used, 1);
	IS(FRAME(pfn).plinks, 0);
	IS(FRAME(PFN(rt_entry(T, 2))).plinks, 2);
	half = (uint64_t)pfn;
}

/* Half a copy is emptied as it is let go; nobody else is given it. */
void seal_copy_half(void)
{
	uint64_t page;

	half_copy();
	CHECK(half);
	IS(gate_frame_give(half, 1, rt_self()), -EXO_EBUSY);
	IS(gate_frame_type(half, 1, EXO_DATA, 0), -EXO_EBUSY);
	IS(gate_frame_give(half, 1, 0), 1);
	IS(FRAME(half).type, EXO_FREE);
	IS(FRAME(PFN(rt_entry(T, 2))).plinks, 1);
	page = PFN(rt_entry(T, 1));
	IS(FRAME(page).maps, 1);
	IS(WORD(T), 11);
}

/* What else nobody could reach any more stays, and with it the half that holds it. */
void seal_copy_half_held(void)
{
	uint64_t table;

	half_copy();
	CHECK(half);
	table = PFN(rt_entry(T, 2));
	IS(gate_pte_write(forked, T | 3, 1, 0, 0, 0), 1);
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T | EXO_AT_CHANGE | 3, 1, RW, RW, 0)));
	IS(gate_pte_write(0, T | 2, 1, 0, 0, 0), 1);
	IS(FRAME(table).plinks, 1);
	IS(gate_frame_give(half, 1, 0), 0);
	IS(FRAME(half).used, 1);
	IS(FRAME(table).plinks, 1);
}

void seal_copy_refused(void)
{
	int64_t data = rt_frame(), wrong = rt_frame(), linked;

	IS(fork_now(), 1);
	IS(gate_frame_type((uint64_t)wrong, 1, EXO_PT1, 0), 1);
	linked = (int64_t)PFN(rt_entry(T, 3));
	REFUSED(gate_pt_copy(0, T | 3, (uint64_t)data, 0, 512));
	REFUSED(gate_pt_copy(0, T | 3, (uint64_t)wrong, 0, 512));
	REFUSED(gate_pt_copy(0, T | 3, (uint64_t)linked, 0, 512));
	IS(gate_frame_type((uint64_t)data, 1, EXO_PT2, 0), 1);
	REFUSED(gate_pt_copy(0, T | 3, (uint64_t)data, 500, 13));
	REFUSED(gate_pt_copy(0, T | 3, (uint64_t)data, 0, 0));
	REFUSED(gate_pt_copy(0, T | 1, (uint64_t)data, 0, 512));
	REFUSED(gate_pt_copy(0, T | 4, (uint64_t)data, 0, 512));
	REFUSED(gate_pt_copy(0, (T + 64 * EXO_HOME_SIZE) | 3, (uint64_t)data, 0, 512));
	IS(WORD(T), 11);
}

void seal_copy_live(void)
{
	int64_t pfn;

	CHECK(home_new(H));
	IS(actor_prepare(0, touch_write, H), 0);
	IS(rt_env_home(&actor[0].spec, H, EXO_AT_RW), 0);
	pfn = rt_frame();
	IS(gate_frame_type((uint64_t)pfn, 1, EXO_PT2, 0), 1);
	REFUSED(gate_pt_copy(0, H | 3, (uint64_t)pfn, 0, 512));
	WORD(H) = 1;
}

void seal_target_refused(void)
{
	uint64_t root;

	CHECK(page_new(T, RW | NX) && home_new(H3));
	WORD(T) = 1;
	/* A global slot of the new root: what is sealed there would be private under a common address. */
	IS(actor_prepare(0, touch_write, T), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	CHECK(rt_table(root, H3, 4) > 0);
	REFUSED(gate_pt_link(root, H3 | EXO_AT_SEALED | 3, 1, 0));
	/* A root that an env runs on. */
	CHECK(actor_start(1, touch_write, T));
	root = rt_envs[EXO_NAME_INDEX(actor[1].name)].root;
	REFUSED(gate_pt_link(root, T | EXO_AT_SEALED | 3, 1, 0));
	REFUSED(gate_pt_link(rt_envs[EXO_NAME_INDEX(rt_info->first)].root, T | EXO_AT_SEALED | 3, 1, 0));
	REFUSED(gate_pt_link(0, T2 | EXO_AT_SEALED | 2, 1, 0));
	IS(guarded(touch_write, T), 0);
}

void seal_home_table(void)
{
	uint64_t slot = H3 & -EXO_SLOT_SIZE, pt2;

	CHECK(home_new(H3));
	WORD(H3) = 21;
	IS(actor_prepare(0, touch_write, T), 0);
	forked = actor[0].spec.frames[EXO_EF_ROOT];
	IS(gate_home_set(forked, EXO_HOME_PRIVATE, slot, 1), 1);
	CHECK(rt_table(forked, H3, 4) > 0);
	IS(gate_pt_link(forked, H3 | EXO_AT_SEALED | 3, 1, 0), 1);
	pt2 = PFN(rt_entry(H3, 3));
	IS(FRAME(pt2).glinks, 1);
	IS(FRAME(pt2).plinks, 1);
	IS(guarded(touch_write, H3), 1);
	/* Sealed and linked twice, it cannot be linked live elsewhere. */
	IS(actor_prepare(1, touch_write, T), 0);
	REFUSED(rt_env_home(&actor[1].spec, H3, EXO_AT_RW));
}

static void fork_child(uint64_t argument)
{
	(void)argument;
	shared[0] = WORD(T);
	shared[1] = own_copy(3, 0, 512) != 0;
	shared[2] = own_copy(2, 0, 512) != 0;
	shared[3] = (uint64_t)gate_pte_write(0, T | EXO_AT_GIVE | 1, 1, PTE(rt_frame(), RW | NX), 0, 0);
	WORD(T) = 12;
	shared[4] = WORD(T);
}

void seal_fork_run(void)
{
	uint64_t pfn;

	IS(fork_now(), 1);
	pfn = PFN(rt_entry(T, 1));
	actor[0].spec.rip = (uint64_t)fork_child;
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(actor_run(actor[0].name) != EXO_S_READY);
	IS(shared[0], 11);
	IS(shared[1] + shared[2] + shared[3], 3);
	IS(shared[4], 12);
	IS(WORD(T), 11);
	CHECK(actor_finish(actor[0].name));
	IS(FRAME(pfn).maps, 1);
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T | EXO_AT_CHANGE | 3, 1, RW, RW, 0)));
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T | EXO_AT_CHANGE | 2, 1, RW, RW, 0)));
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, RW, RW, 0)));
	WORD(T) = 13;
}
