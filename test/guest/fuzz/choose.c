/* SPDX-License-Identifier: MIT */
/* The next call: an op by weight, arguments that the public tables say will do, and then, one time in four, one of them made adversarial. */
#include <base/string.h>
#include "fuzz.h"

#define P (EXO_PTE_P | EXO_PTE_U)
#define ME (f->index)

static const struct { uint8_t op, weight; } weights[] = {
	{ EXO_GATE_nop, 2 }, { EXO_GATE_batch, 3 }, { EXO_GATE_frame_claim, 12 }, { EXO_GATE_frame_give, 9 }, { EXO_GATE_frame_type, 9 },
	{ EXO_GATE_pte_write, 22 }, { EXO_GATE_pt_link, 9 }, { EXO_GATE_pt_copy, 4 }, { EXO_GATE_home_set, 5 }, { EXO_GATE_env_make, 1 },
	{ EXO_GATE_env_set, 6 }, { EXO_GATE_env_kill, 1 }, { EXO_GATE_slice_set, 3 }, { EXO_GATE_yield, 4 }, { EXO_GATE_wait, 2 },
	{ EXO_GATE_notify, 4 }, { EXO_GATE_dev_bind, 5 }, { EXO_GATE_dev_ack, 3 }, { EXO_GATE_pct, 4 }, { EXO_GATE_pct_reply, 3 },
	{ EXO_GATE_revoke, 4 }, { FUZZ_UNASSIGNED, 1 },
};

uint64_t fuzz_random(struct fuzzer *f)
{
	f->random ^= f->random >> 12;
	f->random ^= f->random << 25;
	f->random ^= f->random >> 27;
	return f->random * 0x2545f4914f6cdd1dul;
}

uint64_t fuzz_below(struct fuzzer *f, uint64_t n) { return (fuzz_random(f) >> 32) % n; }

static int one_in(struct fuzzer *f, uint64_t n) { return fuzz_below(f, n) == 0; }

uint64_t fuzz_place(struct fuzzer *f, uint32_t i)
{
	const uint64_t region[REGIONS] = { 0x40000000, 0x80000000, f->unit ? f->unit : EXO_HOMES_BASE + 100 * EXO_HOME_SIZE, 9 * EXO_SLOT_SIZE };

	return region[i / (SPANS * PAGES)] + (i / PAGES % SPANS << 21) + (i % PAGES << EXO_PAGE_SHIFT);
}

static uint32_t place_of(struct fuzzer *f, uint64_t va)
{
	for (uint32_t i = 0; i < PLACES; i += PAGES)
		if ((va & ~0x1ffffful) == fuzz_place(f, i) && (va & 0x1fffff) < PAGES * EXO_PAGE_SIZE)
			return i + ((va & 0x1fffff) >> EXO_PAGE_SHIFT);
	return PLACES;
}

static int own(struct fuzzer *f, uint32_t pfn) { return rt_frames[pfn].owner == ME; }

uint32_t fuzz_frame(struct fuzzer *f, int type, int spare)
{
	for (int i = 0; i < 24 && f->pool_count; i++) {
		uint32_t at = (uint32_t)fuzz_below(f, f->pool_count), pfn = f->pool[at];
		const volatile struct exo_frame_rec *r = &rt_frames[pfn];

		if (!own(f, pfn))
			f->pool[at] = f->pool[--f->pool_count];
		else if (r->type == type && !(spare && (r->maps || r->glinks || r->plinks || r->used || r->pins)))
			return pfn;
	}
	return 0;
}

static exo_name env_any(struct fuzzer *f, int state)
{
	for (int i = 0; i < 16; i++) {
		uint32_t index = fuzzer[fuzz_below(f, SLOTS)].index;

		if (index && rt_envs[index].name && (state < 0 || rt_envs[index].state == state))
			return rt_envs[index].name;
	}
	return one_in(f, 4) ? rt_info->first : f->child;
}

/* A frame to be made a table of that type, or one that is: then *a is done with and the call is frame_type. */
static uint32_t table_spare(struct fuzzer *f, int type, int *op, uint64_t *a)
{
	uint32_t pfn = fuzz_frame(f, type, 1);

	if (pfn)
		return pfn;
	pfn = fuzz_frame(f, EXO_DATA, 1);
	*op = pfn ? EXO_GATE_frame_type : EXO_GATE_frame_claim;
	a[0] = pfn ? pfn : EXO_ZEROED;
	a[1] = 1;
	a[2] = pfn ? (uint64_t)type : (uint64_t)f->list;
	a[3] = 0;
	return 0;
}

