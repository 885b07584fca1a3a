/* SPDX-License-Identifier: MIT */
/* The model of the frame and home ops. */
#include "model.h"

const char *model_range(int64_t r, uint64_t n, model_element *one)
{
	const char *why;

	if (EXO_IS_ERROR(r))
		return one(0, false) ? NULL : "refused what is allowed";
	if (r == 0 || (uint64_t)r > n)
		return "count out of range";
	for (uint64_t i = 0; i < (uint64_t)r; i++)
		if ((why = one(i, true)))
			return why;
	return (uint64_t)r < n && !model_cut && !one((uint64_t)r, false) ? "stopped early" : NULL;
}

uint32_t model_root(uint64_t root)
{
	const struct env *me = current_env();

	if (root == 0 || root == me->root)
		return me->root;
	if (!model_is_ram(root) || model[root].type != EXO_PT4 || model[root].owner != me->index || model[root].used_root)
		return 0;
	return (uint32_t)root;
}

bool model_at(uint64_t at, uint64_t allowed, uint64_t *va, int *level)
{
	*level = (int)(at & 7);
	*va = at & ~0xffful;
	if (*level < 1 || *level > 4 || at & 0xff8 & ~allowed || *va >= EXO_WINDOW)
		return false;
	return !(*va & ((1ul << model_shift(*level)) - 1)) && (*level > 1 || *va >= EXO_NULL_GUARD);
}

/* What the running op was called with. */
static struct {
	uint64_t pfn, n, type, flags, proof;
	const uint64_t *list;
	const struct env *to;
	uint32_t room;
	uint64_t va;
	uint32_t taken;
	uint64_t gone; /* give: elements that went with a run */
} op;

static const char *claim_one(uint64_t i, bool apply)
{
	uint32_t pfn;

	if (!apply && op.taken >= op.room)
		return "beyond the account";
	if (op.pfn >= EXO_ZEROED) {
		if (!op.list)
			return "the list cannot be written";
		if (!apply) {
			for (pfn = 0; pfn < WORLD_FRAMES; pfn++)
				if (model[pfn].type == EXO_FREE)
					return NULL;
			return "no frame is free";
		}
		if (op.list[i] >= WORLD_FRAMES)
			return "a claimed frame is no frame";
		pfn = (uint32_t)op.list[i];
	} else {
		pfn = (uint32_t)(op.pfn + i);
	}
	if (pfn >= WORLD_FRAMES || model[pfn].type != EXO_FREE)
		return "claimed a frame that is not free";
	if (!apply)
		return NULL;
	if (++op.taken > op.room)
		return "claimed beyond the account";
	model_take(pfn);
	return NULL;
}

static const char *adopt_one(uint64_t i, bool apply)
{
	uint32_t pfn = (uint32_t)op.pfn;
	uint64_t va;
	int level;

	(void)i;
	if (!model_at(op.proof, 0, &va, &level) || !model_is_ram(op.pfn) || op.n != 1)
		return "adopted without a proof";
	struct model_frame *f = &model[pfn];
	struct model_walk w = model_walk(current_env()->root, va, level);

	if (f->type == EXO_FREE || f->type == EXO_PART || f->owner || f->pinned)
		return "adopted what is owned, free or pinned";
	if (!w.reached || !(w.entry & EXO_PTE_P) || model_pfn(w.entry) != pfn || !model_is_leaf(w.entry, level) != model_is_table(pfn))
		return "adopted by a proof that names something else";
	if (f->place_count != 1 || !w.rw)
		return "adopted what others reach";
	if (w.foreign || (model_is_table(pfn) && !(w.entry & EXO_PTE_RW) && !f->sealed))
		return "adopted over a link that does not give that right";
	if (f->account != envs[model_me()].account && op.room < model_weight(pfn))
		return "adopted beyond the account";
	if (!apply)
		return NULL;
	f->owner = model_me();
	model_charge(pfn, envs[model_me()].account);
	return NULL;
}

const char *model_claim(int64_t r, uint64_t pfn, uint64_t n, const uint64_t *list, uint64_t proof, uint32_t room)
{
	op.pfn = pfn;
	op.n = n;
	op.list = list;
	op.proof = proof;
	op.room = room;
	op.taken = 0;
	return model_range(r, n, proof ? adopt_one : claim_one);
}

static bool is_half(uint64_t pfn)
{
	return pfn < WORLD_FRAMES && !op.to && model[pfn].owner == model_me() && model_is_table((uint32_t)pfn)
		&& model[pfn].type != EXO_PT4 && model[pfn].used && !model_links((uint32_t)pfn);
}

