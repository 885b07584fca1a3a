/* SPDX-License-Identifier: MIT */
/* The model of pt_link and pt_copy. */
#include "model.h"

#define LINK (EXO_PTE_P | EXO_PTE_U | EXO_PTE_A)

/* What the running op was called with. */
static struct {
	uint32_t root, source;
	bool global; /* the class of what will be linked in the copy */
	uint64_t va, at, pfn, first;
	int level;
	const uint64_t *list;
} op;

static uint64_t here(uint64_t i) { return op.va + (i << model_shift(op.level)); }
static bool is_mine(uint32_t pfn) { return model[pfn].owner == model_me(); }

static const char *new_one(uint64_t i, bool apply)
{
	struct model_walk w = model_walk(op.root, here(i), op.level);
	const char *why = model_place_check(&w);
	uint64_t pfn = op.pfn + i;

	if (why)
		return why;
	if (op.at & EXO_AT_LIST && !op.list)
		return "read an array that is not there";
	if (op.at & EXO_AT_LIST)
		pfn = op.list[i];
	if (!model_is_ram(pfn) || !is_mine((uint32_t)pfn) || model[pfn].type != EXO_PT1 + op.level - 2)
		return "linked what is no table of the caller's";
	if (model_links((uint32_t)pfn) || model[pfn].used || w.entry & EXO_PTE_P)
		return "linked twice, or over another";
	if (!w.private && op.level == 3 && (model_home_of(here(i))->owner != model_me() || model_home_of(here(i))->pt2 || op.root != current_env()->root))
		return "linked a table into a home that is a stranger's or has one";
	if (!apply)
		return NULL;
	struct model_frame *t = &model[pfn];
	t->base = here(i);
	t->global = op.level == 4 ? !w.private : model[w.table].global;
	if (!w.private && op.level == 3)
		model_home_of(here(i))->pt2 = (uint32_t)pfn;
	model_write(w.table, model_index(here(i), op.level), pfn << 12 | LINK | EXO_PTE_RW | (op.level == 4 ? w.entry & EXO_LINK_BIT_PRIVATE : 0));
	return NULL;
}

static const char *sealed_one(uint64_t i, bool apply)
{
	struct model_walk w = model_walk(op.root, here(i), op.level), s = model_walk(current_env()->root, here(i), op.level);
	uint32_t pfn = model_pfn(s.entry);
	const char *why = model_place_check(&w);

	if (why)
		return why;
	if (!w.private || op.root == current_env()->root)
		return "sealed into a slot that is not private, or not of a root being built";
	if (!s.reached || !(s.entry & EXO_PTE_P))
		return NULL;
	if (w.entry & EXO_PTE_P)
		return "linked over another";
	if (s.entry & EXO_PTE_PS)
		return "sealed a run";
	if (s.foreign || !s.given || !(s.entry & EXO_PTE_RW || model[pfn].sealed))
		return "sealed what the caller has read-only, or what stands in a stranger's home";
	if (!model[pfn].sealed && model_links(pfn) > 1)
		return "sealed a live table";
	if (model_links_full(pfn, model[w.table].global))
		return "linked more often than can be counted";
	if (!apply)
		return NULL;
	model[pfn].sealed = true;
	model_write(s.table, model_index(here(i), op.level), s.entry & ~EXO_PTE_RW);
	model_write(w.table, model_index(here(i), op.level), (uint64_t)pfn << 12 | LINK);
	model_home_check(pfn);
	return NULL;
}

static const char *live_one(uint64_t i, bool apply)
{
	struct model_walk w = model_walk(op.root, here(i), 3), s = model_walk(current_env()->root, here(i), 3);
	const char *why = model_place_check(&w);

	if (why)
		return why;
	if (here(i) < EXO_HOMES_BASE)
		return "linked live what is no home's table";
	if (!s.reached || !(s.entry & EXO_PTE_P)) {
		uint64_t opened = model_opened(here(i));
		uint32_t pt2 = opened ? model_home_of(here(i))->pt2 : 0;
		s.entry = pt2 ? (uint64_t)pt2 << 12 | EXO_PTE_P : 0;
		if (opened == EXO_OPEN_WRITE)
			s.entry |= EXO_PTE_RW;
		s.rw = true;
	}
	uint32_t pfn = model_pfn(s.entry);
	if (!(s.entry & EXO_PTE_P) || !model_is_live(pfn, here(i)))
		return "linked live what is no home's table";
	if (w.entry & EXO_PTE_P)
		return "linked over another";
	if (op.at & EXO_AT_RW && !(s.rw && s.entry & EXO_PTE_RW))
		return "gave a right to write that the caller lacks";
	if (op.at & EXO_AT_REMAP && model_home_of(here(i))->owner != model_me() && !(s.entry & EXO_LINK_BIT_REMAP))
		return "gave a right to remap that the caller lacks";
	if (model_links_full(pfn, model[w.table].global))
		return "linked more often than can be counted";
	if (apply)
		model_write(w.table, model_index(here(i), 3), (uint64_t)pfn << 12 | LINK | (op.at & EXO_AT_RW ? EXO_PTE_RW : 0) | (op.at & EXO_AT_REMAP ? EXO_LINK_BIT_REMAP : 0));
	return NULL;
}