static int root_ours(struct fuzzer *f)
{
	if (f->root && (!own(f, f->root) || rt_frames[f->root].type != EXO_PT4 || rt_frames[f->root].flags & EXO_F_ROOT_USED))
		f->root = 0;
	return f->root != 0;
}

static void choose_claim(struct fuzzer *f, uint64_t a[6])
{
	uint64_t last = rt_info->frame_count;

	a[1] = 1 + fuzz_below(f, 6);
	a[2] = (uint64_t)f->list;
	a[0] = one_in(f, 2) ? EXO_ANY : EXO_ZEROED;
	if (one_in(f, 4)) {
		for (int i = 0; i < 64; i++)
			if (rt_frames[a[0] = last - 1 - fuzz_below(f, last / 2)].type == EXO_FREE)
				break;
	} else if (one_in(f, 3)) {
		for (uint32_t i = 0, at = (uint32_t)fuzz_below(f, PLACES); i < PLACES; i++, at = (at + 1) % PLACES) {
			if (!f->place[at] || rt_frames[f->place[at]].owner)
				continue;
			a[0] = f->place[at];
			a[1] = 1;
			a[3] = fuzz_place(f, at) | 1;
			break;
		}
	}
}

static void choose_give(struct fuzzer *f, uint64_t a[6])
{
	a[0] = f->pool_count ? f->pool[fuzz_below(f, f->pool_count)] : 0;
	a[1] = 1 + (one_in(f, 4) ? fuzz_below(f, 3) : 0);
	a[2] = one_in(f, 5) ? f->child : one_in(f, 20) ? env_any(f, -1) : 0;
}

static void choose_type(struct fuzzer *f, uint64_t a[6])
{
	a[0] = fuzz_frame(f, EXO_DATA, !one_in(f, 4));
	a[1] = 1;
	a[2] = EXO_DATA;
	if (one_in(f, 3))
		a[3] = one_in(f, 2);
	else if (one_in(f, 2))
		a[2] = EXO_PT1 + fuzz_below(f, 4);
	else
		a[0] = fuzz_frame(f, EXO_PT1 + (int)fuzz_below(f, 4), 1);
}

static void choose_write(struct fuzzer *f, uint64_t a[6])
{
	uint32_t at = (uint32_t)fuzz_below(f, PLACES), pfn = fuzz_frame(f, EXO_DATA, one_in(f, 2)), other = (uint32_t)fuzz_below(f, PLACES);
	uint64_t kind = fuzz_below(f, 16);

	a[0] = root_ours(f) && one_in(f, 8) ? f->root : 0;
	a[1] = fuzz_place(f, at) | 1;
	a[2] = 1;
	if (kind < 6) {
		a[3] = (uint64_t)pfn << EXO_PAGE_SHIFT | P | (one_in(f, 2) ? EXO_PTE_RW : 0) | (one_in(f, 2) ? EXO_PTE_NX : 0);
		a[1] |= one_in(f, 4) ? EXO_AT_GIVE : 0;
	} else if (kind == 6) {
		a[2] = 1 + fuzz_below(f, 8);
		a[1] |= EXO_AT_LIST;
		a[3] = (uint64_t)f->list;
		for (uint64_t i = 0; i < a[2]; i++) {
			pfn = fuzz_frame(f, EXO_DATA, 1);
			f->list[i] = one_in(f, 4) ? 0 : (uint64_t)pfn << EXO_PAGE_SHIFT | P | (one_in(f, 3) ? EXO_PTE_RW : 0);
		}
	} else if (kind == 7) {
		a[2] = 1 + fuzz_below(f, 4);
		a[1] |= EXO_AT_STEP;
		a[3] = (uint64_t)pfn << EXO_PAGE_SHIFT | P;
	} else if (kind < 10) {
		a[2] = 1 + fuzz_below(f, one_in(f, 8) ? 2000 : PAGES);
		a[1] |= one_in(f, 2) ? EXO_AT_GIVE : 0;
	} else if (kind < 12) {
		for (int i = 0; i < 16 && !f->place[at]; i++)
			at = (uint32_t)fuzz_below(f, PLACES);
		a[1] = fuzz_place(f, at) | EXO_AT_CHANGE | 1;
		a[4] = one_in(f, 2) ? EXO_PTE_RW : one_in(f, 2) ? 0 : EXO_PTE_A | EXO_PTE_D | EXO_PTE_AVAIL | EXO_PTE_NX;
		a[3] = one_in(f, 2) ? a[4] : 0;
	} else if (kind == 12 && f->place[other]) {
		a[3] = (uint64_t)f->place[other] << EXO_PAGE_SHIFT | P;
		a[5] = fuzz_place(f, other);
	} else if (kind < 14) {
		int level = 2 + (int)fuzz_below(f, one_in(f, 8) ? 3 : 2);
		a[1] = (fuzz_place(f, at) & -(EXO_PAGE_SIZE << 9 * (level - 1))) | (uint64_t)level | (one_in(f, 2) ? EXO_AT_GIVE : 0);
	} else if (f->sealed_at && one_in(f, 2)) {
		a[1] = f->sealed_at | EXO_AT_CHANGE;
		a[3] = a[4] = EXO_PTE_RW;
	} else {
		int level = 2 + (int)fuzz_below(f, 2);
		a[1] = (fuzz_place(f, at) & -(EXO_PAGE_SIZE << 9 * (level - 1))) | EXO_AT_CHANGE | (uint64_t)level;
		a[4] = one_in(f, 2) ? EXO_PTE_RW : 0;
		a[3] = one_in(f, 3) ? 0 : EXO_PTE_RW;
	}
}

