/* SPDX-License-Identifier: MIT */
/* The way down to a page table entry: makes the tables on it present, this env's alone, and writable. A table that
 * fork sealed is taken over when nobody else links it any more, else copied, as far as this process has regions in
 * it. */
#include "vm.h"

#define TRIES 16

static uint64_t span_of(int level) /* of one entry */
{
	return PAGE << 9 * (level - 1);
}

/* The table below the sealed link at (va, level) becomes this env's own: 0 or a gate error. */
static int64_t table_copy(uint64_t va, int level)
{
	uint64_t base = va & -span_of(level), step = span_of(level - 1), pfn, low, high, first, n;
	int64_t r;

	regions_in(base, span_of(level), &low, &high);
	first = low < high ? (low - base) / step : (va - base) / step;
	n = low < high ? (high - base + step - 1) / step - first : 1;
	r = gate_frame_zeroed(1, &pfn);
	if (r < 0)
		return r;
	r = gate_frame_type(pfn, 1, EXO_PT1 + level - 2, 0);
	while (r > 0 && n) {
		r = gate_pt_copy(0, base | EXO_AT_GIVE | (uint64_t)level, pfn, first, n);
		if (r > 0) {
			first += (uint64_t)r;
			n -= (uint64_t)r;
		}
	}
	if (r < 0)
		rt_half_end(pfn); /* the last other sharer has ended between two pieces */
	return r < 0 ? r : 0;
}

static int64_t table_own(uint64_t va, int level, uint64_t entry)
{
	uint64_t pfn = (entry & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT, at = (va & -span_of(level)) | (uint64_t)level;
	const volatile struct exo_frame_rec *f = &rt_frames[pfn];
	int64_t r = 0;

	if (f->glinks + f->plinks > 1)
		return table_copy(va, level);
	if (!f->owner)
		r = gate_frame_adopt(pfn, at);
	else if (f->owner != EXO_NAME_INDEX(P->self))
		return table_copy(va, level);
	if (r >= 0)
		r = gate_pte_write(0, at | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0);
	return EXO_IS_ERROR(r) ? r : 0;
}

/* The tables from the top down to that which the entry of level `lowest` names. */
static int open_to(uint64_t va, int lowest)
{
	int tries = 0;

	/* slot 0 has its upper table from the start */
	for (int level = va < EXO_SLOT_SIZE ? 3 : 4; level >= lowest; level--) {
		int64_t e = gate_pte_write(0, (va & -span_of(level)) | EXO_AT_CHANGE | (uint64_t)level, 1, 0, 0, 0), r = 0;

		if (e == -EXO_ENOENT)
			r = level == 4 ? slot_open(va) : table_new(va, level);
		else if (EXO_IS_ERROR(e))
			return gate_errno(e);
		else if (level < 4 && !((uint64_t)e & EXO_PTE_RW))
			r = table_own(va, level, (uint64_t)e);
		if (r == -EXO_ENOMEM)
			return -ENOMEM;
		if (r < 0) {
			/* Another member may have changed its side between our look and our op: look again. */
			if (++tries > TRIES)
				return gate_errno(r);
			level++;
		}
	}
	return 0;
}

int path_open(uint64_t va) { return open_to(va, 2); }
int table_open(uint64_t va) { return open_to(va, 3); }
