/* SPDX-License-Identifier: MIT */
/* The model of pte_write: leaves, and the changing and taking away of links. */
#include "model.h"

enum { LEAF_BITS = EXO_PTE_P | EXO_PTE_RW | EXO_PTE_U | EXO_PTE_A | EXO_PTE_D };
#define AVAIL_NX (EXO_PTE_AVAIL | EXO_PTE_NX)

/* What the running op was called with. */
static struct {
	uint32_t root;
	uint64_t va, at, n, value, mask, proof;
	int level;
	const uint64_t *list;
} op;

static uint64_t here(uint64_t i) { return op.va + (i << model_shift(op.level)); }
static bool is_mine(uint32_t pfn) { return model[pfn].owner == model_me(); }

const char *model_place_check(const struct model_walk *w)
{
	return !w->reached ? "no table there" : !w->rw ? "wrote below a sealed link" : w->foreign ? "wrote into a stranger's live table" : NULL;
}

void model_dropped(uint32_t pfn, bool give)
{
	if (model_is_table(pfn)) {
		if (!model_links(pfn))
			model[pfn].sealed = false;
		model_home_check(pfn);
		if (!model_links(pfn) && !model[pfn].used) {
			model[pfn].base = 0;
			model[pfn].global = false;
		}
	}
	if (give && is_mine(pfn) && !model[pfn].pinned && !(model_is_table(pfn) && model[pfn].used && !model_links(pfn)))
		model[pfn].owner = 0;
	model_let_go(pfn);
}

static bool unshared_is_writable(uint32_t pfn, uint32_t but_table, unsigned but_index, unsigned *others)
{
	bool writable = false;

	*others = 0;
	for (uint32_t i = 0; i < model[pfn].place_count; i++) {
		const struct model_place *p = &model[pfn].place[i];
		if (p->table == but_table && p->index == but_index)
			continue;
		++*others;
		writable |= (model_entry[p->table][p->index] & EXO_PTE_RW) != 0;
	}
	return writable;
}

static const char *right_check(int at_level, uint64_t value, uint64_t proof)
{
	uint32_t pfn = model_pfn(value);
	uint64_t va;
	int level;

	if (is_mine(pfn))
		return NULL;
	if (!proof || !model_at(proof | (unsigned)at_level, 0, &va, &level))
		return "mapped a stranger's frame";
	struct model_walk w = model_walk(current_env()->root, va, level);
	if (!w.reached || !(w.entry & EXO_PTE_P) || !model_is_leaf(w.entry, level) || model_pfn(w.entry) != pfn)
		return "mapped a stranger's frame by a proof that names another";
	return value & EXO_PTE_RW && !(w.rw && w.entry & EXO_PTE_RW) ? "made a stranger's frame writable" : NULL;
}

static const char *leaf_one(uint64_t i, bool apply)
{
	struct model_walk w = model_walk(op.root, here(i), op.level);
	uint64_t value = op.value, proof = op.proof ? op.proof + (i << model_shift(op.level)) : 0;
	uint32_t pfn;
	unsigned index = model_index(here(i), op.level), others;
	const char *why;

	if (!w.reached && !w.run && value == 0 && !(op.at & EXO_AT_LIST))
		return NULL;
	if ((why = model_place_check(&w)))
		return why;
	if (op.at & EXO_AT_LIST) {
		if (!op.list)
			return "read an array that is not there";
		value = op.list[i];
	} else if (op.at & EXO_AT_STEP) {
		value += i << model_shift(op.level);
	}
	pfn = model_pfn(value);
	if (op.level == 2 && w.entry & EXO_PTE_P && !(w.entry & EXO_PTE_PS))
		return "wrote a run over a table";
	if (op.level == 2 && (value & EXO_PTE_P ? here(i) == 0 : value != 0))
		return "wrote a run over the null guard, or scratch bits at level 2";
	if (value & EXO_PTE_P) {
		if (value & ~(LEAF_BITS | AVAIL_NX | EXO_PTE_ADDR) || !(value & EXO_PTE_U) || pfn >= WORLD_FRAMES)
			return "wrote a bit or address that is the kernel's";
		if (op.level == 2 ? model[pfn].type != EXO_RUN || model[pfn].members != EXO_RUN_FRAMES
			: model[pfn].type != EXO_DATA && (!model_is_table(pfn) || value & EXO_PTE_RW))
			return "mapped a frame of that type";
		if ((why = right_check(op.level, value, proof)))
			return why;
		bool writable = unshared_is_writable(pfn, w.table, index, &others);
		if (!model_is_table(pfn) && !model[pfn].shared && others && (writable || value & EXO_PTE_RW))
			return "a second entry beside a writable one";
		if (model_maps(pfn) == MAPS_MAX)
			return "mapped more often than can be counted";
	} else if (value & EXO_PTE_ADDR) {
		return "an address in an absent entry";
	}
	if (!apply)
		return NULL;
	model_write(w.table, index, value & EXO_PTE_P && op.level == 2 ? value | EXO_PTE_PS : value);
	if (w.entry & EXO_PTE_P)
		model_dropped(model_pfn(w.entry), op.at & EXO_AT_GIVE && model_pfn(w.entry) != pfn);
	return NULL;
}

