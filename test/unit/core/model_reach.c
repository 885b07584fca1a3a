/* SPDX-License-Identifier: MIT */
/* What ring 3 reaches: every leaf of every root with the rights of its whole path, and the rules that hold for those. */
#include "model.h"

static uint32_t unit_table[MODEL_UNITS]; /* what each home's addresses mean, by the first root that has them */
static uint16_t stamp[WORLD_FRAMES];     /* tables below living roots, and below what has an owner */

struct path { uint32_t root; bool rw, alone, global; };

static const char *table_reach(uint32_t table, int level, uint64_t base, struct path p)
{
	const char *wrong;

	stamp[table] = 1;
	for (unsigned i = 0, seen = 0; i < (level == 4 ? 255u : 512u) && seen < model[table].used; i++) {
		uint64_t e = model_entry[table][i], va = base + ((uint64_t)i << model_shift(level));
		uint32_t child = model_pfn(e);
		struct path below = p;

		if (!(e & EXO_PTE_P))
			continue;
		seen++;
		below.rw = p.rw && e & EXO_PTE_RW;
		if (model_is_leaf(e, level)) {
			if (level == 2 ? model[child].type != EXO_RUN : model[child].type == EXO_FREE || model[child].type == EXO_RUN || model[child].type == EXO_PART
				|| (below.rw && model[child].type != EXO_DATA))
				return "a root reaches a frame that is free, or writes a table";
			if (below.rw && !model[child].shared && (model[child].place_count != 1 || !p.alone))
				return "an unshared frame is writable though another reaches it";
			continue;
		}
		if (level == 4)
			below.global = i && !(e & EXO_LINK_BIT_PRIVATE);
		if (level == 3 && below.global) {
			uint32_t *meaning = &unit_table[(va - EXO_HOMES_BASE) >> EXO_HOME_SHIFT];
			if (*meaning && *meaning != child)
				return "an address outside private slots means two things";
			*meaning = child;
		}
		below.alone = p.alone && (model_links(child) == 1 || model_is_live(child, va));
		if ((wrong = table_reach(child, level - 1, va, below)))
			return wrong;
	}
	return NULL;
}

/* Tables below one that its owner can still link or that its end takes down. */
static void stamp_below(uint32_t table)
{
	if (stamp[table])
		return;
	stamp[table] = 1;
	for (unsigned i = 0, seen = 0; model[table].type != EXO_PT1 && i < model_slots(table) && seen < model[table].used; i++) {
		uint64_t e = model_entry[table][i];

		if (!(e & EXO_PTE_P))
			continue;
		seen++;
		if (!(e & EXO_PTE_PS))
			stamp_below(model_pfn(e));
	}
}

/* What the kernel holds for zeroed is: a table in its absent entries. */
static const char *clean_check(void)
{
	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++) {
		const uint64_t *word = pfn_ptr(pfn);

		if (!pfn_is_ram(pfn) || !(frames[pfn].flags & FRAME_CLEAN) || frames[pfn].type == EXO_PT4 || frames[pfn].type == EXO_ENV)
			continue;
		for (unsigned i = 0; i < 512; i++)
			if (word[i] && !(model_is_table(pfn) && word[i] & EXO_PTE_P))
				return "a frame that is marked as zeros holds something else";
	}
	return NULL;
}

const char *model_reach(void)
{
	const char *wrong;

	memset(unit_table, 0, sizeof unit_table);
	memset(stamp, 0, sizeof stamp);
	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++)
		if (model[pfn].type == EXO_PT4 && model[pfn].owner && (wrong = table_reach(pfn, 4, 0, (struct path){ pfn, true, true, false })))
			return wrong;
	/* What nobody owns is held by a living env's table, at whatever distance: else it is lost for ever. */
	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++)
		if (model_is_table(pfn) && model[pfn].owner)
			stamp_below(pfn);
	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++) {
		bool held = false;

		if (model[pfn].type <= EXO_KERNEL || model[pfn].type == EXO_PART || model[pfn].owner)
			continue;
		for (uint32_t i = 0; i < model[pfn].place_count; i++)
			held |= stamp[model[pfn].place[i].table];
		if (held)
			continue;
		static char text[128];
		snprintf(text, sizeof text, "disowned frame %u (type %d, %u entries name it, the first in %d) is reached from nowhere", pfn, model[pfn].type, model[pfn].place_count,
			model[pfn].place_count ? model[pfn].place[0].table : 0);
		return text;
	}
	return clean_check();
}
