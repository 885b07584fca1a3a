/* SPDX-License-Identifier: MIT */
/* Homes' live tables by cases that random ops meet too seldom: one whose owner let go, one named by way of a root being built, one that outlives envs. */
#include "model_args.h"

#define AT2 (UNIT(0) + 0x200000)

/* Env 1's home, and a child that links it live with these rights; the child runs. */
static uint32_t sharer_make(uint64_t rights)
{
	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, UNIT(0), 1), 1);
	tables_make(0, UNIT(0));
	world_child_home = UNIT(0);
	world_child_rights = rights;
	uint32_t index = EXO_NAME_INDEX(world_child(0));

	world_run(index);
	return index;
}

/* A root being built with a private slot, into which the caller's home table is sealed. */
static uint32_t sealed_root(void)
{
	uint32_t root = table_new(EXO_PT4);

	CHECK_EQ(op_home_set(root, EXO_HOME_PRIVATE, UNIT(0), 1), 1);
	CHECK_EQ(op_pt_link(root, UNIT(0) | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(op_pt_link(root, UNIT(0) | 3 | EXO_AT_SEALED, 1, 0), 1);
	return root;
}

/* Who may remap goes on in a home that its owner left: with a copy of the table, and the right to remap that. */
static void copy_keeps_remap(void)
{
	uint32_t index = sharer_make(EXO_AT_RW | EXO_AT_REMAP), copy;

	world_run(1);
	CHECK_EQ(op_pte_write(0, UNIT(0) | 3, 1, 0, 0, 0), 1);
	world_run(index);
	sealed_root();
	copy = table_new(EXO_PT2);
	CHECK_EQ(op_pt_copy(0, UNIT(0) | 3, copy, 0, 512), 512);
	CHECK_EQ(homes[0].pt2, copy);
	CHECK_EQ(op_pt_link(0, AT2 | 2, 1, table_new(EXO_PT1)), 1);
	world_check();
	world_end();
}

static void copy_needs_remap(void)
{
	uint32_t index = sharer_make(EXO_AT_RW);

	world_run(1);
	CHECK_EQ(op_pte_write(0, UNIT(0) | 3, 1, 0, 0, 0), 1);
	world_run(index);
	sealed_root();
	CHECK_EQ(op_pt_copy(0, UNIT(0) | 3, table_new(EXO_PT2), 0, 512), -EXO_EPERM);
	world_check();
	world_end();
}

/* A home that its owner unlinked keeps its meaning, and its owner, as long as another root links the table. */
static void live_links_hold_the_home(void)
{
	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, UNIT(0), 1), 1);
	tables_make(0, UNIT(0));
	uint32_t pt2 = homes[0].pt2, root = table_new(EXO_PT4);

	CHECK_EQ(op_pt_link(root, UNIT(0) | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(op_pt_link(root, UNIT(0) | 3 | EXO_AT_LIVE | EXO_AT_RW, 1, 0), 1);
	CHECK_EQ(homes[0].pt2, pt2);
	CHECK_EQ(op_pte_write(0, UNIT(0) | 3, 1, 0, 0, 0), 1);
	CHECK_EQ(homes[0].pt2, pt2);
	CHECK_EQ(op_home_set(0, EXO_HOME_RELEASE, UNIT(0), 1), -EXO_EBUSY);
	world_check();
	world_end();
}

/* What changes by way of a root being built is seen by way of the caller's own: rule 8. */
static void flush_by_way_of_another_root(void)
{
	uint32_t root;

	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, UNIT(0), 1), 1);
	tables_make(0, UNIT(0));
	CHECK_EQ(op_pte_write(0, UNIT(0) | 1, 1, (uint64_t)frame_new() << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW, 0, 0), 1);
	root = table_new(EXO_PT4);
	CHECK_EQ(op_pt_link(root, UNIT(0) | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(op_pt_link(root, UNIT(0) | 3 | EXO_AT_LIVE | EXO_AT_RW | EXO_AT_REMAP, 1, 0), 1);
	model_load();
	tlb_fill();
	CHECK(op_pte_write(root, UNIT(0) | 2 | EXO_AT_CHANGE, 1, 0, EXO_PTE_RW, 0) > 0);
	wrong_if(tlb_check());
	CHECK(op_pte_write(root, UNIT(0) | 2 | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0) > 0);
	model_load();
	tlb_fill();
	CHECK_EQ(op_pte_write(root, UNIT(0) | 1, 1, 0, 0, 0), 1);
	wrong_if(tlb_check());
	world_check();
	world_end();
}

/* Env 1's home, opened to the account of env 3, which has one of its own. */
static void opened_make(uint64_t rights)
{
	world_make();
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, UNIT(0), 1), 1);
	tables_make(0, UNIT(0));
	CHECK_EQ(op_home_set(world_env(3)->name, EXO_HOME_OPEN, UNIT(0), rights), 1);
	world_run(3);
	CHECK_EQ(op_pt_link(0, UNIT(0) | 4, 1, table_new(EXO_PT3)), 1);
}

