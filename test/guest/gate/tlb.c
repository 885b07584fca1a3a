/* SPDX-License-Identifier: MIT */
/* Tests that no translation outlives the right that it came from: each touches first, so that the CPU has it, then shrinks, then touches again (rule 8). */
#include <base/string.h>
#include "gate.h"

static void touch_read(uint64_t va) { (void)WORD(va); }
static void touch_write(uint64_t va) { WORD(va) = 99; }
static void touch_run(uint64_t va) { ((void (*)(void))va)(); }
static void nothing(uint64_t argument) { (void)argument; }

#define CHANGED(at, set, mask) CHECK(!EXO_IS_ERROR(gate_pte_write(0, (at) | EXO_AT_CHANGE, 1, set, mask, 0)))

void tlb_no_execute(void)
{
	CHECK(page_new(T, RW));
	WORD(T) = 0xc3; /* ret */
	IS(guarded(touch_run, T), 0);
	CHANGED(T | 1, NX, NX);
	IS(guarded(touch_run, T), 1);
	IS(caught.error & 0x15, 0x15);
}

#define RANGE 40
void tlb_range(void)
{
	uint64_t base = T + 0x200000 - RANGE / 2 * PAGE; /* over the border of two level-1 tables */

	for (uint64_t i = 0; i < RANGE; i++) {
		CHECK(page_new(base + i * PAGE, RW | NX));
		WORD(base + i * PAGE) = i;
	}
	for (uint64_t i = 0; i < RANGE; i++)
		IS(WORD(base + i * PAGE), i);
	IS(rt_unmap(0, base, RANGE, 1), 0);
	for (uint64_t i = 0; i < RANGE; i++)
		IS(guarded(touch_read, base + i * PAGE), 1);
}

/* R/W of a link, level 2 and 3: all pages below are read-only at once. */
void tlb_link_rights(void)
{
	CHECK(page_new(T, RW | NX) && page_new(T + 0x200000 + PAGE, RW | NX));
	WORD(T) = WORD(T + 0x200000 + PAGE) = 1;
	CHANGED(T | 2, 0, RW);
	IS(guarded(touch_write, T), 1);
	WORD(T + 0x200000 + PAGE) = 2;
	CHANGED((T & -EXO_HOME_SIZE) | 3, 0, RW);
	IS(guarded(touch_write, T + 0x200000 + PAGE), 1);
	IS(WORD(T + 0x200000 + PAGE), 2);
}