/* What the kernel took out of half a copy goes here too, in order; NULL or what it may not take, or left too early. */
static const char *half_empty(uint32_t pfn)
{
	int level = model[pfn].type - EXO_PT1 + 1;

	for (unsigned i = 0; i < 512 && model[pfn].used; i++) {
		uint64_t e = model_entry[pfn][i];
		uint32_t child = model_pfn(e);

		if (!(e & EXO_PTE_P))
			continue;
		bool last = !model_is_leaf(e, level) && model_links(child) == 1 && model[child].used;
		if (frames[pfn].used && ((uint64_t *)pfn_ptr(pfn))[i] & EXO_PTE_P)
			return last || model_cut ? NULL : "left half a copy half emptied";
		if (last)
			return "took the last link of a table with content";
		model_write(pfn, i, 0);
		model_dropped(child, false);
	}
	if (!model[pfn].used) {
		model[pfn].base = 0;
		model[pfn].global = false;
	}
	return NULL;
}

static const char *give_one(uint64_t i, bool apply)
{
	uint32_t pfn = (uint32_t)(op.pfn + i);

	if (i < op.gone)
		return NULL;
	if (!model_is_ram(op.pfn + i) || model[pfn].type == EXO_FREE || model[pfn].owner != model_me())
		return "gave a stranger's frame";
	if (model_weight(pfn) > op.n - i)
		return "gave part of a run";
	struct model_frame *f = &model[pfn];
	if (f->pinned || (model_is_table(pfn) && f->used && !model_links(pfn)))
		return "gave what is pinned or has content";
	if (op.to && model_is_table(pfn) && model_links(pfn))
		return "gave a linked table";
	if (op.to && envs[op.to->index].account != f->account && op.taken + model_weight(pfn) > op.room)
		return "gave beyond the account";
	if (!apply)
		return NULL;
	op.gone = i + model_weight(pfn);
	if (op.to) {
		if (envs[op.to->index].account != f->account)
			op.taken += model_weight(pfn);
		f->owner = op.to->index;
		model_charge(pfn, envs[op.to->index].account);
	} else {
		f->owner = 0;
		model_let_go(pfn);
	}
	return NULL;
}

const char *model_give(int64_t r, uint64_t pfn, uint64_t n, const struct env *to, bool stale, uint32_t room)
{
	op.pfn = pfn;
	op.n = n;
	op.to = to;
	op.room = room;
	op.taken = 0;
	if (stale || (to && envs[to->index].account != envs[model_me()].account && to->creator != current_env()) || pfn >= WORLD_FRAMES || n > WORLD_FRAMES - pfn)
		return EXO_IS_ERROR(r) ? NULL : "gave to an env that is no relation";
	op.gone = 0;
	bool was_half = is_half(pfn); /* which is a call of its own */
	const char *why = was_half ? half_empty((uint32_t)pfn) : NULL;
	if (why)
		return why;
	if (is_half(pfn))
		return r ? "gave what has content" : NULL;
	why = model_range(r, was_half ? 1 : n, give_one);
	return why || EXO_IS_ERROR(r) || op.gone == (uint64_t)r ? why : "gave part of a run";
}

static const char *join_one(uint32_t pfn, bool apply)
{
	struct model_frame *f = &model[pfn], *head = &model[model_head(pfn)];

	if (f->type != EXO_DATA || f->place_count || f->pinned)
		return "joined what is counted or no frame";
	if (f != head && (head->type != EXO_RUN || head->owner != model_me() || head->members != pfn % EXO_RUN_FRAMES))
		return "joined a run that is a stranger's or grows elsewhere";
	if (!apply)
		return NULL;
	if (f == head) {
		f->type = EXO_RUN;
		f->members = 1;
		f->shared = op.flags;
		return NULL;
	}
	f->type = EXO_PART;
	f->owner = f->account = 0;
	f->shared = false;
	head->members++;
	return NULL;
}

static void split(uint32_t pfn)
{
	uint32_t members = model[pfn].members;

	model[pfn].members = 0;
	model[pfn].type = EXO_DATA;
	model[pfn].shared = op.flags;
	for (uint32_t i = 1; i < members; i++) {
		struct model_frame *f = &model[pfn + i];

		f->type = EXO_DATA;
		f->owner = model[pfn].owner;
		f->account = model[pfn].account;
		f->generation = model[pfn].generation;
		f->shared = op.flags;
	}
}

