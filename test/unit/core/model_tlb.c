/* SPDX-License-Identifier: MIT */
/* What a CPU may remember of the current root: all translations before an op, less those that the kernel flushed in it. */
#include "model_args.h"

enum { TLB_MAX = 4096 };

void host_invlpg(uint64_t va); /* called by the host's kernel/cpu.h */

static struct translation { uint64_t va, entry; } tlb[TLB_MAX];
static uint32_t tlb_count, tlb_root;
static uint64_t flushed[1024];
static uint32_t flushed_count;
static bool flushed_all;

void root_load(uint32_t pfn) { flushed_all |= pfn == tlb_root; }
void host_invlpg(uint64_t va)
{
	if (flushed_count == sizeof flushed / sizeof *flushed)
		flushed_all = true;
	else
		flushed[flushed_count++] = va;
}

static void tlb_fill_table(uint32_t table, int level, uint64_t base, uint64_t rights)
{
	for (unsigned i = 0, seen = 0; i < (level == 4 ? 255u : 512u) && seen < model[table].used; i++) {
		uint64_t e = model_entry[table][i], va = base + ((uint64_t)i << model_shift(level));

		if (!(e & EXO_PTE_P))
			continue;
		seen++;
		if (!model_is_leaf(e, level))
			tlb_fill_table(model_pfn(e), level - 1, va, rights & e);
		else if (tlb_count < TLB_MAX)
			tlb[tlb_count++] = (struct translation){ va, (e & ~EXO_PTE_RW) | (e & rights & EXO_PTE_RW) };
	}
}

void tlb_fill(void)
{
	tlb_count = flushed_count = 0;
	flushed_all = false;
	tlb_root = current_env()->root;
	tlb_fill_table(tlb_root, 4, 0, EXO_PTE_RW);
}

/* Ring 3 writes somewhere it may. */
void ring3_write(void)
{
	const struct translation *t = tlb_count ? &tlb[random_below(tlb_count)] : NULL;
	uint64_t now = t ? leaf_seen(tlb_root, t->va) : 0;

	if (now & EXO_PTE_RW)
		((uint64_t *)pa_ptr(now & EXO_PTE_ADDR))[random_below(512)] = random_next();
}

/* Rule 8: what the op took away is not used from memory. */
const char *tlb_check(void)
{
	for (uint32_t i = 0; i < tlb_count && !flushed_all; i++) {
		uint64_t now = leaf_seen(tlb_root, tlb[i].va), was = tlb[i].entry;
		bool known = now & EXO_PTE_P && !((now ^ was) & EXO_PTE_ADDR) && !(was & ~now & EXO_PTE_RW) && !(now & ~was & EXO_PTE_NX);

		for (uint32_t k = 0; k < flushed_count && !known; k++)
			known = flushed[k] == tlb[i].va;
		if (known)
			continue;
		static char text[96];
		snprintf(text, sizeof text, "the translation of %llx may still be used", (unsigned long long)tlb[i].va);
		return text;
	}
	return NULL;
}