/* The table goes while others still link it, so its entries stay. */
void tlb_unlink_table(void)
{
	uint64_t root;

	CHECK(page_new(T, RW | NX) && page_new(T + 0x200000, RW | NX));
	WORD(T) = 1;
	WORD(T + 0x200000) = 2;
	IS(actor_prepare(0, nothing, 0), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	CHECK(rt_table(root, T, 4) > 0 && rt_table(root, T, 3) > 0);
	IS(gate_pt_link(root, T | EXO_AT_SEALED | 2, 1, 0), 1);
	IS(WORD(T), 1);
	IS(gate_pte_write(0, T | 2, 1, 0, 0, 0), 1);
	IS(guarded(touch_read, T), 1);
	IS(WORD(T + 0x200000), 2);
}

void tlb_unlink_home(void)
{
	CHECK(home_new(H));
	IS(actor_prepare(0, nothing, 0), 0);
	IS(rt_env_home(&actor[0].spec, H, EXO_AT_RW), 0);
	WORD(H) = 1;
	IS(gate_pte_write(0, H | 3, 1, 0, 0, 0), 1);
	IS(guarded(touch_read, H), 1);
	IS(guarded(touch_write, H), 1);
}

void tlb_seal(void)
{
	uint64_t root;

	CHECK(page_new(T, RW | NX) && page_new(T2, RW | NX));
	IS(actor_prepare(0, nothing, 0), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	CHECK(rt_table(root, T, 4) > 0 && rt_table(root, T, 3) > 0);
	WORD(T) = 1;
	WORD(T2) = 1;
	IS(gate_pt_link(root, T | EXO_AT_SEALED | 2, 3, 0), 3);
	IS(guarded(touch_write, T), 1);
	IS(guarded(touch_write, T2), 1);
	IS(WORD(T), 1);
}

/* A frame that was written as data becomes a table: the translation with which it was written must be gone. */
void tlb_becomes_table(void)
{
	uint64_t pfn = page_new(T, RW | NX), secret = page_new(T + PAGE, NX);

	CHECK(pfn && secret);
	WORD(T) = 1;
	IS(rt_unmap(0, T, 1, 0), 0);
	IS(gate_frame_type(pfn, 1, EXO_PT1, 0), 1);
	IS(gate_pt_link(0, T2 | 2, 1, pfn), 1);
	IS(guarded(touch_write, T), 1);
	IS(guarded(touch_read, T2), 1); /* nothing was written into it */
}

/* A table is emptied, let go, and comes back as data that holds what look like entries. */
void tlb_table_recycled(void)
{
	uint64_t pfn = page_new(T2, RW | NX), table = PFN(rt_entry(T2, 2));

	CHECK(pfn && page_new(T, RW | NX));
	WORD(T2) = 5;
	IS(rt_unmap(0, T2, 1, 0), 0);
	IS(gate_pte_write(0, T2 | 2, 1, 0, 0, 0), 1);
	IS(gate_frame_type(table, 1, EXO_DATA, 0), 1);
	IS(rt_map(0, T + PAGE, table, 1, RW | NX), 0);
	for (int i = 0; i < 512; i++)
		WORD(T + PAGE + 8 * (uint64_t)i) = PTE(pfn, RW);
	IS(guarded(touch_read, T2), 1);
	IS(guarded(touch_write, T2), 1);
}

static void take_over(uint64_t pfn)
{
	shared[0] = (uint64_t)rt_tables(0, T, 0, 0) | (uint64_t)rt_map(0, T, pfn, 1, RW | NX);
	WORD(T) = 4711;
	shared[1] = 1;
	while (shared[1] == 1)
		(void)gate_yield(0, 0);
	shared[2] = WORD(T);
}

/* A frame changes hands: the giver's translation of it is gone with its entry. */
void tlb_changes_hands(void)
{
	uint64_t pfn = page_new(T, RW | NX);
	exo_name name = actor_start(0, take_over, pfn);

	CHECK(pfn && name);
	WORD(T) = 1;
	IS(rt_unmap(0, T, 1, 0), 0);
	IS(gate_frame_give(pfn, 1, name), 1);
	for (int i = 0; i < 1000 && !shared[1]; i++)
		(void)gate_yield(name, 0);
	IS(shared[0], 0);
	IS(guarded(touch_write, T), 1);
	IS(guarded(touch_read, T), 1);
	shared[1] = 2;
	CHECK(actor_finish(name));
	IS(shared[2], 4711);
}

/* The same address shows each env its own group, however often they take turns; none of it is a global translation. */
static void self_check(uint64_t argument)
{
	(void)argument;
	for (int i = 0; i < 20; i++) {
		shared[0] += ((volatile struct exo_page *)EXO_SELF_EXO)->self != rt_self();
		shared[1]++;
		(void)gate_yield(0, 0);
	}
}

void tlb_own_group(void)
{
	exo_name name = actor_start(0, self_check, 0);

	CHECK(name);
	while (env_state(name) == EXO_S_READY) {
		IS(((volatile struct exo_page *)EXO_SELF_EXO)->self, rt_self());
		(void)gate_yield(name, 0);
	}
	CHECK(actor_finish(name));
	IS(shared[0], 0);
	IS(shared[1], 20);
}

/* Private slots of two envs: equal addresses, different pages. */
static void private_page(uint64_t value)
{
	shared[2] += page_new(T, RW | NX) == 0;
	WORD(T) = value;
	for (int i = 0; i < 20; i++) {
		shared[0] += WORD(T) != value;
		(void)gate_yield(0, 0);
	}
}

void tlb_private_slot(void)
{
	exo_name name = actor_start(0, private_page, 7);

	CHECK(name && page_new(T, RW | NX));
	WORD(T) = 8;
	while (env_state(name) == EXO_S_READY) {
		(void)gate_yield(name, 0);
		IS(WORD(T), 8);
	}
	CHECK(actor_finish(name));
	IS(shared[0] + shared[2], 0);
}