static const char *type_one(uint64_t i, bool apply)
{
	uint32_t pfn = (uint32_t)(op.pfn + i);

	if (op.type == EXO_RUN && model_is_ram(op.pfn + i) && model[pfn].type == EXO_PART && model[model_head(pfn)].owner == model_me())
		return NULL;

	if (!model_is_ram(op.pfn + i) || model[pfn].type == EXO_FREE || model[pfn].owner != model_me())
		return "retyped a stranger's frame";
	struct model_frame *f = &model[pfn];
	if (f->pinned)
		return "retyped a pinned frame";
	if (f->type == op.type && (op.type == EXO_DATA || op.type == EXO_RUN)) {
		if (f->place_count > 1 || (f->place_count && f->shared && !op.flags))
			return "changed the shared flag of a mapped frame";
	} else if (f->place_count || f->used) {
		return "retyped what is counted";
	} else if (op.type == EXO_RUN) {
		return join_one(pfn, apply);
	} else if (f->type == EXO_RUN && op.type != EXO_DATA) {
		return "made a table of a run";
	}
	if (!apply)
		return NULL;
	if (f->type == EXO_RUN && op.type == EXO_DATA) {
		split(pfn);
		return NULL;
	}
	if (op.type != EXO_DATA || f->type != EXO_DATA) {
		f->sealed = f->global = false;
		f->base = 0;
		/* Scratch words of absent entries and declarations of slots are not kept. */
		memset(model_entry[pfn], 0, sizeof model_entry[pfn]);
	}
	f->type = (uint8_t)op.type;
	f->shared = op.flags;
	return NULL;
}

const char *model_type(int64_t r, uint64_t pfn, uint64_t n, uint64_t type, uint64_t flags)
{
	op.pfn = pfn;
	op.type = type;
	op.flags = flags;
	if (((type < EXO_DATA || type > EXO_PT4) && type != EXO_RUN) || flags & ~(type == EXO_DATA || type == EXO_RUN ? (uint64_t)EXO_F_SHARED : 0) || pfn >= WORLD_FRAMES || n > WORLD_FRAMES - pfn)
		return EXO_IS_ERROR(r) ? NULL : "retyped to what is no type";
	return model_range(r, n, type_one);
}

static const char *home_claim_one(uint64_t i, bool apply)
{
	struct model_home *h = &model_home[((op.va - EXO_HOMES_BASE) >> EXO_HOME_SHIFT) + i];

	if (h->owner || h->pt2)
		return "claimed a home that is somebody's";
	if (op.taken >= op.room)
		return "claimed homes beyond the account";
	if (apply) {
		h->owner = model_me();
		op.taken++;
	}
	return NULL;
}

static const char *home_release_one(uint64_t i, bool apply)
{
	struct model_home *h = &model_home[((op.va - EXO_HOMES_BASE) >> EXO_HOME_SHIFT) + i];

	if (h->owner != model_me() || h->pt2)
		return "released a home that is a stranger's or linked";
	if (apply) {
		h->owner = 0;
		if (model_open[model_me()].unit == (uint64_t)(h - model_home))
			model_open[model_me()].by = 0;
	}
	return NULL;
}

uint64_t model_opened(uint64_t va)
{
	uint16_t owner = model_home_of(va)->owner, account = envs[model_me()].account;
	const struct model_open *o = &model_open[owner];

	if (!o->by || o->by != envs[owner].name || o->unit != EXO_HOME_OF(va))
		return 0;
	return o->account == account && o->generation == env_generation[account] ? o->rights : 0;
}

static const char *home_open(int64_t r, uint64_t name, uint64_t rights)
{
	uint64_t unit = EXO_HOME_OF(op.va);
	const struct env *to = name ? env_by_name(name) : NULL;
	uint16_t account = to ? envs[to->index].account : 0;
	bool formed = !(op.va & (EXO_HOME_SIZE - 1)) && (rights == EXO_OPEN_READ || rights == EXO_OPEN_WRITE);
	bool allowed = formed && model_home[unit].owner == model_me() && (to || !name);

	if (allowed != (r == 1))
		return "opening of a home";
	if (allowed)
		model_open[model_me()] = (struct model_open){
			to ? current_env()->name : 0, unit, rights, account, env_generation[account] };
	return NULL;
}

const char *model_home_set(int64_t r, uint64_t root, uint64_t what, uint64_t va, uint64_t n, uint32_t room)
{
	op.va = va;
	op.room = room;
	op.taken = 0;
	if (va < EXO_HOMES_BASE || va >= EXO_WINDOW || what > EXO_HOME_OPEN)
		return EXO_IS_ERROR(r) ? NULL : "home_set out of range";
	if (what == EXO_HOME_OPEN)
		return home_open(r, root, n);
	if (what != EXO_HOME_PRIVATE)
		return model_range(r, n, what == EXO_HOME_CLAIM ? home_claim_one : home_release_one);
	uint32_t in = model_root(root);
	bool allowed = n == 1 && !(va & (EXO_SLOT_SIZE - 1)) && in && !(model_entry[in][model_index(va, 4)] & EXO_PTE_P);
	if (allowed != (r == 1))
		return "declaration of a private slot";
	if (allowed)
		model_write(in, model_index(va, 4), EXO_LINK_BIT_PRIVATE);
	return NULL;
}
