/* SPDX-License-Identifier: MIT */
/* Page faults: demand zero, file pages, copy-on-write, growth of the stack. Needs the family lock only where it
 * asks for a file's page. Results: 0, -EFAULT (no such access), -ENXIO (past the end of a file), -ENOMEM (no frame). */
#include <base/string.h>
#include <rt/log.h>
#include "swap.h"
#include "vm.h"
#include "needs.h"

#define AROUND_MAX 32
#define RLIMIT_STACK 3
#define PATH_CLOSED (-EXDEV) /* some table on the way is absent or sealed: path_open, then again */
#define LEAF(pfn) ((uint64_t)(pfn) << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U)

static uint64_t nx_of(const struct region *r)
{
	return r->prot & PROT_EXEC ? 0 : EXO_PTE_NX;
}

/* A gate error of an op on a leaf. */
static int leaf_errno(int64_t r)
{
	return r == -EXO_ESEALED || r == -EXO_ENOENT ? PATH_CLOSED : gate_errno(r);
}

/* The entry of va. For a write: only when the tables on the way are this env's own, as an op that changes nothing
 * asks. */
static int64_t leaf_read(uint64_t va, unsigned access)
{
	return gate_pte_write(0, va | EXO_AT_CHANGE | 1, 1, 0, access == PROT_WRITE ? EXO_PTE_AVAIL & -EXO_PTE_AVAIL : 0,
		0);
}

/* The stack grows down to the page of va, if the limit and its neighbour allow it. */
static struct region *stack_grow(uint64_t va)
{
	struct region *r = region_above(va);
	uint64_t limit = current_limit(RLIMIT_STACK), page = PAGE_DOWN(va);
	const struct region *below;

	if (!r || !(r->flags & REGION_GROWSDOWN) || r->start <= va || r->end - page > limit)
		return 0;
	below = region_before(r);
	if (below && below->end + STACK_GAP > page && below->prot)
		return 0;
	region_grow(r, page, r->end);
	return r;
}

/* How many pages to serve for a fault at va: memory that is touched from below upwards comes in growing pieces. */
static uint64_t window_at(uint64_t va)
{
	if (va != SPACE->fault_next)
		SPACE->fault_window = 1;
	else if (SPACE->fault_window < AROUND_MAX)
		SPACE->fault_window *= 2;
	return SPACE->fault_window;
}

static int is_absent(uint64_t entry)
{
	return !(entry & EXO_PTE_P);
}

