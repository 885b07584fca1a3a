/* SPDX-License-Identifier: MIT */
/* Tests that try to get round the rules in more than one step: rights by detours, sealed tables, hostile exo pages, makers that die (rules 1 to 5, 11, 15, 18). */
#include <base/string.h>
#include "gate.h"

static void nothing(uint64_t argument) { (void)argument; }

/* ---- a read-only link gives no right to write, whatever the leaf says */

static void proof_detour(uint64_t pfn)
{
	shared[0] = (uint64_t)rt_tables(0, T, 0, 0);
	shared[1] = (uint64_t)gate_pte_write(0, T | 1, 1, PTE(pfn, RW | NX), 0, H);
	shared[2] = (uint64_t)gate_pte_write(0, H | EXO_AT_CHANGE | 1, 1, 0, RW, 0);
	shared[3] = (uint64_t)gate_pte_write(0, (H + PAGE) | 1, 1, PTE(rt_frame(), NX), 0, 0);
	shared[4] = (uint64_t)gate_pte_write(0, H | EXO_AT_CHANGE | 3, 1, RW, RW, 0);
	shared[5] = (uint64_t)gate_frame_type((uint64_t)rt_frame(), 1, EXO_PT1, 0);
	shared[6] = (uint64_t)gate_pt_link(0, (H + 0x200000) | 2, 1, (uint64_t)rt_frame());
	shared[7] = (uint64_t)rt_unmap(0, H, 1, 1);
	shared[8] = (uint64_t)gate_frame_adopt(pfn, H | 1);
}

void attack_read_only_link(void)
{
	uint64_t pfn = home_new(H);

	CHECK(pfn);
	WORD(H) = 17;
	IS(actor_prepare(0, proof_detour, pfn), 0);
	IS(rt_env_home(&actor[0].spec, H, 0), 0);
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(actor_finish(actor[0].name));
	IS(shared[0], 0);
	for (int i = 1; i < 9; i++)
		if (i != 5)
			REFUSED(shared[i]);
	IS(FRAME(pfn).owner, ME);
	IS(FRAME(pfn).maps, 1);
	WORD(H) = 18;
}

static void copy_detour(uint64_t level)
{
	int64_t pfn = rt_frame();

	shared[0] = (uint64_t)gate_frame_type((uint64_t)pfn, 1, level == 3 ? EXO_PT2 : EXO_PT1, 0);
	shared[1] = (uint64_t)gate_pt_copy(0, H | level, (uint64_t)pfn, 0, 512);
}

void attack_copy_of_live(void)
{
	CHECK(home_new(H));
	for (uint64_t level = 2; level <= 3; level++) {
		IS(actor_prepare(0, copy_detour, level), 0);
		IS(rt_env_home(&actor[0].spec, H, 0), 0);
		actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
		CHECK(actor_finish(actor[0].name));
		IS(shared[0], 1);
		REFUSED(shared[1]);
	}
	WORD(H) = 1; /* its owner's right was not touched */
}

void attack_seal_of_live(void)
{
	uint64_t slot = H3 & -EXO_SLOT_SIZE, root;

	CHECK(home_new(H3));
	IS(actor_prepare(0, nothing, 0), 0);
	IS(rt_env_home(&actor[0].spec, H3, EXO_AT_RW), 0);
	IS(actor_prepare(1, nothing, 0), 0);
	root = actor[1].spec.frames[EXO_EF_ROOT];
	IS(gate_home_set(root, EXO_HOME_PRIVATE, slot, 1), 1);
	CHECK(rt_table(root, H3, 4) > 0);
	IS(gate_pt_link(root, H3 | EXO_AT_SEALED | 3, 1, 0), -EXO_EBUSY);
	WORD(H3) = 2;
}

/* ---- a live table has many roots: what is cleared by way of one must be gone in the one that runs */

static void touch_read(uint64_t va) { (void)WORD(va); }
static void touch_write(uint64_t va) { WORD(va) = 99; }

