/* SPDX-License-Identifier: MIT */
/* A fuzzer's child: made of the fuzzer's frames by counted calls, some of them wrong on purpose. */
#include <base/string.h>
#include "fuzz.h"

int fuzz_env_state(exo_name name)
{
	const volatile struct exo_env *env = &rt_envs[EXO_NAME_INDEX(name)];

	return name && env->name == name ? env->state : EXO_S_FREE;
}

static int64_t call4(struct fuzzer *f, int op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return fuzz_call(f, op, (uint64_t[6]){ a, b, c, d, 0, 0 });
}

static uint32_t frame_new(struct fuzzer *f)
{
	uint32_t pfn = fuzz_frame(f, EXO_DATA, 1);

	if (pfn && !(rt_frames[pfn].flags & EXO_F_SHARED))
		return pfn;
	return call4(f, EXO_GATE_frame_claim, EXO_ZEROED, 1, (uint64_t)f->list, 0) == 1 ? (uint32_t)f->list[0] : 0;
}

/* A root with the app's home in it: its pfn, 0 = failed. One that is being built for other ends does as well. */
static uint32_t root_new(struct fuzzer *f)
{
	uint32_t root = f->root, table;

	if (!root) {
		root = frame_new(f);
		if (!root || call4(f, EXO_GATE_frame_type, root, 1, EXO_PT4, 0) != 1)
			return 0;
		f->root = root;
	}
	table = frame_new(f);
	if (!table || call4(f, EXO_GATE_frame_type, table, 1, EXO_PT3, 0) != 1)
		return 0;
	(void)call4(f, EXO_GATE_pt_link, root, EXO_HOMES_BASE | 4, 1, table);
	(void)call4(f, EXO_GATE_pt_link, root, EXO_HOMES_BASE | EXO_AT_LIVE | EXO_AT_RW | 3, 1, 0);
	return root;
}

static int listed(const struct exo_env_spec *s, uint32_t pfn)
{
	for (uint32_t i = 0; i < s->frame_count; i++)
		if (s->frames[i] == pfn)
			return 1;
	return 0;
}

/* Tables down to level 1 at a place, in its own root (0) or one that it builds; as far as `level`. */
static void tables_make(struct fuzzer *f, uint64_t root, uint64_t va, int level)
{
	for (int l = 4; l >= level; l--) {
		uint32_t table = fuzz_frame(f, EXO_PT1 + l - 2, 1);

		if (!table) {
			table = frame_new(f);
			if (!table || call4(f, EXO_GATE_frame_type, table, 1, (uint64_t)(EXO_PT1 + l - 2), 0) != 1)
				return;
		}
		(void)call4(f, EXO_GATE_pt_link, root, (va & -(EXO_PAGE_SIZE << 9 * (l - 1))) | (uint64_t)l, 1, table);
	}
}

void fuzz_tables(struct fuzzer *f)
{
	uint64_t va = fuzz_place(f, (uint32_t)fuzz_below(f, PLACES));

	tables_make(f, 0, va, 2);
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t pfn = frame_new(f);

		if (pfn)
			(void)call4(f, EXO_GATE_pte_write, 0, ((va & -EXO_PAGE_SIZE) + i * EXO_PAGE_SIZE) | 1, 1,
				(uint64_t)pfn << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW);
	}
}

/* Its own tables, sealed, into a root that it builds; then its own copy of one, or its right back. */
void fuzz_fork(struct fuzzer *f)
{
	int level = 2 + (int)fuzz_below(f, 2);
	uint64_t va = fuzz_place(f, (uint32_t)fuzz_below(f, 2 * SPANS * PAGES));
	uint32_t root = root_new(f), copy;

	if (!root)
		return;
	tables_make(f, root, va, level + 1);
	for (uint64_t i = 0; i < (level == 2 ? SPANS : 1); i++)
		(void)call4(f, EXO_GATE_pt_link, root, (((va & -EXO_HOME_SIZE) + (i << 21)) | EXO_AT_SEALED | (uint64_t)level), 1, 0);
	if (fuzz_below(f, 3) == 0)
		return;
	copy = frame_new(f);
	if (copy && call4(f, EXO_GATE_frame_type, copy, 1, (uint64_t)(EXO_PT1 + level - 2), 0) == 1)
		(void)fuzz_call(f, EXO_GATE_pt_copy, (uint64_t[6]){ 0, f->sealed_at | (fuzz_below(f, 2) ? EXO_AT_GIVE : 0), copy, 0, 512, 0 });
}

