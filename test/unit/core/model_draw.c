/* SPDX-License-Identifier: MIT */
/* One random op of the binding core, performed by the kernel and by the model. */
#include "model_args.h"

enum { LIST_MAX = 64 };

#define WATCHED(call) (refusal_keep(), refusal_check(call))
#define op_frame_claim(...) WATCHED(op_frame_claim(__VA_ARGS__))
#define op_frame_give(...) WATCHED(op_frame_give(__VA_ARGS__))
#define op_frame_type(...) WATCHED(op_frame_type(__VA_ARGS__))
#define op_pte_write(...) WATCHED(op_pte_write(__VA_ARGS__))
#define op_pt_link(...) WATCHED(op_pt_link(__VA_ARGS__))
#define op_pt_copy(...) WATCHED(op_pt_copy(__VA_ARGS__))
#define op_home_set(...) WATCHED(op_home_set(__VA_ARGS__))

uint64_t draw_count;
bool draw_trace;
char draw_text[160];
void wrong_if(const char *why)
{
	if (why)
		test_fail("op %llu, env %u, %s: %s", (unsigned long long)draw_count, current_env() ? current_env()->index : 0, draw_text, why);
}

/* ---- frame ops */

static void claimed_is_clean(uint32_t pfn, bool always)
{
	static const uint8_t zero[EXO_PAGE_SIZE];
	uint16_t account = envs[model_me()].account;

	if ((always || model[pfn].account != account || model[pfn].generation != env_generation[account]) && memcmp(pfn_ptr(pfn), zero, EXO_PAGE_SIZE))
		wrong_if("a claimed frame is not zeroed");
}

static void draw_claim(void)
{
	uint64_t pfn = one_in(2) ? EXO_ANY : one_in(2) ? EXO_ZEROED : random_below(WORLD_FRAMES - 4), n = 1 + random_below(4), *list = pfn >= EXO_ZEROED ? list_page(true) : NULL;
	uint32_t left = room(envs[model_me()].account, EXO_C_FRAMES);

	OP("frame_claim(%ld, %lu)", pfn, n);
	int64_t r = op_frame_claim(pfn, n, WORLD_PAGE, 0);
	for (int64_t i = 0; i < r; i++) {
		uint64_t p = list ? list[i] : pfn + (uint64_t)i;
		if (p < WORLD_FRAMES)
			claimed_is_clean((uint32_t)p, pfn == EXO_ZEROED);
	}
	wrong_if(model_claim(r, pfn, n, list, 0, left));
}

static void draw_adopt(void)
{
	int level = 1 + (int)random_below(3);
	uint64_t at = 0, pfn = 0;

	/* Something disowned that stands in the caller's own root, if a look at a few places shows it. */
	for (int tries = 0; tries < 40; tries++) {
		at = (any_va() & ~((1ul << model_shift(level)) - 1)) | (unsigned)level;
		if (at >= EXO_WINDOW)
			continue;
		struct model_walk w = model_walk(current_env()->root, at & ~0xffful, level);
		if (w.entry & EXO_PTE_P) {
			pfn = model_pfn(w.entry);
			if (!model[pfn].owner)
				break;
		}
	}
	uint32_t left = room(envs[model_me()].account, EXO_C_FRAMES);
	OP("frame_claim(%lu, 1, 0, %lx)", pfn, at);
	wrong_if(model_claim(op_frame_claim(pfn, 1, 0, at), pfn, 1, NULL, at, left));
}

void draw_give(void)
{
	struct env *to = one_in(3) ? any_env() : NULL;
	uint64_t pfn = any_frame(0), n = one_in(6) ? 1 + random_below(5) : 1;
	bool stale = to && envs[to->index].state == EXO_S_DYING;
	uint32_t left = to ? room(envs[to->index].account, EXO_C_FRAMES) : 0;

	OP("frame_give(%lu, %lu, %u)", pfn, n, to ? to->index : 0);
	wrong_if(model_give(op_frame_give(pfn, n, to ? to->name : 0), pfn, n, to, stale, left));
}

