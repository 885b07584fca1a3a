/* SPDX-License-Identifier: MIT */
/* Pages out and in. A process gives up its own: nobody else can change its entries. What may go is private, this env's
 * alone, and in tables that no fork shares at the moment: what stands in those is counted, and stays. Process 1, which
 * serves all others, gives up nothing. */
#include <base/string.h>
#include "vm.h"
#include "needs.h"
#include "swap.h"

#define SWAP_PAGES (PAGE_UP(sizeof(struct swap)) / PAGE)
/* A software bit of an entry: the page could not be packed, and will not be as long as it is not written (D). */
#define NOT_PACKED (EXO_PTE_AVAIL & -EXO_PTE_AVAIL)
/* Of the hand: the first may begin anywhere, the second clears accessed bits, the third finds them so. */
#define ROUNDS 3

int swap_start(uint64_t size, int priority, swap_policy *policy)
{
	struct swap *s;

	if (F->swap)
		return -EBUSY;
	s = fam_pages(SWAP_PAGES);
	if (!s)
		return -ENOMEM;
	s->policy = policy;
	s->size = s->limit = size;
	s->priority = priority;
	F->swap = s;
	return 0;
}

void swap_end(void)
{
	fam_pages_free(F->swap, SWAP_PAGES);
	F->swap = NULL;
}

/* ---- in */
int swap_in(uint64_t va, void *page)
{
	int locked = family_locked(), e;
	uint32_t slot;

	if (!locked)
		family_lock();
	slot = *swap_slot(va);
	e = store_get(slot, page);
	if (!e) {
		F->swap_ins++;
		store_drop(slot);
		swap_forget(va);
	}
	if (!locked)
		family_unlock();
	return e;
}

int swap_bring(uint64_t n)
{
	const uint64_t end = EXO_WINDOW;
	int e = 0;

	for (uint64_t va = 0; !e && n-- && (va = swap_from(va, end)) < end; va += PAGE) {
		const struct region *r = region_find(va);

		/* What may not be touched now is kept like all that mprotect made so. */
		if (!r)
			swap_drop(va, va + PAGE);
		else
			e = r->prot ? page_serve(va, PROT_READ) : stash_swapped(MAX_OF(va, r->start), r->end);
		family_progress();
	}
	return e;
}

/* ---- out */
static int may_go(const struct region *r)
{
	return r->prot && !(r->flags & (REGION_SHARED | REGION_LOCKED | REGION_STASH));
}