static const char *change_one(uint64_t i, bool apply)
{
	struct model_walk w = model_walk(op.root, here(i), op.level);
	uint64_t new = (w.entry & ~op.mask) | (op.value & op.mask);
	uint32_t pfn = model_pfn(w.entry);
	const char *why = op.mask ? model_place_check(&w) : w.reached ? NULL : "no table there";

	if (op.mask & ~(EXO_PTE_RW | EXO_PTE_A | EXO_PTE_D | AVAIL_NX))
		return "changed a bit that is not to be changed";
	if (!w.reached && !w.run && op.n > 1 && op.level == 1)
		return NULL;
	if (why)
		return why;
	if (!(w.entry & EXO_PTE_P))
		return op.n > 1 && op.level == 1 ? NULL : "changed an absent entry";
	if (!model_is_leaf(w.entry, op.level))
		return "changed a link as if it were a run";
	if (new & ~w.entry & EXO_PTE_RW && (model_is_table(pfn) || !is_mine(pfn) || (!model[pfn].shared && model[pfn].place_count != 1)))
		return "set R/W in an entry of a frame that is a stranger's, a table or not alone";
	if (apply)
		model_write(w.table, model_index(here(i), op.level), new);
	return NULL;
}

static const char *link_change_one(uint64_t i, bool apply)
{
	struct model_walk w = model_walk(op.root, here(i), op.level);
	uint32_t pfn = model_pfn(w.entry);
	uint64_t new = (w.entry & ~op.mask) | (op.value & op.mask);
	const char *why = op.mask ? model_place_check(&w) : w.reached ? NULL : "no table there";

	if (why)
		return why;
	if (op.mask & ~EXO_PTE_RW || (op.level == 4 && op.mask))
		return "changed a bit of a link";
	if (!(w.entry & EXO_PTE_P))
		return "changed an absent link";
	if (new & ~w.entry & EXO_PTE_RW) {
		if (op.level == 3 && model_is_live(pfn, here(i)) ? model_home_of(here(i))->owner != model_me() : !is_mine(pfn) || model_links(pfn) != 1)
			return "unsealed a table that is a stranger's or not alone";
		if (apply)
			model[pfn].sealed = false;
	}
	if (apply)
		model_write(w.table, model_index(here(i), op.level), new);
	return NULL;
}

static const char *unlink_one(uint64_t i, bool apply)
{
	struct model_walk w = model_walk(op.root, here(i), op.level);
	uint32_t pfn = model_pfn(w.entry);
	const char *why;

	if (!w.reached)
		return NULL;
	if ((why = model_place_check(&w)))
		return why;
	if (!(w.entry & EXO_PTE_P))
		return NULL;
	if (!(w.entry & EXO_PTE_PS) && model_links(pfn) == 1 && model[pfn].used)
		return "took the last link of a table with content";
	if (!apply)
		return NULL;
	model_write(w.table, model_index(here(i), op.level), op.level == 4 ? w.entry & EXO_LINK_BIT_PRIVATE : 0);
	model_dropped(pfn, op.at & EXO_AT_GIVE);
	return NULL;
}

const char *model_pte_write(int64_t r, uint64_t root, uint64_t at, uint64_t n, uint64_t value, const uint64_t *list, uint64_t mask, uint64_t proof)
{
	bool refused = !model_at(at, EXO_AT_STEP | EXO_AT_LIST | EXO_AT_CHANGE | EXO_AT_GIVE, &op.va, &op.level) || !(op.root = model_root(root)) || n == 0 || proof & 0xfff;

	if (refused || n > (EXO_WINDOW - op.va) >> model_shift(op.level))
		return EXO_IS_ERROR(r) ? NULL : "a form that is to be refused";
	op.at = at;
	op.value = value;
	op.list = list;
	op.mask = mask;
	op.proof = proof;
	op.n = n;
	bool runs = op.level == 2 && (at & EXO_AT_CHANGE ? model_walk(op.root, op.va, 2).entry & EXO_PTE_PS : at & EXO_AT_LIST || value & EXO_PTE_P);
	if (!(at & EXO_AT_CHANGE)) {
		if (runs)
			return model_range(r, n, leaf_one);
		if (op.level > 1 && (value || at & (EXO_AT_STEP | EXO_AT_LIST)))
			return EXO_IS_ERROR(r) ? NULL : "wrote a link by value";
		return model_range(r, n, op.level == 1 ? leaf_one : unlink_one);
	}
	model_element *one = op.level == 1 || runs ? change_one : link_change_one;
	if (op.level > 1 && !runs && n != 1)
		return EXO_IS_ERROR(r) ? NULL : "changed many links";
	if (n > 1 || EXO_IS_ERROR(r))
		return model_range(r, n, one);
	struct model_walk w = model_walk(op.root, op.va, op.level);
	if ((uint64_t)r != w.entry)
		return "the old entry";
	return model_range(1, 1, one);
}
