/* SPDX-License-Identifier: MIT */
/* Pages of 2 MiB, where a program asks for them (madvise with MADV_HUGEPAGE) and memory has them: private anonymous
 * memory gets a run at the first touch of a block in which nothing is mapped yet. All that looks closer at a part of
 * such a page makes 512 small ones of it first, fork too: sealed tables know small pages only. SPACE->runs counts those
 * that this env maps; while it is 0 nothing here costs more than a look at it. */
#include <base/string.h>
#include "swap.h"
#include "vm.h"

#define RUN_SIZE (EXO_RUN_FRAMES * PAGE)
#define RUN_DOWN(va) ((uint64_t)(va) & -RUN_SIZE)
#define RIGHTS (EXO_PTE_RW | EXO_PTE_NX)

/* 512 free frames from a 2 MiB boundary on; 0 = there are none. */
static uint64_t run_find(void)
{
	for (uint64_t head = rt_info->frame_count & -(uint64_t)EXO_RUN_FRAMES; head;) {
		uint64_t n = 0;

		head -= EXO_RUN_FRAMES;
		while (n < EXO_RUN_FRAMES && rt_frames[head + n].type == EXO_FREE)
			n++;
		if (n == EXO_RUN_FRAMES)
			return head;
	}
	return 0;
}

static void run_give(uint64_t head, uint64_t n)
{
	for (uint64_t done = 0; done < n;) {
		int64_t r = gate_frame_give(head + done, n - done, 0);

		done += r > 0 ? (uint64_t)r : n;
	}
}

int64_t run_claim(void)
{
	uint64_t head = memory_spare(EXO_RUN_FRAMES) ? run_find() : 0, done = 0;
	int64_t r = head ? 0 : -EXO_ENOMEM;

	for (; done < EXO_RUN_FRAMES && r >= 0; done += r > 0 ? (uint64_t)r : 0)
		r = gate_frame_claim(head + done, EXO_RUN_FRAMES - done);
	if (r < 0) {
		run_give(head, done);
		return r;
	}
	for (done = 0; done < EXO_RUN_FRAMES && r >= 0; done += (uint64_t)r)
		r = gate_frame_type(head + done, EXO_RUN_FRAMES - done, EXO_RUN, 0);
	return r < 0 ? r : (int64_t)head;
}

/* The entry of level 2 that maps a run at va; 0: none. */
static uint64_t run_entry(uint64_t va)
{
	int64_t e = gate_pte_write(0, RUN_DOWN(va) | EXO_AT_CHANGE | 2, 1, 0, 0, 0);

	return !EXO_IS_ERROR(e) && (uint64_t)e & EXO_PTE_PS ? (uint64_t)e : 0;
}

/* No entry of level 2 there, or one of a table that is left empty, which goes. */
static int block_is_free(uint64_t base)
{
	int64_t e = gate_pte_write(0, base | EXO_AT_CHANGE | 2, 1, 0, 0, 0);

	if (EXO_IS_ERROR(e))
		return e == -EXO_ENOENT;
	return !((uint64_t)e & EXO_PTE_PS) && !rt_frames[((uint64_t)e & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT].used && gate_pte_write(0, base | EXO_AT_GIVE | 2, 1, 0, 0, 0) > 0;
}

int huge_serve(const struct region *r, uint64_t va)
{
	uint64_t base = RUN_DOWN(va);
	int64_t head;

	if (base < r->start || base + RUN_SIZE > r->end ||
		(r->prot & (PROT_READ | PROT_WRITE)) != (PROT_READ | PROT_WRITE) ||
		swap_from(base, base + RUN_SIZE) < base + RUN_SIZE || table_open(va) || !block_is_free(base))
		return 0;
	head = run_claim();
	if (head < 0)
		return 0;
	if (gate_pte_write(0, base | 2, 1, (uint64_t)head << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | (r->prot & PROT_EXEC ? 0 : EXO_PTE_NX), 0, 0) < 0) {
		run_give((uint64_t)head, EXO_RUN_FRAMES);
		return 0;
	}
	SPACE->runs++;
	memset((void *)base, 0, RUN_SIZE);
	return 1;
}

/* The run becomes small pages with its rights and bytes. What can be refused is asked for first. */
static int run_split(uint64_t base, uint64_t entry)
{
	uint64_t pfn, head = (entry & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT;
	int64_t r = gate_frame_zeroed(1, &pfn);

	if (r < 0 || gate_frame_type(pfn, 1, EXO_PT1, 0) < 0)
		return -ENOMEM;
	r = gate_pte_write(0, base | 2, 1, 0, 0, 0);
	if (r >= 0)
		r = gate_frame_type(head, 1, EXO_DATA, 0);
	if (r >= 0)
		r = gate_pt_link(0, base | 2, 1, pfn);
	if (r >= 0)
		r = entries_write(0, base, EXO_RUN_FRAMES, head << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | (entry & RIGHTS),
			EXO_AT_STEP, 0);
	SPACE->runs--;
	return r < 0 ? gate_errno(r) : 0;
}

/* Each run that [start, end) touches: a whole one goes when `drops`, all others are split. */
static int runs_end(uint64_t start, uint64_t end, int drops)
{
	int e = 0;

	for (uint64_t va = start, base; !e && SPACE->runs && (va = present_from(va, end)) < end; va = base + RUN_SIZE) {
		uint64_t entry = run_entry(va);

		base = RUN_DOWN(va);
		if (entry && drops && base >= start && base + RUN_SIZE <= end) {
			e = gate_pte_write(0, base | EXO_AT_GIVE | 2, 1, 0, 0, 0) < 0 ? -ENOMEM : 0;
			SPACE->runs -= !e;
		} else if (entry) {
			e = run_split(base, entry);
		}
	}
	return e;
}

int huge_split(uint64_t start, uint64_t end) { return runs_end(start, end, 0); }
int huge_drop(uint64_t start, uint64_t end) { return runs_end(start, end, 1); }

int huge_move(uint64_t from, uint64_t to)
{
	uint64_t entry = (from | to) % RUN_SIZE ? 0 : run_entry(from);
	uint64_t value = entry & (EXO_PTE_ADDR | EXO_PTE_P | EXO_PTE_U | RIGHTS);

	if (!entry || table_open(to) || !block_is_free(to) || gate_pte_write(0, from | 2, 1, 0, 0, 0) < 0)
		return 0;
	if (gate_pte_write(0, to | 2, 1, value, 0, 0) >= 0)
		return 1;
	(void)gate_pte_write(0, from | 2, 1, value, 0, 0);
	return 0;
}

int huge_split_all(void)
{
	int e = 0;

	for (struct region *r = region_first(); !e && SPACE->runs && r; r = region_next(r))
		e = huge_split(r->start, r->end);
	return e;
}