static int choose_link(struct fuzzer *f, uint64_t a[6])
{
	uint64_t va = fuzz_place(f, (uint32_t)fuzz_below(f, PLACES));
	int op = EXO_GATE_pt_link, level = 2 + (int)fuzz_below(f, one_in(f, 3) ? 3 : 1);

	a[2] = 1;
	if (one_in(f, 3) && root_ours(f)) {
		a[0] = f->root;
		if (rt_frames[f->root].used < 2) {
			level = 4;
		} else if (one_in(f, 2)) {
			va = fuzz_place(f, (uint32_t)fuzz_below(f, 2 * SPANS * PAGES));
			level = 2 + (int)fuzz_below(f, 2);
			a[1] = (va & -(EXO_PAGE_SIZE << 9 * (level - 1))) | EXO_AT_SEALED | (uint64_t)level;
			return op;
		} else if (one_in(f, 2)) {
			a[1] = EXO_HOMES_BASE | EXO_AT_LIVE | (one_in(f, 2) ? EXO_AT_RW : 0) | (one_in(f, 4) ? EXO_AT_REMAP : 0) | 3;
			if (one_in(f, 2) && f->unit)
				a[1] = (a[1] & 0xfff) | f->unit;
			return op;
		}
	} else if (!root_ours(f) && one_in(f, 3)) {
		a[0] = table_spare(f, EXO_PT4, &op, a);
		if (op == EXO_GATE_pt_link) {
			f->root = (uint32_t)a[0];
			level = 4;
		} else {
			return op;
		}
	}
	a[1] = (va & -(EXO_PAGE_SIZE << 9 * (level - 1))) | (uint64_t)level;
	a[3] = table_spare(f, EXO_PT1 + level - 2, &op, a);
	return op;
}

static int choose_copy(struct fuzzer *f, uint64_t a[6])
{
	int op = EXO_GATE_pt_copy, level = f->sealed_at ? (int)(f->sealed_at & 7) : 2;
	uint64_t old = a[0], pfn = table_spare(f, EXO_PT1 + level - 2, &op, a);

	if (op != EXO_GATE_pt_copy)
		return op;
	a[0] = old;
	a[1] = f->sealed_at ? f->sealed_at : fuzz_place(f, 0) | 2;
	a[1] |= one_in(f, 2) ? EXO_AT_GIVE : 0;
	a[2] = pfn;
	a[3] = one_in(f, 4) ? fuzz_below(f, 512) : 0;
	a[4] = 512 - a[3];
	return op;
}

