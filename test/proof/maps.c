/* SPDX-License-Identifier: MIT */
/* Counts of entries that map a frame, a run or device memory. */
#include "../../kernel/leaf.c"
#include "../../kernel/pt_copy.c"
#include "prove.h"

/* TABLE has an entry for FRAME, or not; then the frame has that entry counted, and the table has. */
static uint64_t *place(struct walk *w, bool stands)
{
	any_state();
	is_a(TABLE, EXO_PT1)->used = (uint16_t)(stands ? any(1, 512) : any(0, 511));
	is_a(FRAME, EXO_DATA);
	uint64_t *entry = walked_to(w, EXO_NULL_GUARD, 1);
	*entry = 0;
	if (stands) {
		*entry = any_leaf(FRAME);
		frames[FRAME].maps = (uint32_t)any(1, UINT32_MAX);
	}
	return entry;
}

/* leaf_set, from any state of the place to any: an entry of the same frame, of another, of device memory, or none. */
static void set_one(bool stands, int becomes)
{
	struct walk w;
	place(&w, stands);
	is_a(OTHER, EXO_DATA);
	uint64_t value = 0;
	if (becomes == 1)
		value = any_leaf(FRAME);
	else if (becomes == 2)
		value = any_leaf(OTHER);
	else if (becomes == 3)
		value = any_leaf(FRAMES);
	leaf_set(&w, ROOT, EXO_NULL_GUARD, value, 0, maybe());
}

static void run_set(bool stands, bool becomes)
{
	struct walk w;
	any_state();
	is_a(TABLE, EXO_PT2)->used = (uint16_t)(stands ? any(1, 512) : any(0, 511));
	is_a(RUN, EXO_RUN)->used = EXO_RUN_FRAMES;
	uint64_t *entry = walked_to(&w, HOME, 2);
	*entry = 0;
	if (stands) {
		*entry = any_leaf(RUN) | EXO_PTE_PS;
		frames[RUN].maps = (uint32_t)any(1, UINT32_MAX);
	}
	leaf_set(&w, ROOT, HOME, becomes ? any_leaf(RUN) : 0, 0, maybe());
}

/* The quick ways. A table has as many entries as are used, so those that find empty places have room for them. */
static void mapped(void)
{
	struct walk w;
	uint64_t *entry = place(&w, false), value = any_leaf(FRAME);
	map_run(&w, entry, 1, &value, 0, 0, 0);
}

static void cleared(bool stands)
{
	struct walk w;
	uint64_t *entry = place(&w, stands), most = 1, rest = POLL;
	clear_run(&w, entry, &most, EXO_NULL_GUARD, ROOT, maybe(), &rest);
}

static void repossessed(void)
{
	struct walk w;
	uint64_t *entry = place(&w, true);
	leaf_clear(&w, ROOT, EXO_NULL_GUARD, entry, maybe());
}

/* Device memory with an entry: its holder counts it. */
static void device_gone(void)
{
	any_state();
	device_held = true;
	dev_frames_find(FRAMES)->maps = (uint32_t)any(1, UINT32_MAX);
	leaf_drop(any_leaf(FRAMES) | EXO_PTE_PWT, maybe());
}

/* pt_copy: a leaf, and a link. The copy's place is empty. */
static void copied(int level, bool private)
{
	any_state();
	uint64_t from = level == 1 ? any_leaf(FRAME) : any_link(CHILD), to = 0;
	is_a(TABLE, (uint8_t)(EXO_PT1 + level - 1))->used = (uint16_t)any(0, 511);
	is_a(FRAME, EXO_DATA);
	is_a(CHILD, EXO_PT1);
	if (level == 1)
		copy_leaf(&from, &to, TABLE);
	else
		copy_link(&from, &to, TABLE, private);
}

void prove(void)
{
	for (int stands = 0; stands < 2; stands++) {
		for (int becomes = 0; becomes < 4; becomes++)
			set_one(stands, becomes);
		run_set(stands, true);
		run_set(stands, false);
		cleared(stands);
	}
	mapped();
	repossessed();
	device_gone();
	copied(1, false);
	copied(2, false);
	copied(2, true);
}