static int64_t opened_link(uint64_t rights) { return op_pt_link(0, UNIT(0) | 3 | EXO_AT_LIVE | rights, 1, 0); }

/* Who a home is opened to links it while it runs, with what was given and no more; nobody else does. */
static void opened_is_linked(void)
{
	opened_make(EXO_OPEN_READ);
	CHECK_EQ(opened_link(EXO_AT_RW), -EXO_EPERM);
	CHECK_EQ(opened_link(EXO_AT_REMAP), -EXO_EPERM);
	CHECK_EQ(opened_link(0), 1);
	CHECK_EQ(opened_link(0), -EXO_EEXIST);
	CHECK_EQ(op_home_set(world_env(3)->name, EXO_HOME_OPEN, UNIT(0), EXO_OPEN_WRITE), -EXO_EPERM);
	CHECK_EQ(op_pt_link(0, AT2 | 2, 1, table_new(EXO_PT1)), -EXO_ESEALED);
	world_run(4);
	CHECK_EQ(op_pt_link(0, UNIT(0) | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(opened_link(0), -EXO_ENOENT);
	world_check();
	world_end();
}

static void opened_to_write(void)
{
	opened_make(EXO_OPEN_WRITE);
	CHECK_EQ(opened_link(EXO_AT_RW | EXO_AT_REMAP), -EXO_EPERM);
	CHECK_EQ(opened_link(EXO_AT_RW), 1);
	/* It guards no entries there. */
	CHECK_EQ(op_pt_link(0, AT2 | 2, 1, table_new(EXO_PT1)), -EXO_EPERM);
	world_check();
	world_end();
}

/* One at a time: what is opened after it, nobody in its place, and the home's release each end it. */
static void opened_ends(void)
{
	opened_make(EXO_OPEN_WRITE);
	world_run(1);
	CHECK_EQ(op_home_set(0, EXO_HOME_OPEN, UNIT(0), EXO_OPEN_READ), 1);
	world_run(3);
	CHECK_EQ(opened_link(0), -EXO_ENOENT);
	world_run(1);
	CHECK_EQ(op_home_set(world_env(3)->name, EXO_HOME_OPEN, UNIT(0), EXO_OPEN_READ), 1);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, UNIT(1), 1), 1);
	CHECK_EQ(op_home_set(world_env(3)->name, EXO_HOME_OPEN, UNIT(1), EXO_OPEN_READ), 1);
	world_run(3);
	CHECK_EQ(opened_link(0), -EXO_ENOENT);
	/* The other is empty. */
	CHECK_EQ(op_pt_link(0, UNIT(1) | 3 | EXO_AT_LIVE, 1, 0), -EXO_ENOENT);
	world_run(1);
	CHECK_EQ(op_home_set(0, EXO_HOME_RELEASE, UNIT(1), 1), 1);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, UNIT(1), 1), 1);
	tables_make(0, UNIT(1) + 0x200000);
	world_run(3);
	CHECK_EQ(op_pt_link(0, UNIT(1) | 3 | EXO_AT_LIVE, 1, 0), -EXO_ENOENT);
	world_check();
	world_end();
}

/* An account's number comes again with another account, which has no right to what the first was given. */
static void opened_to_a_dead_account(void)
{
	opened_make(EXO_OPEN_READ);
	exo_name old = current_env()->name, of[] = { world_env(4)->name, old };
	world_run(1);
	for (int i = 0; i < 2; i++)
		while (op_env_kill(of[i]) == -EXO_EAGAIN || world_env(EXO_NAME_INDEX(of[i])))
			;
	CHECK_EQ(op_home_set(old, EXO_HOME_OPEN, UNIT(0), EXO_OPEN_READ), -EXO_ESTALE);
	uint32_t index = EXO_NAME_INDEX(world_child(220));
	CHECK_EQ(index, EXO_NAME_INDEX(old));
	world_run(index);
	CHECK_EQ(op_pt_link(0, UNIT(0) | 4, 1, table_new(EXO_PT3)), 1);
	CHECK_EQ(opened_link(0), -EXO_ENOENT);
	world_check();
	world_end();
}