/* Read-only, and not because it is this env's page that has only lost its right. */
static int is_shared(uint64_t entry)
{
	const volatile struct exo_frame_rec *f = &rt_frames[(entry & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT];

	return (entry & (EXO_PTE_P | EXO_PTE_RW)) == EXO_PTE_P && (f->maps > 1 || (f->owner && f->owner != EXO_NAME_INDEX(P->self)));
}

/* Entries from va on that are as wanted, at most max, within one table: read through a window on the table. The first
 * one is. */
static inline __attribute__((always_inline)) uint64_t entries_run(uint64_t va, uint64_t max,
	int (*wanted)(uint64_t entry))
{
	const volatile uint64_t *entry;
	uint64_t index = va / PAGE % 512, n = 1;

	if (max > 512 - index)
		max = 512 - index;
	entry = max > 1 ? entries_look(va) : 0;
	if (!entry)
		return 1;
	while (n < max && wanted(entry[n]))
		n++;
	entries_unlook();
	return n;
}

/* A call that cannot have a page fails, and nobody who could give one is asked first: so there it may be one of the
 * reserve, while others are packing. */
int memory_make(uint64_t n)
{
	if (memory_wait(n) || (F->swap && swap_room(n)))
		return 1;
	return SPACE->is_copying && frames_left() > F->frame_reserve / 8 + n;
}

/* n new frames at va, writable: zeroed, or with whatever is in them until the caller's next step. */
static int frames_put(uint64_t va, uint64_t n, uint64_t nx, uint64_t flags, int zeroed)
{
	uint64_t list[AROUND_MAX];
	int64_t r;

	if (!memory_make(n) || (zeroed ? frames_claim_zeroed(list, n) : frames_claim(list, n)))
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i++)
		list[i] = LEAF(list[i]) | EXO_PTE_RW | nx;
	r = entries_write(0, va, n, (uint64_t)list, EXO_AT_LIST | flags, 0);
	if (r < 0) {
		for (uint64_t i = 0; i < n; i++)
			list[i] = (list[i] & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT;
		frames_release(list, n);
		return leaf_errno(r);
	}
	return 0;
}

static void zero(uint64_t va, uint64_t bytes)
{
	memset((void *)va, 0, bytes);
}

/* Pages for a fault at va, of which the first is as wanted. */
static inline __attribute__((always_inline)) uint64_t around(const struct region *r, uint64_t va,
	int (*wanted)(uint64_t entry))
{
	uint64_t window = window_at(va), room = (r->end - va) / PAGE;

	return entries_run(va, room < window ? room : window, wanted);
}

/* How many pages from va on are nowhere, of n that are absent, of which the first is. */
static inline uint64_t nowhere(uint64_t va, uint64_t n)
{
	return SPACE->swap ? (swap_next(va, va + n * PAGE) - va) / PAGE : n;
}

static int fill_zero(const struct region *r, uint64_t va)
{
	uint64_t n = nowhere(va, around(r, va, is_absent));
	int e;

	e = frames_put(va, n, nx_of(r), 0, 1);
	if (e == -ENOMEM && n > 1)
		e = frames_put(va, n = 1, nx_of(r), 0, 1);
	if (e)
		return e;
	if (!(r->prot & PROT_WRITE))
		entries_change(va, n, 0, EXO_PTE_RW);
	SPACE->fault_next = va + n * PAGE;
	return 0;
}

/* What the page was when it was packed. */
static __attribute__((noinline)) int fill_swapped(const struct region *r, uint64_t va)
{
	int e = frames_put(va, 1, nx_of(r), 0, 0);

	if (e)
		return e;
	if (swap_in(va, (void *)va)) {
		(void)entries_write(0, va, 1, 0, EXO_AT_GIVE, 0);
		return -ENXIO;
	}
	if (!(r->prot & PROT_WRITE))
		entries_change(va, 1, 0, EXO_PTE_RW);
	return 0;
}

/* A private page with the file's bytes up to data_end. from: the file's page in library memory, NULL = hole. */
static int fill_copy(const struct region *r, uint64_t va, const void *from)
{
	uint64_t bytes = !from || r->data_end <= va ? 0 : r->data_end - va;
	int e = frames_put(va, 1, nx_of(r), 0, 0);

	if (e)
		return e;
	if (bytes > PAGE)
		bytes = PAGE;
	memcpy((void *)va, from, bytes);
	if (data_lost()) {
		(void)entries_write(0, va, 1, 0, EXO_AT_GIVE, 0);
		return -ENXIO;
	}
	zero(va + bytes, PAGE - bytes);
	if (!(r->prot & PROT_WRITE))
		entries_change(va, 1, 0, EXO_PTE_RW);
	return 0;
}

/* How many pages from va on show the file's pages from `page` on, which lie behind one another in the family's memory;
 * at most max, of which the first does. */
static uint64_t pages_behind(const struct region *r, uint64_t va, uint64_t page, uint64_t max)
{
	uint64_t end = r->data_end < r->end ? PAGE_DOWN(r->data_end) : r->end, n = 1;
	uint64_t index = r->offset + (va - r->start) / PAGE, room = end > va ? (end - va) / PAGE : 1;

	max = nowhere(va, entries_run(va, room < max ? room : max, is_absent));
	while (n < max && (uint64_t)inode_page(r->inode, index + n, 0) == page + n * PAGE)
		n++;
	return n;
}

/* Maps the file's own frames read-only: the page of va, and what follows it in the root image, or in a file that is
 * read from its beginning upwards. */
static int fill_map(const struct region *r, uint64_t va, uint64_t page)
{
	uint64_t rights = nx_of(r) | (r->flags & REGION_SHARED && r->prot & PROT_WRITE ? EXO_PTE_RW : 0), n = 1, pfn;
	uint64_t image = page - ROOTIMG_BASE, list[AROUND_MAX];
	int64_t e;

	if (image < F->rootimg_pages * PAGE) {
		n = pages_behind(r, va, page, AROUND_MAX);
		e = entries_write(0, va, n, LEAF(F->rootimg_pfn + image / PAGE) | rights, EXO_AT_STEP, page);
		return e < 0 ? leaf_errno(e) : 0;
	}
	pfn = frame_at(page);
	if (!pfn && data_heal(page)) {
		rt_log("page 0x%lx of shared contents is gone", page);
		(void)data_lost();
		return -ENXIO;
	}
	if (!pfn)
		return -EFAULT;
	list[0] = LEAF(pfn) | rights;
	for (uint64_t max = pages_behind(r, va, page, window_at(va)); n < max && (pfn = frame_at(page + n * PAGE)); n++)
		list[n] = LEAF(pfn) | rights;
	e = entries_write(0, va, n, (uint64_t)list, EXO_AT_LIST, page);
	if (e >= 0)
		SPACE->fault_next = va + n * PAGE;
	return e < 0 ? leaf_errno(e) : 0;
}

static int fill_file(const struct region *r, uint64_t va, unsigned access)
{
	uint64_t index = r->offset + (va - r->start) / PAGE;
	int shared_write = r->flags & REGION_SHARED && r->prot & PROT_WRITE, locked = family_locked(), e;
	char *page;

	if (!(r->flags & REGION_SHARED) && r->data_end <= va)
		return fill_zero(r, va);
	if (!locked)
		family_lock();
	page = inode_page(r->inode, index, shared_write);
	/* A hole that all are to see is one page for all: another one may write there. */
	if (!page && r->flags & REGION_SHARED && !shared_write)
		page = inode_page(r->inode, index, 1);
	if (!page && index >= PAGE_UP(inode_size(r->inode)) / PAGE)
		e = -ENXIO;
	else if (!page && shared_write)
		e = memory_spare(1) ? -ENXIO : -ENOMEM; /* the former: its file system is full */
	else if (!page || (!(r->flags & REGION_SHARED) && (access == PROT_WRITE || r->data_end < va + PAGE)))
		e = fill_copy(r, va, page);
	else
		e = fill_map(r, va, (uint64_t)page);
	if (!locked)
		family_unlock();
	return e;
}

/* Own copies of n pages, filled in the scratch window. */
static int leaf_copy(const struct region *r, uint64_t va, uint64_t n)
{
	uint64_t list[AROUND_MAX], value[AROUND_MAX];
	int64_t e;

	if (!memory_make(n) || frames_claim(list, n))
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i++)
		value[i] = LEAF(list[i]) | EXO_PTE_RW | EXO_PTE_NX;
	e = entries_write(0, SCRATCH, n, (uint64_t)value, EXO_AT_LIST, 0);
	if (e >= 0) {
		memcpy((void *)SCRATCH, (const void *)va, n * PAGE);
		(void)entries_write(0, SCRATCH, n, 0, 0, 0);
		for (uint64_t i = 0; i < n; i++)
			value[i] = LEAF(list[i]) | EXO_PTE_RW | nx_of(r);
		e = entries_write(0, va, n, (uint64_t)value, EXO_AT_LIST | EXO_AT_GIVE, 0);
	}
	if (e < 0) {
		frames_release(list, n);
		return leaf_errno(e);
	}
	SPACE->fault_next = va + n * PAGE;
	return 0;
}