void attack_flush_by_other_root(void)
{
	uint64_t root;

	CHECK(home_new(H) && page_new(H + PAGE, RW | NX) && page_new(H + 0x200000, RW | NX));
	IS(actor_prepare(0, nothing, 0), 0);
	IS(rt_env_home(&actor[0].spec, H, EXO_AT_RW | EXO_AT_REMAP), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	WORD(H) = 1; /* translations of all three are in the TLB now */
	WORD(H + PAGE) = 2;
	WORD(H + 0x200000) = 3;
	CHECK(!EXO_IS_ERROR(gate_pte_write(root, H | EXO_AT_CHANGE | 1, 1, 0, RW, 0)));
	IS(guarded(touch_write, H), 1);
	IS(gate_pte_write(root, (H + PAGE) | EXO_AT_GIVE | 1, 1, 0, 0, 0), 1);
	IS(guarded(touch_read, H + PAGE), 1);
	WORD(H + 0x200000) = 4;
	IS(gate_pte_write(root, (H + 0x200000) | 1, 1, 0, 0, 0), 1);
	IS(gate_pte_write(root, (H + 0x200000) | EXO_AT_GIVE | 2, 1, 0, 0, 0), 1);
	IS(guarded(touch_read, H + 0x200000), 1);
}

void attack_copy_by_other_root(void)
{
	uint64_t root, old;
	int64_t r;

	CHECK(home_new(H));
	IS(actor_prepare(0, nothing, 0), 0);
	IS(rt_env_home(&actor[0].spec, H, EXO_AT_RW | EXO_AT_REMAP), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	old = PFN(rt_entry(H, 2));
	WORD(H) = 1;
	r = rt_table_own(root, H | 2);
	CHECK(r > 0 || PFN(rt_entry(H, 2)) == old); /* done, or refused: then nothing has changed */
	IS(guarded(touch_write, H), !(rt_entry(H, 1) & (int64_t)RW));
}

/* Contents yes, entries no: that link must not let its holder seal a level-1 table of the home, either, and so take its owner's right to write. */
static void seal_detour(uint64_t argument)
{
	uint64_t root;

	(void)argument;
	shared[0] = (uint64_t)actor_prepare(1, nothing, 0);
	root = actor[1].spec.frames[EXO_EF_ROOT];
	shared[1] = (uint64_t)gate_home_set(root, EXO_HOME_PRIVATE, H3 & -EXO_SLOT_SIZE, 1);
	shared[2] = (uint64_t)rt_table(root, H3, 4);
	shared[3] = (uint64_t)rt_table(root, H3, 3);
	shared[4] = (uint64_t)gate_pt_link(root, H3 | EXO_AT_SEALED | 2, 1, 0);
	shared[5] = 1;
}

void attack_seal_foreign_home(void)
{
	CHECK(home_new(H3));
	IS(actor_prepare(0, seal_detour, 0), 0);
	IS(rt_env_home(&actor[0].spec, H3, EXO_AT_RW), 0);
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(actor_finish(actor[0].name));
	IS(shared[5], 1);
	IS(shared[1], 1);
	CHECK((int64_t)shared[2] > 0 && (int64_t)shared[3] > 0);
	REFUSED(shared[4]);
	IS(guarded(touch_write, H3), 0);
}

/* A link that is merely read-only: R/W was taken, not lent. Sealed onward it would come back as a right by unsealing. */
void seal_read_only(void)
{
	uint64_t root;

	CHECK(page_new(T, RW | NX));
	IS(actor_prepare(0, nothing, 0), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	CHECK(rt_table(root, T, 4) > 0 && rt_table(root, T, 3) > 0);
	CHECK(gate_pte_write(0, T | EXO_AT_CHANGE | 2, 1, 0, RW, 0) > 0);
	IS(gate_pt_link(root, T | EXO_AT_SEALED | 2, 1, 0), -EXO_EPERM);
	IS(guarded(touch_write, T), 1);
	CHECK(gate_pte_write(0, T | EXO_AT_CHANGE | 2, 1, RW, RW, 0) > 0);
	IS(gate_pt_link(root, T | EXO_AT_SEALED | 2, 1, 0), 1);
}

/* Contents yes, entries no: a level-1 table of the home that its owner has sealed is not replaced by who may only write pages. */
static void copy_in_home(uint64_t argument)
{
	uint64_t pfn = (uint64_t)rt_frame();

	(void)argument;
	shared[0] = (uint64_t)gate_frame_type(pfn, 1, EXO_PT1, 0);
	shared[1] = (uint64_t)gate_pt_copy(0, H3 | 2, pfn, 0, 512);
	shared[2] = 1;
}

void attack_copy_foreign_home(void)
{
	uint64_t root, table, theirs;

	CHECK(home_new(H3));
	table = PFN(rt_entry(H3, 2));
	IS(actor_prepare(0, copy_in_home, 0), 0);
	IS(rt_env_home(&actor[0].spec, H3, EXO_AT_RW), 0);
	IS(actor_prepare(1, nothing, 0), 0);
	root = actor[1].spec.frames[EXO_EF_ROOT];
	IS(gate_home_set(root, EXO_HOME_PRIVATE, H3 & -EXO_SLOT_SIZE, 1), 1);
	CHECK(rt_table(root, H3, 4) > 0 && rt_table(root, H3, 3) > 0);
	IS(gate_pt_link(root, H3 | EXO_AT_SEALED | 2, 1, 0), 1);
	/* What the copy goes into is the caller's own. */
	theirs = (uint64_t)rt_frame();
	IS(gate_frame_type(theirs, 1, EXO_PT1, 0), 1);
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	IS(gate_frame_give(theirs, 1, actor[0].name), 1);
	IS(gate_pt_copy(0, H3 | 2, theirs, 0, 512), -EXO_EPERM);
	CHECK(actor_finish(actor[0].name));
	IS(shared[0], 1);
	IS(shared[1], -EXO_EPERM);
	IS(shared[2], 1);
	IS(PFN(rt_entry(H3, 2)), table);
}

/* An op of a batch takes the page away that the batch's results go to. */
void attack_batch_unmaps_itself(void)
{
	struct exo_batch *ops = (struct exo_batch *)T;
	uint64_t pfn = page_new(T, RW | NX);
	int64_t r;

	CHECK(pfn);
	IS(actor_prepare(0, nothing, 0), 0); /* so that no frame is claimed below but the one */
	ops[0] = (struct exo_batch){ EXO_GATE_pte_write, { 0, T | EXO_AT_GIVE | 1, 1, 0, 0, 0 }, 7 };
	ops[1] = (struct exo_batch){ EXO_GATE_frame_claim, { pfn, 1, 0, 0 }, 7 };
	r = gate_batch(ops, 2);
	CHECK(r == -EXO_EFAULT || r == 0 || r == 1);
	IS(guarded(touch_read, T), 1);
	IS(FRAME(pfn).type, EXO_FREE); /* the second was not read from a page that is gone */
}

/* ---- the exo page is the env's: the kernel believes nothing of it */

void attack_exo_page(void)
{
	uint64_t group = EXO_GROUPS + ME * EXO_GROUP_SIZE + EXO_GROUP_EXO;
	exo_name self = rt_self(), name = actor_start(0, nothing, 0);
	uint64_t alias[3];

	CHECK(name);
	memcpy(alias, (const void *)rt_page()->iret_alias, sizeof alias);
	memset((void *)(group + 8), 0xff, PAGE - 8);
	memcpy((void *)rt_page()->iret_alias, alias, sizeof alias); /* lib/rt believes that one */
	rt_page()->disabled = 1;
	rt_page()->pending = ~0u;
	IS(gate_nop(), 0);
	IS(gate_yield(name, 0), 0);
	IS(rt_info->current, self);
	for (uint64_t end = rt_tsc() + 2 * rt_info->slice_ticks; rt_tsc() < end;)
		__asm__ volatile("pause");
	rt_page()->pending = ~0u;
	rt_page()->disabled = 0;
	for (uint64_t end = rt_tsc() + rt_info->tsc_hz; !seen.async_count && rt_tsc() < end;)
		__asm__ volatile("pause");
	CHECK(seen.async_count >= 1);
	IS(gate_yield(rt_self(), 0), 0);
	rt_env_end(name);
}

/* ---- a maker that dies leaves what its child still uses */

static void use_page(uint64_t argument)
{
	(void)argument;
	for (;;) {
		WORD(T)++;
		shared[1] = WORD(T);
		(void)gate_yield(0, 0);
	}
}

static void make_and_end(uint64_t argument)
{
	uint64_t root;

	(void)argument;
	shared[0] = (uint64_t)actor_prepare(1, use_page, 0);
	root = actor[1].spec.frames[EXO_EF_ROOT];
	/* Tables and page stay the maker's: not in the spec. */
	shared[0] |= (uint64_t)rt_tables(root, T, 0, 0) | (uint64_t)rt_map(root, T, (uint64_t)rt_frame(), 1, RW | NX);
	actor[1].name = (exo_name)gate_env_make(&actor[1].spec);
}

void maker_dies(void)
{
	exo_name name = actor_start(0, make_and_end, 0);
	uint64_t before;

	CHECK(name && actor_finish(name));
	IS(shared[0], 0);
	IS(env_state(actor[1].name), EXO_S_READY);
	IS(rt_creator(&rt_envs[EXO_NAME_INDEX(actor[1].name)]), rt_self());
	for (int i = 0; i < 5; i++)
		IS(gate_yield(actor[1].name, 0), 0);
	before = shared[1];
	CHECK(before >= 1);
	(void)gate_yield(actor[1].name, 0);
	CHECK(shared[1] > before);
	rt_env_end(actor[1].name);
}