static void choose_home(struct fuzzer *f, uint64_t a[6])
{
	a[3] = 1;
	a[1] = fuzz_below(f, 2);
	a[2] = EXO_HOMES_BASE + (100 + fuzz_below(f, 16)) * EXO_HOME_SIZE;
	if (a[1] == EXO_HOME_RELEASE && f->unit && one_in(f, 2))
		a[2] = f->unit;
	if (one_in(f, 6)) {
		a[0] = root_ours(f) && one_in(f, 2) ? f->root : 0;
		a[1] = EXO_HOME_PRIVATE;
		a[2] = 9 * EXO_SLOT_SIZE;
	}
}

static void choose_set(struct fuzzer *f, uint64_t a[6])
{
	a[1] = fuzz_below(f, EXO_SET_GS + 2);
	a[2] = fuzz_random(f) >> (17 + fuzz_below(f, 40));
	if (a[1] == EXO_SET_ALARM)
		a[2] = one_in(f, 4) ? 0 : rt_tsc() + fuzz_below(f, rt_ticks(2000000));
	if (a[1] == EXO_SET_OPEN)
		a[2] = fuzz_random(f) | 1ul << 63;
	if (a[1] == EXO_SET_DIRECT)
		a[2] = fuzz_below(f, 2);
	if (a[1] == EXO_SET_ENTRIES) {
		rt_entries_fill(f->entry);
		if (one_in(f, 64))
			f->entry[fuzz_below(f, EXO_ENTRY_COUNT)] = fuzz_random(f) >> fuzz_below(f, 64);
		a[2] = (uint64_t)f->entry;
	}
	if (a[1] == EXO_SET_LIMIT) {
		a[0] = f->child;
		a[2] = fuzz_below(f, EXO_C_COUNT + 1);
		a[3] = fuzz_below(f, 3);
	}
	if (a[1] == EXO_SET_REGS) {
		a[0] = f->child;
		a[2] = (uint64_t)&f->regs;
	}
}

static void choose_bind(struct fuzzer *f, uint64_t a[6])
{
	uint64_t kinds = one_in(f, 2) ? EXO_DEV_DMA_END + 1 : EXO_DEV_FRAMES_WC + 1;
	uint32_t at = (uint32_t)fuzz_below(f, PLACES);

	a[0] = one_in(f, 2) ? EXO_DEV_PORTS : fuzz_below(f, kinds);
	if (a[0] == EXO_DEV_DMA) {
		a[1] = fuzz_place(f, at) | fuzz_below(f, 2) * EXO_DMA_WRITE;
		a[2] = 1;
	} else if (a[0] >= EXO_DEV_PCI) {
		a[1] = a[0] == EXO_DEV_DMA_END ? f->place[at] : fuzz_function(f);
		a[2] = 1;
	} else if (a[0] == EXO_DEV_PORTS) {
		static const uint16_t base[] = { 0x2e8, 0x3e8, 0x3f8, 0x60 }; /* not COM2: its lines would be the host's to bear */

		a[1] = base[fuzz_below(f, 4)] + fuzz_below(f, 8);
		a[2] = 1 + fuzz_below(f, 4);
	} else if (a[0] == EXO_DEV_IRQ) {
		a[1] = 1 + fuzz_below(f, 15);
		a[2] = 1;
	} else {
		a[1] = one_in(f, 2) ? 0x80000 + fuzz_below(f, 16) : fuzz_below(f, 1ul << 20);
		a[2] = 1 + fuzz_below(f, 4);
	}
}

static void choose_revoke(struct fuzzer *f, uint64_t a[6])
{
	uint32_t at = (uint32_t)fuzz_below(f, PLACES);
	struct fuzzer *c = f->slot < FUZZERS ? &fuzzer[f->slot + FUZZERS] : f;

	a[0] = f->child;
	a[1] = fuzz_below(f, EXO_REVOKE_SLICE + 1);
	a[2] = 1 + fuzz_below(f, 4);
	a[3] = one_in(f, 4) ? rt_tsc() + rt_ticks(1000000) : 1;
	if (a[1] == EXO_REVOKE_SLICE)
		a[2] = fuzz_below(f, EXO_SLICE_COUNT);
	if (a[1] == EXO_REVOKE_TAKE || a[1] == EXO_REVOKE_FRAME) {
		for (int i = 0; i < 32 && !c->place[at]; i++)
			at = (uint32_t)fuzz_below(f, PLACES);
		a[2] = fuzz_place(c, at);
	}
}

