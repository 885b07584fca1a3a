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

void table_leave(uint64_t pfn, int level, unsigned first, unsigned end)
{
	const uint64_t *entry = TABLE_WINDOW(level);
	const uint16_t me = EXO_NAME_INDEX(P->self);

	if (first >= end || rt_frames[pfn].owner != me || !table_look(level, pfn))
		return;
	for (unsigned i = first; i < end; i++) {
		uint64_t f = (entry[i] & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT, n = 1;

		if (!(entry[i] & EXO_PTE_P) || f >= rt_info->frame_count || rt_frames[f].owner != me)
			continue;
		if (level > 1)
			table_leave(f, level - 1, 0, 512);
		else /* those that stand in a row */
			for (; i + 1 < end && entry[i + 1] - entry[i] == PAGE && rt_frames[f + n].owner == me; i++)
				n++;
		for (int64_t r = 1; n && r > 0; f += (uint64_t)r, n -= (uint64_t)r)
			r = gate_frame_give(f, n, 0);
	}
	table_unlook(level);
}

/* The table below the sealed link at (va, level) becomes this env's own: 0 or a gate error. */
static int64_t table_copy(uint64_t va, int level, uint64_t old, int leaves)
{
	uint64_t base = va & -span_of(level), step = span_of(level - 1), pfn, low, high, first, n;
	int64_t r;

	regions_in(base, span_of(level), &low, &high);
	first = low < high ? (low - base) / step : (va - base) / step;
	n = low < high ? (high - base + step - 1) / step - first : 1;
	r = gate_frame_zeroed(1, &pfn);
	if (r < 0)
		return r;
	if (leaves) {
		table_leave(old, level - 1, 0, (unsigned)first);
		table_leave(old, level - 1, (unsigned)(first + n), 512);
	}
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

static int64_t table_own(uint64_t va, int level, uint64_t entry, int leaves)
{
	uint64_t pfn = (entry & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT, at = (va & -span_of(level)) | (uint64_t)level;
	const volatile struct exo_frame_rec *f = &rt_frames[pfn];
	int64_t r = 0;

	if (f->glinks + f->plinks > 1)
		return table_copy(va, level, pfn, leaves);
	if (!f->owner)
		r = gate_frame_adopt(pfn, at);
	else if (f->owner != EXO_NAME_INDEX(P->self))
		return table_copy(va, level, pfn, leaves);
	if (r >= 0)
		r = gate_pte_write(0, at | EXO_AT_CHANGE, 1, EXO_PTE_RW, EXO_PTE_RW, 0);
	return EXO_IS_ERROR(r) ? r : 0;
}

/* The tables from the top down to that which the entry of level `lowest` names. */
static int open_to(uint64_t va, int lowest, int leaves)
{
	int tries = 0;

	/* slot 0 has its upper table from the start */
	for (int level = va < EXO_SLOT_SIZE ? 3 : 4; level >= lowest; level--) {
		int64_t e = gate_pte_write(0, (va & -span_of(level)) | EXO_AT_CHANGE | (uint64_t)level, 1, 0, 0, 0), r = 0;

		if (e == -EXO_ENOENT)
			r = level == 4 ? slot_open(va) : table_new(va, level);
		else if (EXO_IS_ERROR(e))
			return gate_errno(e);
		else if (level < 4 && !((uint64_t)e & (EXO_PTE_RW | EXO_PTE_PS))) /* the latter: a run */
			r = table_own(va, level, (uint64_t)e, leaves);
		if (level == 2 && SPACE->has_rights_due && !r)
			table_rights(va);
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

int path_open(uint64_t va) { return open_to(va, 2, 0); }
int table_open(uint64_t va) { return open_to(va, 3, 0); }
int path_leave(uint64_t va, int level) { return open_to(va, level, 1); }