/* Write to a page that is present without R/W: take it over when it is nobody else's, else copy it. */
static int leaf_break(const struct region *r, uint64_t va, uint64_t entry)
{
	uint64_t pfn = (entry & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT, n;
	const volatile struct exo_frame_rec *f = &rt_frames[pfn];
	int64_t e = 0;

	if (!is_shared(entry) && !(f->flags & EXO_F_SHARED)) {
		if (!f->owner)
			e = gate_frame_adopt(pfn, va | 1);
		if (e >= 0)
			e = gate_pte_write(0, va | EXO_AT_CHANGE | 1, 1, EXO_PTE_RW, EXO_PTE_RW, 0);
		if (!EXO_IS_ERROR(e))
			return 0;
		if (e == -EXO_ESEALED)
			return PATH_CLOSED;
	}
	if (r->flags & REGION_SHARED) {
		e = gate_pte_write(0, va | EXO_AT_CHANGE | 1, 1, EXO_PTE_RW, EXO_PTE_RW, 0);
		if (!EXO_IS_ERROR(e))
			return 0;
		if (e == -EXO_ESEALED)
			return PATH_CLOSED;
		if (!r->inode)
			return -EFAULT;
		(void)entries_write(0, va, 1, 0, 0, 0);
		return fill_file(r, va, PROT_WRITE);
	}
	n = around(r, va, is_shared);
	e = leaf_copy(r, va, n);
	return e == -ENOMEM && n > 1 ? leaf_copy(r, va, 1) : (int)e;
}

/* One try. The kernel refuses whatever is not this env's alone, so looking at the path first would only cost. */
static int serve(const struct region *r, uint64_t va, unsigned access)
{
	int64_t entry = leaf_read(va, access);

	if (entry == -EXO_ESEALED)
		return PATH_CLOSED;
	if (entry == -EXO_ENOENT) {
		if (SPACE->swap && swap_slot(va))
			return fill_swapped(r, va);
		if (r->flags & REGION_HUGE && huge_serve(r, va))
			return 0;
		return r->inode ? fill_file(r, va, access) : fill_zero(r, va);
	}
	if (EXO_IS_ERROR(entry))
		return entry == -EXO_EEXIST ? 0 : gate_errno(entry); /* a run is there already */
	if (access != PROT_WRITE)
		return 0;
	return (uint64_t)entry & EXO_PTE_RW ? PATH_CLOSED : leaf_break(r, va, (uint64_t)entry);
}

int page_serve(uint64_t va, unsigned access)
{
	struct region *r = region_find(va);
	int e;

	fault_note();
	if (!r)
		r = stack_grow(va);
	if (!r || !(r->prot & access || (access == PROT_READ && r->prot)))
		return -EFAULT;
	va = PAGE_DOWN(va);
	e = serve(r, va, access);
	if (e != PATH_CLOSED)
		return e;
	e = path_open(va);
	if (!e)
		e = serve(r, va, access);
	/* Open and present with R/W: a translation from before was to blame. */
	return e == PATH_CLOSED ? 0 : e;
}