static uint64_t adversarial(struct fuzzer *f)
{
	static const uint64_t odd[] = {
		0, 1, 2, 3, 4, 7, 8, 255, 511, 512, 513, 4095, 4096, 0x10000, 1ul << 30, 1ul << 31, 1ul << 32, 1ul << 47, 1ul << 48, 1ul << 55, 1ul << 63,
		~0ul, ~1ul, ~7ul, ~4095ul, EXO_USER_END - 4096, EXO_USER_END - 8, EXO_WINDOW, EXO_INFO, EXO_ENVS, EXO_FRAMES, EXO_GROUPS, EXO_SELF,
		EXO_HOMES_BASE, EXO_HOMES_BASE | 3, EXO_HOMES_BASE | 4, EXO_WINDOW | 4, KERNEL_DIRECT, KERNEL_IMAGE, KERNEL_DEVICES, 0xfec00, 0xfee00, 0xcf8,
	};

	switch (fuzz_below(f, 6)) {
	case 0: return fuzz_random(f) >> fuzz_below(f, 64);
	case 1: return fuzz_below(f, rt_info->frame_count + 8);
	case 2: return fuzz_place(f, (uint32_t)fuzz_below(f, PLACES)) | fuzz_below(f, 4096);
	case 3: return rt_envs[fuzz_below(f, 16)].name;
	default: return odd[fuzz_below(f, sizeof odd / sizeof odd[0])];
	}
}

static void choose_batch(struct fuzzer *f, uint64_t a[6])
{
	a[0] = (uint64_t)f->batch;
	a[1] = fuzz_below(f, 9);
	for (int i = 0; i < 8; i++) {
		struct exo_batch *b = &f->batch[i];

		memset(b, 0, sizeof *b);
		b->result = INT64_MIN;
		do
			b->op = (uint64_t)fuzz_choose(f, b->arg);
		while (b->op == EXO_GATE_batch || (b->op >= FUZZ_UNASSIGNED && !one_in(f, 4)));
	}
}

static int choose_op(struct fuzzer *f)
{
	uint32_t sum = 0, at;

	for (unsigned i = 0; i < sizeof weights / sizeof weights[0]; i++)
		sum += weights[i].weight;
	if (one_in(f, 400))
		return EXO_GATE_log;
	at = (uint32_t)fuzz_below(f, sum);
	for (unsigned i = 0;; i++) {
		if (at < weights[i].weight)
			return weights[i].op;
		at -= weights[i].weight;
	}
}