void fuzz_child_make(struct fuzzer *f)
{
	struct fuzzer *c = &fuzzer[f->slot + FUZZERS];
	struct exo_env_spec *s = &f->spec;
	uint32_t root;
	int64_t r;

	if (fuzz_env_state(f->child) != EXO_S_FREE || !(root = root_new(f)))
		return;
	memset(s, 0, sizeof *s);
	rt_entries_fill(s->entry);
	s->frames[s->frame_count++] = root;
	while (s->frame_count < EXO_EF_COUNT) {
		uint32_t pfn = frame_new(f);

		if (listed(s, pfn))
			pfn = call4(f, EXO_GATE_frame_claim, EXO_ANY, 1, (uint64_t)f->list, 0) == 1 ? (uint32_t)f->list[0] : 0;
		if (!pfn || listed(s, pfn))
			return;
		s->frames[s->frame_count++] = pfn;
	}
	while (fuzz_below(f, 3) && s->frame_count < 20) {
		uint32_t pfn = f->pool_count ? f->pool[fuzz_below(f, f->pool_count)] : 0;

		if (pfn && rt_frames[pfn].owner == f->index && rt_frames[pfn].type != EXO_PT4 && !listed(s, pfn))
			s->frames[s->frame_count++] = pfn;
	}
	fuzz_start(c, fuzz_random(f));
	s->rip = (uint64_t)fuzz_main;
	s->rsp = (uint64_t)(c->stack + sizeof c->stack - 8);
	s->rdi = c->slot;
	if (fuzz_below(f, 4) == 0) {
		s->flags = EXO_SPEC_NEW_ACCOUNT;
		for (int i = 0; i < EXO_C_COUNT; i++)
			s->limit[i] = (uint32_t)fuzz_below(f, i == EXO_C_FRAMES ? 200 : 4);
	}
	if (fuzz_below(f, 12) == 0)
		((uint64_t *)s)[fuzz_below(f, sizeof *s / 16)] = fuzz_random(f) >> fuzz_below(f, 64);
	r = call4(f, EXO_GATE_env_make, fuzz_below(f, 16) ? (uint64_t)s : fuzz_random(f) >> fuzz_below(f, 64), 0, 0, 0);
	if (r > 0) {
		__atomic_fetch_add(&total.made, 1, __ATOMIC_RELAXED);
		f->child = (exo_name)r;
		f->root = 0;
		c->sealed_at = f->sealed_at;
		memcpy(c->place, f->place, sizeof c->place);
	}
}

void fuzz_child_end(struct fuzzer *f)
{
	int state = fuzz_env_state(f->child);

	if (state == EXO_S_FREE)
		return;
	if (state == EXO_S_STUCK && fuzz_below(f, 2)) {
		struct fuzzer *c = &fuzzer[f->slot + FUZZERS];

		memset(&f->regs, 0, sizeof f->regs);
		fuzz_start(c, fuzz_random(f));
		f->regs.rip = (uint64_t)fuzz_main;
		f->regs.rsp = (uint64_t)(c->stack + sizeof c->stack - 8);
		f->regs.rdi = c->slot;
		(void)call4(f, EXO_GATE_env_set, f->child, EXO_SET_REGS, (uint64_t)&f->regs, 0);
		return;
	}
	if (state == EXO_S_STUCK)
		__atomic_fetch_add(&total.stuck, 1, __ATOMIC_RELAXED);
	/* Between the pushes of its teardown other calls are made. */
	for (int i = 0; i < 50 && fuzz_env_state(f->child) != EXO_S_FREE; i++) {
		uint64_t a[6];

		(void)call4(f, EXO_GATE_env_kill, f->child, 0, 0, 0);
		if (fuzz_below(f, 4) == 0)
			(void)fuzz_call(f, fuzz_choose(f, a), a);
	}
	__atomic_fetch_add(&total.ended, 1, __ATOMIC_RELAXED);
}