/* The owner takes the link back, and what is not its own it does not. */
static void opened_is_revoked(void)
{
	opened_make(EXO_OPEN_WRITE);
	struct env *e = current_env();
	CHECK_EQ(opened_link(EXO_AT_RW), 1);
	uint32_t pt2 = homes[0].pt2;
	world_run(4);
	CHECK_EQ(op_revoke(e->name, EXO_REVOKE_FRAME, UNIT(0) | 3, 0), -EXO_EPERM);
	world_run(1);
	CHECK_EQ(op_revoke(e->name, EXO_REVOKE_FRAME, UNIT(1) | 3, 0), -EXO_ENOENT);
	CHECK_EQ(op_revoke(e->name, EXO_REVOKE_FRAME, UNIT(0) | 3, 0), 1);
	CHECK_EQ(frames[pt2].glinks, 1);
	CHECK(e->exo->repossessed == 1 && e->exo->repossession[0].va == UNIT(0) && e->exo->pending & EXO_PEND_REVOKE);
	CHECK_EQ(op_revoke(e->name, EXO_REVOKE_FRAME, UNIT(0) | 3, 0), -EXO_ENOENT);
	/* It stands open still: until it is closed the other may link it again. */
	world_run(3);
	CHECK_EQ(opened_link(EXO_AT_RW), 1);
	world_run(1);
	/* The last link to a table with content is not taken: nobody could empty it. */
	CHECK_EQ(op_pte_write(0, UNIT(0) | 3, 1, 0, 0, 0), 1);
	CHECK_EQ(op_revoke(e->name, EXO_REVOKE_FRAME, UNIT(0) | 3, 0), -EXO_EBUSY);
	world_check();
	world_end();
}

/* A dying env's table that loses its last link to another env's end is emptied and freed all the same. */
static void two_ends_at_once(void)
{
	world_make();
	world_child_home = 0;
	uint32_t owner = EXO_NAME_INDEX(world_child(0)), sharer;

	world_run(owner);
	CHECK_EQ(op_home_set(0, EXO_HOME_CLAIM, UNIT(0), 1), 1);
	tables_make(0, UNIT(0));
	world_child_home = UNIT(0);
	sharer = EXO_NAME_INDEX(world_child(0));
	world_run(sharer);
	CHECK_EQ(op_frame_claim(600, 100, 0, 0), 100);
	uint32_t table = table_new(EXO_PT1);
	CHECK_EQ(op_pt_link(0, AT2 | 2, 1, table), 1);
	CHECK_EQ(op_pte_write(0, AT2 | 1, 1, (uint64_t)frame_new() << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U, 0, 0), 1);
	/* From here on the table stands in the other's home alone. */
	CHECK_EQ(op_pte_write(0, UNIT(0) | 3, 1, 0, 0, 0), 1);
	exo_name name = current_env()->name;
	world_run(owner);
	/* One step: what came last is in the second chain, the rest is not yet looked at. */
	world_interrupts = 1;
	CHECK_EQ(op_env_kill(name), -EXO_EAGAIN);
	world_interrupts = 0;
	CHECK_EQ(frames[table].owner, sharer);
	world_run(1);
	CHECK_EQ(op_env_kill(world_env(owner)->name), 0);
	CHECK(frames[table].used && !table_links(&frames[table]));
	CHECK_EQ(op_env_kill(name), 0);
	CHECK_EQ(frames[table].type, EXO_FREE);
	world_check();
	world_end();
}

__attribute__((constructor)) static void add(void)
{
	static struct test all[] = {
		{ "core.copy-keeps-remap", copy_keeps_remap, NULL }, { "core.copy-needs-remap", copy_needs_remap, NULL },
		{ "core.live-link-holds-the-home", live_links_hold_the_home, NULL }, { "core.flush-by-way-of-another-root", flush_by_way_of_another_root, NULL },
		{ "core.two-ends-at-once", two_ends_at_once, NULL },
		{ "core.opened-home-is-linked", opened_is_linked, NULL },
		{ "core.opened-home-to-write", opened_to_write, NULL },
		{ "core.opened-home-ends", opened_ends, NULL },
		{ "core.opened-to-a-dead-account", opened_to_a_dead_account, NULL },
		{ "core.opened-home-is-revoked", opened_is_revoked, NULL },
	};
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		test_add(&all[i]);
}