int fuzz_choose(struct fuzzer *f, uint64_t a[6])
{
	int op = choose_op(f);

	memset(a, 0, 6 * sizeof a[0]);
	switch (op) {
	case EXO_GATE_batch: choose_batch(f, a); break;
	case EXO_GATE_frame_claim: choose_claim(f, a); break;
	case EXO_GATE_frame_give: choose_give(f, a); break;
	case EXO_GATE_frame_type: choose_type(f, a); break;
	case EXO_GATE_pte_write: choose_write(f, a); break;
	case EXO_GATE_pt_link: op = choose_link(f, a); break;
	case EXO_GATE_pt_copy: op = choose_copy(f, a); break;
	case EXO_GATE_home_set: choose_home(f, a); break;
	case EXO_GATE_env_set: choose_set(f, a); break;
	case EXO_GATE_env_make: a[0] = (uint64_t)&f->spec; break;
	case EXO_GATE_env_kill: a[0] = one_in(f, 40) ? 0 : one_in(f, 2) ? f->child : fuzz_random(f) >> 40; break;
	case EXO_GATE_slice_set:
		a[0] = fuzz_below(f, EXO_SLICE_COUNT);
		a[1] = one_in(f, 4) ? f->child : one_in(f, 2) ? 0 : rt_envs[ME].name;
		break;
	case EXO_GATE_yield: a[0] = one_in(f, 2) ? 0 : env_any(f, EXO_S_READY); a[1] = fuzz_below(f, 32); break;
	case EXO_GATE_wait: a[0] = one_in(f, 2) ? 31 : fuzz_below(f, 32); a[1] = one_in(f, 4) ? 0 : rt_tsc() + fuzz_below(f, rt_ticks(500000)); break;
	case EXO_GATE_notify: a[0] = env_any(f, -1); a[1] = fuzz_random(f) | 1ul << 63; break;
	case EXO_GATE_dev_bind: choose_bind(f, a); break;
	case EXO_GATE_dev_ack: a[0] = f->lines && !one_in(f, 4) ? (uint64_t)__builtin_ctz(f->lines) : fuzz_below(f, 18); break;
	case EXO_GATE_log: a[0] = (uint64_t)"fuzz"; a[1] = fuzz_below(f, 5); break;
	case EXO_GATE_pct: a[0] = env_any(f, EXO_S_ACCEPTING); a[1] = one_in(f, 3) ? rt_tsc() + rt_ticks(50000) : 0; break;
	case EXO_GATE_pct_reply: a[0] = f->caller ? EXO_PCT_REPLY + 2 * fuzz_below(f, 2) : one_in(f, 8) ? EXO_PCT_REPLY : EXO_PCT_ACCEPT; break;
	case EXO_GATE_revoke: choose_revoke(f, a); break;
	case FUZZ_UNASSIGNED: a[0] = fuzz_random(f); break;
	}
	if (one_in(f, 5))
		a[fuzz_below(f, 6)] = adversarial(f);
	/* Few of its own ends: they are not what is looked for. */
	if (op == EXO_GATE_env_kill && a[0] == rt_envs[ME].name)
		a[0] = f->child;
	/* Who has the machine right could end all of this. */
	if (op == EXO_GATE_env_set && a[1] == EXO_SET_MACHINE && f->slot % FUZZERS == DRIVER)
		a[2] |= 1ul << 32;
	return op;
}

void fuzz_learn(struct fuzzer *f, int op, const uint64_t a[6], int64_t r)
{
	if (EXO_IS_ERROR(r)) {
		if (op == EXO_GATE_pct_reply && f->caller && r != -EXO_EINVAL)
			f->caller = 0;
		return;
	}
	if (op == EXO_GATE_dev_bind && a[0] < FUZZ_KINDS)
		__atomic_fetch_add(&total.bound[a[0]], 1, __ATOMIC_RELAXED);
	if (op == EXO_GATE_frame_claim && a[1] < POOL) { /* more at once is for a run (large.c) */
		int listed = (a[0] == EXO_ANY || a[0] == EXO_ZEROED) && !a[3];

		for (int64_t i = 0; i < r && f->pool_count < POOL && (!listed || a[2] == (uint64_t)f->list); i++)
			f->pool[f->pool_count++] = listed ? (uint32_t)f->list[i] : (uint32_t)a[0] + (uint32_t)i;
	} else if (op == EXO_GATE_frame_type && a[2] == EXO_PT4 && !root_ours(f)) {
		f->root = (uint32_t)a[0];
	} else if (op == EXO_GATE_pte_write && a[0] == 0 && (a[1] & 7) == 1 && !(a[1] & (EXO_AT_CHANGE | EXO_AT_LIST))) {
		for (uint64_t i = 0; i < (uint64_t)r && i < PAGES; i++) {
			uint32_t at = place_of(f, (a[1] & -EXO_PAGE_SIZE) + i * EXO_PAGE_SIZE);

			if (at < PLACES)
				f->place[at] = a[3] & EXO_PTE_P ? (uint32_t)((a[3] & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT) + (a[1] & EXO_AT_STEP ? (uint32_t)i : 0) : 0;
		}
	} else if (op == EXO_GATE_pt_link && a[1] & EXO_AT_SEALED) {
		f->sealed_at = (a[1] & -EXO_PAGE_SIZE) | (a[1] & 7);
	} else if (op == EXO_GATE_home_set && a[1] == EXO_HOME_CLAIM) {
		f->unit = a[2] & -EXO_HOME_SIZE;
	} else if (op == EXO_GATE_dev_bind && a[0] == EXO_DEV_IRQ) {
		f->lines |= 1u << (a[1] & 15);
	} else if (op == EXO_GATE_env_make) {
		f->child = (exo_name)r;
	} else if (op == EXO_GATE_pct_reply) {
		f->caller = a[0] & EXO_PCT_ACCEPT ? (uint32_t)r : 0;
	}
}
