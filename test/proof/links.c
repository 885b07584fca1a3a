/* SPDX-License-Identifier: MIT */
/* Counts of links, and of the entries that a table has. */
#include "../../kernel/link.c"
#include "../../kernel/table.c"
#include "prove.h"

/* The class of what is linked in TABLE: both are tried. */
static bool global;

static void tables(int level)
{
	any_state();
	is_a(TABLE, (uint8_t)(EXO_PT1 + level - 1))->used = (uint16_t)any(0, 512);
	frames[TABLE].flags = global ? FRAME_GLOBAL : 0;
	is_a(CHILD, (uint8_t)(EXO_PT1 + level - 2))->used = (uint16_t)any(0, 512);
}

/* It has a link: each class that this may be of is counted. */
static void is_linked(void)
{
	frames[CHILD].glinks = (uint16_t)any(1, UINT16_MAX);
	frames[CHILD].plinks = (uint16_t)any(1, UINT16_MAX);
}

/* A link more. The callers have found its place empty, so that at most 511 entries are used, and the table's links of both classes below their maximum. */
static void one_more(int level, uint64_t va)
{
	tables(level);
	frames[TABLE].used = (uint16_t)any(0, 511);
	frames[CHILD].glinks = (uint16_t)any(0, UINT16_MAX - 1);
	frames[CHILD].plinks = (uint16_t)any(0, UINT16_MAX - 1);
	link_count(TABLE, va, &frames[CHILD]);
}

/* A link less, which stood there. */
static void one_less(int level, uint64_t va)
{
	tables(level);
	is_linked();
	frames[TABLE].used = (uint16_t)any(1, 512);
	uint64_t entry = any_link(CHILD);
	link_drop(TABLE, &entry, va, level, maybe());
}

/* A sealed link. The place may be taken, and the caller's own may be empty. */
static void sealed(int level, uint64_t va)
{
	struct walk w;
	bool shrunk = false;
	int64_t r = 0;
	tables(level);
	*walked_to(&w, va, level) = maybe() ? any_link(CHILD) : 0;
	*own_entry(va, level) = maybe() ? any_link(CHILD) : 0;
	link_sealed(&w, va, level, 1, &shrunk, &r);
}

static void live(void)
{
	struct walk w;
	tables(3);
	*walked_to(&w, HOME, 3) = maybe() ? any_link(CHILD) : 0;
	*own_entry(HOME, 3) = maybe() ? any_link(CHILD) : 0;
	homes[EXO_HOME_OF(HOME)].owner = (uint16_t)any(NO_ENV, KIN);
	homes[EXO_HOME_OF(HOME)].pt2 = maybe() ? CHILD : 0;
	link_live(&w, HOME, any(0, UINT64_MAX));
}

/* A new table, of any number. */
static void new(int level, uint64_t va, uint64_t lowest, uint64_t highest)
{
	struct walk w;
	int64_t r = 0;
	uint64_t number = any(lowest, highest);
	tables(level);
	*walked_to(&w, va, level) = maybe() ? any_link(CHILD) : 0;
	link_new(&w, maybe(), va, level, 1, &number, 0, &r);
}

/* An entry goes: of a table, or of a run. */
static void removed(int level, uint64_t va, bool run)
{
	tables(level);
	is_linked();
	uint64_t *entry = own_entry(va, level);
	frames[ROOT].used = (uint16_t)any(1, 255);
	frames[UPPER3].used = (uint16_t)any(1, 512);
	frames[UPPER2].used = (uint16_t)any(1, 512);
	is_a(RUN, EXO_RUN)->used = EXO_RUN_FRAMES;
	frames[RUN].maps = (uint32_t)any(1, UINT32_MAX);
	*entry = 0;
	if (run)
		*entry = any_leaf(RUN) | EXO_PTE_PS;
	else if (maybe())
		*entry = any_link(CHILD);
	link_remove(ROOT, va, level, 1, maybe(), 0);
}

static void prove_at(int level, uint64_t va)
{
	one_more(level, va);
	one_less(level, va);
	if (level < 4)
		sealed(level, va);
	new(level, va, CHILD, CHILD);
	new(level, va, FRAMES, UINT64_MAX);
	removed(level, va, false);
	if (level == 2)
		removed(level, va, true);
}

void prove(void)
{
	for (int class = 0; class < 2; class++) {
		global = class;
		for (int level = 2; level <= 4; level++) {
			prove_at(level, LOW);
			prove_at(level, HOME);
		}
		live();
	}
}
