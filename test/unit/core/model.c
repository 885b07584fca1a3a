/* SPDX-License-Identifier: MIT */
/* The model's state: entries and who names whom. Knows no op. */
#include "model.h"

struct model_frame model[WORLD_FRAMES];
uint64_t model_entry[WORLD_FRAMES][512];
struct model_home model_home[MODEL_UNITS];
struct model_open model_open[EXO_ENV_MAX];
bool model_cut;
static uint32_t charged[WORLD_INDEX_MAX];

unsigned model_slots(uint32_t table) { return model[table].type == EXO_PT4 ? 255 : 512; }

void model_write(uint32_t table, unsigned index, uint64_t value)
{
	uint64_t old = model_entry[table][index];

	if (old & EXO_PTE_P) {
		struct model_frame *f = &model[model_pfn(old)];
		uint32_t i = 0;

		while (f->place[i].table != table || f->place[i].index != index)
			i++;
		f->place[i] = f->place[--f->place_count];
		model[table].used--;
	}
	if (value & EXO_PTE_P) {
		struct model_frame *f = &model[model_pfn(value)];

		if (f->place_count == f->place_max) {
			f->place_max = f->place_max ? 2 * f->place_max : 4;
			f->place = realloc(f->place, f->place_max * sizeof *f->place);
			CHECK(f->place);
		}
		f->place[f->place_count++] = (struct model_place){ (uint16_t)table, (uint16_t)index };
		model[table].used++;
	}
	model_entry[table][index] = value;
}

unsigned model_maps(uint32_t pfn)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < model[pfn].place_count; i++)
		n += model[model[pfn].place[i].table].type == EXO_PT1 || model_entry[model[pfn].place[i].table][model[pfn].place[i].index] & EXO_PTE_PS;
	return n;
}

unsigned model_links(uint32_t pfn) { return model[pfn].place_count - model_maps(pfn); }

static bool place_is_global(const struct model_place *p)
{
	if (model[p->table].type == EXO_PT4)
		return p->index && !(model_entry[p->table][p->index] & EXO_LINK_BIT_PRIVATE);
	return model[p->table].type != EXO_PT1 && model[p->table].global;
}

unsigned model_global_links(uint32_t pfn)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < model[pfn].place_count; i++)
		n += place_is_global(&model[pfn].place[i]);
	return n;
}

bool model_links_full(uint32_t pfn, bool global)
{
	unsigned in_homes = model_global_links(pfn);

	return (global ? in_homes : model_links(pfn) - in_homes) == LINKS_MAX;
}

static bool unit_of(uint64_t va, uint64_t *unit)
{
	*unit = (va - EXO_HOMES_BASE) >> EXO_HOME_SHIFT;
	return va >= EXO_HOMES_BASE && va < EXO_WINDOW && *unit < MODEL_UNITS;
}

struct model_home *model_home_of(uint64_t va)
{
	static struct model_home none;
	uint64_t unit;

	none = (struct model_home){ 0, 0 };
	return unit_of(va, &unit) ? &model_home[unit] : &none;
}

bool model_is_live(uint32_t pfn, uint64_t va)
{
	return model_home_of(va)->pt2 == pfn && !model[pfn].sealed;
}

/* A home's table is its one as long as a global link is left, or a live one anywhere. */
void model_home_check(uint32_t pt2)
{
	struct model_home *h = model_home_of(model[pt2].base);

	if (h->pt2 == pt2 && !model_global_links(pt2) && (model[pt2].sealed || !model_links(pt2)))
		h->pt2 = 0;
}

struct model_walk model_walk(uint32_t root, uint64_t va, int level)
{
	struct model_walk w = { .table = root, .reached = true, .rw = true, .given = true };