const char *model_pt_link(int64_t r, uint64_t root, uint64_t at, uint64_t n, uint64_t pfn, const uint64_t *list)
{
	uint64_t mode = at & (EXO_AT_SEALED | EXO_AT_LIVE);
	bool refused = !model_at(at, EXO_AT_LIST | EXO_AT_SEALED | EXO_AT_LIVE | EXO_AT_RW | EXO_AT_REMAP, &op.va, &op.level) || !(op.root = model_root(root)) || n == 0;

	if (refused || op.level == 1 || n > (EXO_WINDOW - op.va) >> model_shift(op.level) || mode == (EXO_AT_SEALED | EXO_AT_LIVE)
		|| (mode == EXO_AT_LIVE && op.level != 3) || (mode == EXO_AT_SEALED && op.level == 4) || (mode != EXO_AT_LIVE && at & (EXO_AT_RW | EXO_AT_REMAP)))
		return EXO_IS_ERROR(r) ? NULL : "a form that is to be refused";
	op.at = at;
	op.pfn = pfn;
	op.list = list;
	return model_range(r, n, mode == EXO_AT_LIVE ? live_one : mode == EXO_AT_SEALED ? sealed_one : new_one);
}

/* One entry into the copy. */
static const char *copy_one(uint64_t i, bool apply)
{
	unsigned index = (unsigned)(op.first + i);
	uint64_t e = model_entry[op.source][index];
	uint32_t pfn = model_pfn(e), copy = (uint32_t)op.pfn;

	if (!(e & EXO_PTE_P) || model_entry[copy][index] & EXO_PTE_P)
		return NULL;
	bool link = !model_is_leaf(e, op.level - 1);
	if (link && !(e & EXO_PTE_RW) && !model[pfn].sealed)
		return "copied a link that is merely read-only";
	if (link ? model_links_full(pfn, op.global) : model_maps(pfn) == MAPS_MAX)
		return "copied an entry of what cannot be counted further";
	if (!apply)
		return NULL;
	if (link)
		model[pfn].sealed = true;
	if (link || !model[pfn].shared)
		e &= ~EXO_PTE_RW;
	model_write(op.source, index, e);
	model_write(copy, index, e);
	return NULL;
}

const char *model_pt_copy(int64_t r, uint64_t root, uint64_t at, uint64_t pfn, uint64_t first, uint64_t n)
{
	bool refused = !model_at(at, EXO_AT_GIVE, &op.va, &op.level) || !(op.root = model_root(root)) || op.level < 2 || op.level > 3
		|| first > 512 || n > 512 - first || n == 0 || !model_is_ram(pfn);
	const char *why;

	if (refused)
		return EXO_IS_ERROR(r) ? NULL : "a form that is to be refused";
	struct model_walk w = model_walk(op.root, op.va, op.level);
	struct model_frame *d = &model[pfn], *s = &model[model_pfn(w.entry)];
	struct model_home *home = model_home_of(op.va);
	uint32_t copy = (uint32_t)pfn, source = model_pfn(w.entry);
	bool global = !w.private && op.level == 3;

	op.at = at;
	op.pfn = pfn;
	op.first = first;
	op.source = source;
	op.global = model[w.table].global;
	why = model_place_check(&w);
	if (!why && !(w.entry & EXO_PTE_P))
		why = "copied what is not there";
	if (!why && w.entry & EXO_PTE_PS)
		why = "copied a run as a table";
	if (!why && (d->owner != model_me() || d->type != s->type || d->pinned || model_links(copy)))
		why = "copied into a table that is linked, of another kind or a stranger's";
	if (!why && d->used && (d->base != s->base || d->global != model[w.table].global))
		why = "copied on into another copy";
	if (!why && (!s->sealed || model_links(source) < 2))
		why = "copied a table that is not shared";
	if (!why && global && (model_global_links(source) != 1 || (home->owner != model_me() && !(w.entry & EXO_LINK_BIT_REMAP))))
		why = "gave a home another table over a link without that right";
	if (why || EXO_IS_ERROR(r))
		return why && EXO_IS_ERROR(r) ? NULL : why ? why : model_range(r, n, copy_one);
	why = model_range(r, n, copy_one);
	if (d->used || (uint64_t)r == n) {
		d->base = s->base;
		d->global = op.global;
	}
	if (why || (uint64_t)r < n)
		return why;
	bool was_home = global && home->pt2 == source;
	model_write(w.table, model_index(op.va, op.level), (uint64_t)copy << 12 | LINK | EXO_PTE_RW | (w.entry & EXO_LINK_BIT_REMAP));
	model_dropped(source, at & EXO_AT_GIVE);
	if (was_home)
		home->pt2 = copy;
	return NULL;
}