static void draw_type(void)
{
	uint64_t pfn = any_frame(one_in(5) ? 0 : EXO_DATA), n = one_in(6) ? 1 + random_below(5) : 1, type = one_in(3) ? EXO_DATA : EXO_DATA + random_below(6);
	if (one_in(12))
		type = EXO_RUN;
	uint64_t flags = (type == EXO_DATA || type == EXO_RUN) && one_in(2) ? EXO_F_SHARED : one_in(30) ? random_below(4) : 0;

	OP("frame_type(%lu, %lu, %lu, %lu)", pfn, n, type, flags);
	wrong_if(model_type(op_frame_type(pfn, n, type, flags), pfn, n, type, flags));
}

/* Frames from a boundary on, all free or the caller's, become a run: mostly a whole one. */
static void draw_run(void)
{
	uint64_t head = EXO_RUN_FRAMES * (1 + random_below(WORLD_FRAMES / EXO_RUN_FRAMES - 1)), n = one_in(6) ? 1 + random_below(EXO_RUN_FRAMES) : EXO_RUN_FRAMES;
	uint64_t flags = one_in(3) ? EXO_F_SHARED : 0;

	if (room(envs[model_me()].account, EXO_C_FRAMES) < 3 * EXO_RUN_FRAMES)
		return;
	for (uint64_t pfn = head; pfn < head + n; pfn++)
		if (model[pfn].type == EXO_FREE) {
			OP("frame_claim(%lu, 1)", pfn);
			wrong_if(model_claim(op_frame_claim(pfn, 1, 0, 0), pfn, 1, NULL, 0, 1));
		}
	OP("frame_type(%lu, %lu, RUN, %lu)", head, n, flags);
	wrong_if(model_type(op_frame_type(head, n, EXO_RUN, flags), head, n, EXO_RUN, flags));
}

static void draw_run_end(void)
{
	uint64_t pfn = any_run(), n = one_in(4) ? 1 + random_below(EXO_RUN_FRAMES) : EXO_RUN_FRAMES;

	if (one_in(2)) {
		OP("frame_type(%lu, %lu, DATA)", pfn, n);
		wrong_if(model_type(op_frame_type(pfn, n, EXO_DATA, 0), pfn, n, EXO_DATA, 0));
	} else {
		OP("frame_give(%lu, %lu, 0)", pfn, n);
		wrong_if(model_give(op_frame_give(pfn, n, 0), pfn, n, NULL, false, 0));
	}
}

/* ---- table ops */

static void pte_write(uint64_t at, uint64_t n, uint64_t value, const uint64_t *list, uint64_t mask, uint64_t proof)
{
	OP("pte_write(%lu, %lx, %lu, %lx, %lx, %lx)", place_root, at, n, value, mask, proof);
	int64_t r = op_pte_write(place_root, at, n, value, mask, proof);
	wrong_if(model_pte_write(r, place_root, at, n, value, list, mask, proof));
}

static void draw_map(void) { uint64_t at = place(1, give_flag(), one_in(2) ? REACHED : ABSENT); pte_write(at, one_in(8) ? any_count() : 1, any_leaf(), NULL, 0, 0); }
static void draw_map_run(void)
{
	uint64_t pfn = any_run(), at = place(2, give_flag() | (one_in(9) ? EXO_AT_STEP : 0), one_in(3) ? REACHED : ABSENT);

	pte_write(at, one_in(8) ? any_count() : 1, pfn << 12 | (one_in(3) ? 5 : 7) | (one_in(2) ? EXO_PTE_NX : 0), NULL, 0, 0);
}

/* By a proof, or a change or the end of one that is mapped. */
static void draw_mapped_run(void)
{
	static const uint64_t rights[] = { EXO_PTE_RW, EXO_PTE_RW, EXO_PTE_NX, EXO_PTE_A | EXO_PTE_D, 0 };
	uint64_t va = 0;
	struct model_walk w = { 0 };

	for (int tries = 0; tries < 20 && !(w.entry & EXO_PTE_PS); tries++) {
		va = any_va() & ~0x1ffffful;
		if (va < EXO_WINDOW)
			w = model_walk(current_env()->root, va, 2);
	}
	place_root = 0;
	uint64_t change = rights[random_below(5)];
	if (one_in(3))
		pte_write(va | 2 | EXO_AT_CHANGE, one_in(5) ? 2 : 1, random_next(), NULL, change, 0);
	else if (one_in(2))
		pte_write(place(2, give_flag(), ABSENT), 1, (w.entry & (EXO_PTE_ADDR | EXO_PTE_RW)) | 5, NULL, 0, va);
	else
		pte_write(va | 2 | give_flag(), 1, 0, NULL, 0, 0);
}