	w.private = va < EXO_SLOT_SIZE || model_entry[root][model_index(va, 4)] & EXO_LINK_BIT_PRIVATE;
	for (int l = 4; l > level; l--) {
		uint64_t e = model_entry[w.table][model_index(va, l)];
		uint32_t child = model_pfn(e);

		if (!(e & EXO_PTE_P))
			return (struct model_walk){ .private = w.private };
		if (e & EXO_PTE_PS)
			return (struct model_walk){ .private = w.private, .run = true };
		if (!(e & EXO_PTE_RW)) {
			w.rw = false;
			w.given = w.given && model[child].sealed;
		}
		if (l == 3 && model_is_live(child, va) && model_home_of(va)->owner != model_me() && !(e & EXO_LINK_BIT_REMAP))
			w.foreign = true;
		w.table = child;
	}
	w.entry = model_entry[w.table][model_index(va, level)];
	return w;
}

uint32_t model_charged(uint16_t account) { return charged[account]; }

void model_charge(uint32_t pfn, uint16_t account)
{
	charged[model[pfn].account] -= model_weight(pfn);
	charged[account] += model_weight(pfn);
	model[pfn].account = account;
	model[pfn].generation = env_generation[account];
}

void model_take(uint32_t pfn)
{
	model[pfn].type = EXO_DATA;
	model[pfn].owner = model_me();
	model[pfn].account = envs[model_me()].account;
	model[pfn].generation = env_generation[model[pfn].account];
	charged[model[pfn].account]++;
}

void model_free(uint32_t pfn)
{
	struct model_frame *f = &model[pfn];

	charged[f->account] -= model_weight(pfn);
	for (uint32_t i = 1; i < model_weight(pfn); i++) {
		model[pfn + i].type = EXO_FREE;
		model[pfn + i].account = f->account;
		model[pfn + i].generation = f->generation;
	}
	f->type = EXO_FREE;
	f->owner = 0;
	f->shared = f->sealed = f->pinned = f->used_root = f->global = false;
	f->base = 0;
}

void model_let_go(uint32_t pfn)
{
	const struct model_frame *f = &model[pfn];

	if (f->type != EXO_FREE && !f->owner && !f->place_count && !f->pinned && !f->used)
		model_free(pfn);
}

static void frame_load(uint32_t pfn)
{
	const struct exo_frame_rec *k = &frames[pfn];
	struct model_frame *f = &model[pfn];

	if (f->type > EXO_KERNEL && f->type != EXO_PART && pfn_is_ram(pfn))
		charged[f->account] -= model_weight(pfn);
	f->type = k->type;
	f->members = k->type == EXO_RUN ? k->used : 0;
	f->shared = (k->type == EXO_DATA || k->type == EXO_RUN) && k->flags & EXO_F_SHARED;
	f->sealed = frame_is_table(k) && k->flags & EXO_F_SEALED;
	f->global = frame_is_table(k) && k->flags & FRAME_GLOBAL;
	f->used_root = k->type == EXO_PT4 && k->flags & EXO_F_ROOT_USED;
	f->pinned = k->type != EXO_FREE && k->pins;
	f->owner = k->owner;
	f->account = k->account;
	f->base = frame_is_table(k) && k->type != EXO_PT4 ? (uint64_t)k->base << 21 : 0;
	if (f->type > EXO_KERNEL && f->type != EXO_PART) {
		charged[f->account] += model_weight(pfn);
		f->generation = env_generation[f->account];
	}
}

/* Entries of a table as they stand in RAM; of what is no table: none. */
static void entries_load(uint32_t pfn)
{
	const uint64_t *table = pfn_ptr(pfn);

	for (unsigned i = 0, slots = model_is_table(pfn) ? model_slots(pfn) : 0; i < 512; i++) {
		uint64_t e = i < slots ? table[i] : 0;

		if (model_entry[pfn][i] != e)
			model_write(pfn, i, e);
	}
}

static void homes_load(void)
{
	for (uint32_t i = 0; i < MODEL_UNITS; i++)
		model_home[i] = (struct model_home){ homes[i].owner, homes[i].pt2 };
}

void model_load(void)
{
	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++)
		frame_load(pfn);
	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++)
		if (model[pfn].used || model_is_table(pfn))
			entries_load(pfn);
	homes_load();
}