static int frame_may_go(uint64_t entry)
{
	const uint64_t pfn = (entry & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT;
	const volatile struct exo_frame_rec *f = &rt_frames[pfn];

	if ((entry & (NOT_PACKED | EXO_PTE_D)) == NOT_PACKED)
		return 0;
	if (!(entry & EXO_PTE_P) || pfn >= rt_info->frame_count || f->type != EXO_DATA || f->flags & EXO_F_SHARED)
		return 0;
	return f->maps == 1 && !f->pins && (f->owner == EXO_NAME_INDEX(P->self) || !f->owner);
}

/* True: va's tables are this env's alone, and can be written. */
static int tables_are_own(uint64_t va)
{
	int may_write = 1;

	for (int level = 3; level >= 2; level--) {
		const uint64_t base = va & -(PAGE << 9 * (level - 1));
		const int64_t e = gate_pte_write(0, base | EXO_AT_CHANGE | (uint64_t)level, 1, 0, 0, 0);
		const volatile struct exo_frame_rec *f = &rt_frames[((uint64_t)e & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT];

		if (EXO_IS_ERROR(e) || (uint64_t)e & EXO_PTE_PS || f->glinks + f->plinks != 1 ||
			(f->owner && f->owner != EXO_NAME_INDEX(P->self)))
			return 0;
		may_write &= ((uint64_t)e & EXO_PTE_RW) != 0;
	}
	return may_write || !path_open(va);
}

/* One page: 1 when it is gone. */
static int page_out(uint64_t va)
{
	const uint64_t refused = F->swap->refused;
	const uint32_t slot = store_put((const void *)va);

	if (F->swap->refused != refused)
		entries_change(va, 1, NOT_PACKED, NOT_PACKED | EXO_PTE_D);
	if (!slot)
		return 0;
	if (swap_note(va, slot)) {
		store_drop(slot);
		return 0;
	}
	if (entries_write(0, va, 1, 0, EXO_AT_GIVE, 0) < 0) {
		swap_forget(va);
		store_drop(slot);
		return 0;
	}
	F->swap_outs++;
	return 1;
}

/* Of pages [va, end) of one table, of which the first is present: how many went. *to: how far the policy looked. */
static unsigned table_out(uint64_t va, uint64_t end, uint64_t wanted, swap_policy *policy, uint64_t *to)
{
	struct swap_view *v = &F->swap->view;
	const volatile uint64_t *entry;
	unsigned looked, gone = 0, used = 0;
	int own;

	*to = end;
	if (SPACE->runs && huge_split(va, va + PAGE))
		return 0;
	v->va = va;
	v->count = (unsigned)((end - va) / PAGE);
	v->wanted = (unsigned)MIN_OF(wanted, (uint64_t)SWAP_VIEW);
	own = tables_are_own(va);
	entry = entries_look(va);
	if (!entry)
		return 0;
	for (unsigned i = 0; i < v->count; i++) {
		F->swap->sealed += !own && entry[i] & EXO_PTE_P;
		v->entry[i] = frame_may_go(entry[i]) ? entry[i] : 0;
		F->swap->seen += v->entry[i] != 0;
		used |= v->entry[i] & EXO_PTE_A;
		v->goes[i] = 0;
	}
	entries_unlook();
	if (!own)
		return 0;
	looked = MIN_OF(policy(v), v->count);
	if (looked)
		*to = va + looked * PAGE;
	if (used)
		entries_change(va, looked, 0, EXO_PTE_A);
	for (unsigned i = 0; i < looked; i++)
		gone += v->goes[i] && v->entry[i] && page_out(va + i * PAGE);
	return gone;
}

/* The same of all pages in [va, end): how many went; *va: how far. */
static uint64_t range_out(uint64_t *va, uint64_t end, uint64_t wanted, swap_policy *policy)
{
	uint64_t gone = 0;

	for (const struct region *r; gone < wanted && *va < end && (r = region_above(*va));) {
		const uint64_t stop = MIN_OF(r->end, end), at = MAX_OF(*va, r->start);
		const uint64_t first = at < stop && may_go(r) ? present_from(at, stop) : stop;

		*va = stop;
		if (first < stop)
			gone += table_out(first, MIN_OF(stop, (first & -BLOCK) + BLOCK), wanted - gone, policy, va);
		family_progress();
	}
	return gone;
}

uint64_t swap_out(uint64_t n)
{
	uint64_t gone = 0;

	if (!F->swap || !F->swap->limit || P->is_keeper || P->is_monitor)
		return 0;
	for (int round = 0; gone < n && round < ROUNDS; round++) {
		F->swap->seen = F->swap->sealed = 0;
		gone += range_out(&SPACE->swap_hand, EXO_WINDOW, n - gone, F->swap->policy);
		if (gone >= n)
			break;
		SPACE->swap_hand = 0;
		if (round && !F->swap->seen)
			break;
	}
	return gone;
}

int swap_room(uint64_t n)
{
	/* More than is wanted now, so that others find some, too. */
	const uint64_t more = F->frame_reserve / 8;
	int locked = family_locked(), room;

	if (!F->swap)
		return 0;
	if (!locked)
		family_lock();
	/* There is no room for what swapoff brings back: it finds this, and gives up. */
	F->swap->limit = F->swap->size;
	do
		room = memory_spare(n);
	while (!room && F->swap && swap_out(n + more));
	if (!locked)
		family_unlock();
	return room;
}

static unsigned all_go(struct swap_view *v)
{
	for (unsigned i = 0; i < v->count; i++)
		v->goes[i] = v->entry[i] != 0;
	return v->count;
}

static unsigned none_goes(struct swap_view *v) { return v->count; }

void swap_advise(uint64_t start, uint64_t end, int goes)
{
	if (!F->swap || !F->swap->limit)
		return;
	F->swap->sealed = 0;
	(void)range_out(&start, end, ~0ul, goes ? all_go : none_goes);
}