static void draw_unmap(void) { uint64_t at = place(1, give_flag(), PRESENT); pte_write(at, any_count(), 0, NULL, 0, 0); }

/* Another's frame, by a proof that may hold. */
static void draw_map_by_proof(void)
{
	uint64_t proof = place(1, 0, PRESENT) & ~0xffful, e = proof < EXO_WINDOW ? model_walk(current_env()->root, proof, 1).entry : 0;
	uint64_t at = place(1, give_flag() | (one_in(4) ? EXO_AT_STEP : 0), ABSENT);

	pte_write(at, any_count(), (e & (EXO_PTE_ADDR | EXO_PTE_RW)) | 5 | (one_in(4) ? EXO_PTE_RW : 0), NULL, 0, one_in(20) ? proof + 8 : proof);
}

static void draw_map_many(void)
{
	uint64_t n = 1 + random_below(LIST_MAX), *list = list_page(false), flags = one_in(2) ? EXO_AT_LIST : EXO_AT_STEP, at = place(1, flags | give_flag(), REACHED);

	for (uint64_t i = 0; list && i < n; i++)
		list[i] = one_in(3) ? 0 : any_leaf();
	pte_write(at, n, flags == EXO_AT_LIST ? WORLD_PAGE : any_leaf(), list, 0, 0);
}

static const uint64_t masks[] = { EXO_PTE_RW, EXO_PTE_RW, EXO_PTE_RW, EXO_PTE_A | EXO_PTE_D, EXO_PTE_NX, 0, EXO_PTE_RW | EXO_PTE_A, EXO_PTE_P, ~0ul };
static void draw_change(void) { uint64_t at = place(1, EXO_AT_CHANGE, PRESENT); pte_write(at, any_count(), random_next(), NULL, masks[random_below(one_in(9) ? 9 : 7)], 0); }

static void draw_link_change(void)
{
	uint64_t at = place(2 + (int)random_below(one_in(9) ? 3 : 2), EXO_AT_CHANGE, one_in(2) ? CLOSED : PRESENT);

	pte_write(at, one_in(30) ? 2 : 1, one_in(4) ? 0 : EXO_PTE_RW, NULL, masks[random_below(one_in(9) ? 9 : 3)], 0);
}

static void draw_unlink(void) { uint64_t at = place(2 + (int)random_below(3), give_flag(), PRESENT); pte_write(at, any_count(), one_in(30), NULL, 0, 0); }

static void pt_link(uint64_t at, uint64_t n, uint64_t pfn, const uint64_t *list)
{
	OP("pt_link(%lu, %lx, %lu, %lu)", place_root, at, n, pfn);
	int64_t r = op_pt_link(place_root, at, n, pfn);
	wrong_if(model_pt_link(r, place_root, at, n, pfn, list));
}

static void draw_link_new(void)
{
	int level = 2 + (int)random_below(3);
	uint64_t at = place(level, 0, ABSENT), pfn = any_table(level - 1), *list = list_page(false);

	if (one_in(2) && room(envs[model_me()].account, EXO_C_FRAMES) > 4) {
		/* A fresh one: what random typing leaves is rarely of the level that is missing. */
			for (pfn = WORLD_KERNEL; pfn < WORLD_FRAMES && model[pfn].type != EXO_FREE; pfn++)
			;
		if (pfn < WORLD_FRAMES) {
			OP("frame_claim(%lu, 1)", pfn);
			wrong_if(model_claim(op_frame_claim(pfn, 1, 0, 0), pfn, 1, NULL, 0, 1));
			wrong_if(model_type(op_frame_type(pfn, 1, EXO_PT1 + (unsigned)level - 2, 0), pfn, 1, EXO_PT1 + (unsigned)level - 2, 0));
		}
	}
	if (list && one_in(6)) {
		list[0] = pfn;
		list[1] = any_table(level - 1);
		pt_link(at | EXO_AT_LIST, 1 + random_below(2), WORLD_PAGE, list);
	} else {
		pt_link(at, one_in(9) ? 2 : 1, pfn, NULL);
	}
}

static void draw_link_sealed(void) { uint64_t at = place(2 + (int)random_below(one_in(20) ? 3 : 2), EXO_AT_SEALED, SEALABLE); pt_link(at, any_count(), 0, NULL); }
static void draw_link_live(void) { uint64_t at = place(3, EXO_AT_LIVE | (one_in(2) ? EXO_AT_RW : 0) | (one_in(2) ? EXO_AT_REMAP : 0), LIVE); pt_link(at, one_in(4) ? 2 : 1, 0, NULL); }

/* A home that is open to the caller, if a look at those of all envs shows one, else any. */
static void draw_link_opened(void)
{
	uint64_t va = UNIT(random_below(6));

	for (unsigned i = 1; i < WORLD_INDEX_MAX; i++)
		if (model_open[i].by && model_opened(UNIT(model_open[i].unit)) && one_in(2))
			va = UNIT(model_open[i].unit);
	place_root = one_in(3) ? any_root() : 0;
	pt_link(va | 3 | EXO_AT_LIVE | (one_in(2) ? EXO_AT_RW : 0) | (one_in(8) ? EXO_AT_REMAP : 0), 1, 0, NULL);
}

static void draw_copy(void)
{
	int level = 2 + (int)random_below(2);
	uint64_t at = place(level, give_flag(), SHARED), pfn = one_in(5) ? any_frame(EXO_PT1 + level - 2) : any_table(level - 1);
	uint64_t first = one_in(3) ? random_below(514) : 0, n = one_in(3) ? random_below(520) : 512 - (first < 512 ? first : 0);

	OP("pt_copy(%lu, %lx, %lu, %lu, %lu)", place_root, at, pfn, first, n);
	int64_t r = op_pt_copy(place_root, at, pfn, first, n);
	wrong_if(model_pt_copy(r, place_root, at, pfn, first, n));
}

static void draw_open(void)
{
	const struct env *to = any_env();
	uint64_t name = one_in(8) ? random_below(3) : to->name, va = UNIT(random_below(6));
	uint64_t rights = one_in(9) ? random_below(4) : 1 + random_below(2);

	for (unsigned i = 0; i < 6 && model_home_of(va)->owner != model_me(); i++)
		va = UNIT(i);
	OP("home_set(%lx, OPEN, %lx, %lu)", name, va, rights);
	wrong_if(model_home_set(op_home_set(name, EXO_HOME_OPEN, va, rights), name, EXO_HOME_OPEN, va, rights, 0));
}

static void draw_home(void)
{
	uint64_t root = any_root(), what = random_below(one_in(20) ? 4 : 3), n = one_in(4) ? 1 + random_below(3) : 1;
	uint64_t va = any_va() & ~((what == EXO_HOME_PRIVATE ? EXO_SLOT_SIZE : EXO_HOME_SIZE) - 1);
	uint32_t left = room(envs[model_me()].account, EXO_C_HOMES);

	if (va < EXO_HOMES_BASE || va > UNIT(MODEL_UNITS - 8))
		return;
	OP("home_set(%lu, %lu, %lx, %lu)", root, what, va, n);
	wrong_if(model_home_set(op_home_set(root, what, va, n), root, what, va, n, left));
}

void draw_op(void)
{
	static void (*const all[])(void) = {
		draw_claim, draw_claim, draw_adopt, draw_give, draw_type, draw_type, draw_run, draw_run_end, draw_map_run, draw_map_run, draw_mapped_run, draw_map, draw_map, draw_map, draw_map, draw_map_by_proof, draw_map_by_proof, draw_map_many,
		draw_unmap, draw_change, draw_change, draw_link_change, draw_link_change, draw_unlink, draw_link_new, draw_link_new, draw_link_new, draw_link_sealed, draw_link_sealed,
		draw_link_live, draw_link_opened, draw_copy, draw_copy, draw_copy, draw_home, draw_open,
	};
	all[random_below(sizeof all / sizeof *all)]();
}
