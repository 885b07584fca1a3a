/* SPDX-License-Identifier: MIT */
/* The entries behind munmap and mprotect, and those of files that lose pages. Which tables they stand in, and whether
 * fork sealed those, is path.c's. */
#include <base/string.h>
#include "swap.h"
#include "vm.h"

int table_is_there(uint64_t va)
{
	return !EXO_IS_ERROR(gate_pte_write(0, (va & -EXO_HOME_SIZE) | EXO_AT_CHANGE | 3, 1, 0, 0, 0));
}

/* How many whole tables from start on, of one level-2 table of this env's own, may go with their links: absent ones,
 * empty ones, and those that fork shares, which are then left to the others. */
static uint64_t tables_loose(uint64_t start, uint64_t end)
{
	const uint64_t first = start / BLOCK % 512, n = MIN_OF(512 - first, (end - start) / BLOCK);
	const uint64_t pt2 = (uint64_t)gate_pte_write(0, (start & -EXO_HOME_SIZE) | EXO_AT_CHANGE | 3, 1, 0, 0, 0);
	const uint64_t *entry = TABLE_WINDOW(2);
	uint64_t i = 0;

	if (EXO_IS_ERROR((int64_t)pt2))
		return (int64_t)pt2 == -EXO_ENOENT ? n : 0;
	if (!(pt2 & EXO_PTE_RW) || !table_look(2, (pt2 & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT))
		return 0;
	for (; i < n && !(entry[first + i] & EXO_PTE_PS); i++) {
		uint64_t pfn = (entry[first + i] & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT;
		const volatile struct exo_frame_rec *f = &rt_frames[pfn];

		if (!(entry[first + i] & EXO_PTE_P) || !f->used)
			continue;
		if (f->glinks + f->plinks == 1)
			break;
		table_leave(pfn, 1, 0, 512);
	}
	table_unlook(2);
	return i;
}

/* They go: where the first one is that does not, or near the end. */
static uint64_t tables_drop(uint64_t start, uint64_t end)
{
	while (start + BLOCK <= end) {
		uint64_t n = tables_loose(start, end);
		int64_t r = n ? gate_pte_write(0, start | EXO_AT_GIVE | 2, n, 0, 0, 0) : 0;

		if (r <= 0)
			break;
		start += (uint64_t)r * BLOCK;
		family_progress();
	}
	return start;
}

/* A sealed table in the way, at start: a whole one that others share need not be copied. Where to go on, 0: no
 * memory. */
static __attribute__((noinline)) uint64_t sealed_pass(uint64_t start, uint64_t end)
{
	if (start % BLOCK == 0 && end - start >= BLOCK && !path_leave(start, 3)) {
		uint64_t next = tables_drop(start, end);

		if (next > start)
			return next;
	}
	return path_leave(start, 2) ? 0 : start;
}

static int entries_unmap(uint64_t start, uint64_t end)
{
	while (start < end) {
		int64_t r = gate_pte_write(0, start | EXO_AT_GIVE | 1, (end - start) / PAGE, 0, 0, 0);

		if (r == -EXO_ESEALED) {
			start = sealed_pass(start, end);
			if (start)
				continue;
			SPACE->has_strays = 1;
			return -ENOMEM;
		}
		if (r <= 0) {
			SPACE->has_strays = 1;
			return gate_errno(r);
		}
		start += (uint64_t)r * PAGE;
		if (start < end)
			family_progress();
	}
	return 0;
}

/* The same, and whole tables go, too. */
static __attribute__((noinline)) int tables_unmap(uint64_t start, uint64_t end)
{
	const uint64_t first = (start + BLOCK - 1) & -BLOCK, next = tables_drop(first, end);
	int e = next > first && start < first ? entries_unmap(start, first) : 0;

	if (!e)
		e = entries_unmap(next > first ? next : start, end);
	if (!e)
		(void)tables_drop(next, end);
	return e;
}

static inline int piece_unmap(uint64_t start, uint64_t end)
{
	return end - start < BLOCK ? entries_unmap(start, end) : tables_unmap(start, end);
}

/* In the slot where the image's home lies, whose tables stay linked. */
static int is_homes(uint64_t va)
{
	return SPACE->home_base && SPACE->home_base >> EXO_SLOT_SHIFT == va >> EXO_SLOT_SHIFT;
}

/* The level-2 table at va goes if nothing is in it. */
static void table_drop(uint64_t va)
{
	const uint64_t at = va | EXO_AT_CHANGE | 3, e = (uint64_t)gate_pte_write(0, at, 1, 0, 0, 0);
	const volatile struct exo_frame_rec *f = &rt_frames[(e & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT];

	if (!EXO_IS_ERROR((int64_t)e) && !f->used && f->owner == EXO_NAME_INDEX(P->self))
		(void)gate_pte_write(0, va | EXO_AT_GIVE | 3, 1, 0, 0, 0);
}

/* The same for any addresses, which are mostly empty: table by table of level 2. */
static __attribute__((noinline)) int pieces_unmap(uint64_t start, uint64_t end)
{
	int e = 0;

	for (uint64_t next; !e && (start = slots_skip(start, end)) < end; start = next) {
		next = MIN_OF((start | (EXO_HOME_SIZE - 1)) + 1, end);
		if (!table_is_there(start))
			continue;
		e = piece_unmap(start, next);
		if (!e && next - start == EXO_HOME_SIZE && !is_homes(start))
			table_drop(start);
	}
	return e;
}

int pages_unmap(uint64_t start, uint64_t end)
{
	if (SPACE->swap)
		swap_drop(start, end);
	return pages_clear(start, end);
}

int pages_clear(uint64_t start, uint64_t end)
{
	if (SPACE->runs && huge_drop(start, end))
		return -ENOMEM;
	if (end <= EXO_SLOT_SIZE && end - start < EXO_HOME_SIZE)
		return piece_unmap(start, end);
	return pieces_unmap(start, end);
}

/* Rights of the pages that are present. Those that are this env's alone become writable at once; from the first that
 * is not, writing comes back by faults. */
static inline __attribute__((always_inline)) int piece_protect(uint64_t start, uint64_t end, unsigned prot)
{
	uint64_t mask = EXO_PTE_NX | EXO_PTE_RW, value = (prot & PROT_EXEC ? 0 : EXO_PTE_NX) | (prot & PROT_WRITE ? EXO_PTE_RW : 0);

	while (start < end) {
		uint64_t n = (end - start) / PAGE;
		int64_t r = gate_pte_write(0, start | EXO_AT_CHANGE | 1, n, value, mask, 0);

		if (r == -EXO_ESEALED) {
			if (path_open(start))
				return -ENOMEM;
			continue;
		}
		if (value & EXO_PTE_RW && (r == -EXO_ESHARED || r == -EXO_EPERM || r == -EXO_ETYPE)) {
			value &= ~EXO_PTE_RW;
			mask &= ~EXO_PTE_RW;
			continue;
		}
		/* The call for one entry returns the old entry. */
		if (n == 1 && (r == -EXO_ENOENT || !EXO_IS_ERROR(r)))
			return 0;
		if (r <= 0)
			return gate_errno(r);
		start += (uint64_t)r * PAGE;
	}
	return 0;
}

/* The same for any addresses. */
static __attribute__((noinline)) int pieces_protect(uint64_t start, uint64_t end, unsigned prot)
{
	int e = 0;

	for (uint64_t next; !e && (start = slots_skip(start, end)) < end; start = next) {
		next = MIN_OF((start | (EXO_HOME_SIZE - 1)) + 1, end);
		e = table_is_there(start) ? piece_protect(start, next, prot) : 0;
	}
	return e;
}

int pages_protect(uint64_t start, uint64_t end, unsigned prot)
{
	if (SPACE->runs && huge_split(start, end))
		return -ENOMEM;
	return end - start < BLOCK ? piece_protect(start, end, prot) : pieces_protect(start, end, prot);
}

/* ---- The right to write of whole tables is taken and given in their links instead of in 512 entries each. Such a
 * table is *closed*: this env's alone, not sealed, and its link lacks R/W. What its entries say is older than what its
 * regions do, so whoever opens a table, also one that fork sealed meanwhile, gives each entry what its region allows. A
 * closed table lies wholly in anonymous regions that may not be written: what changes a part of it opens it first. */

static int64_t link_look(uint64_t va)
{
	return gate_pte_write(0, (va & -BLOCK) | EXO_AT_CHANGE | 2, 1, 0, 0, 0);
}

static int is_closed(int64_t link)
{
	const volatile struct exo_frame_rec *f = &rt_frames[((uint64_t)link & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT];

	return !EXO_IS_ERROR(link) && !((uint64_t)link & (EXO_PTE_RW | EXO_PTE_PS)) && !(f->flags & EXO_F_SEALED) &&
		f->owner == EXO_NAME_INDEX(P->self);
}

/* Without the right to write: 1; 0: its entries have to tell. */
static int link_close(uint64_t va)
{
	int64_t r = gate_pte_write(0, va | EXO_AT_CHANGE | 2, 1, 0, EXO_PTE_RW, 0);

	if (r == -EXO_ESEALED && !table_open(va))
		r = gate_pte_write(0, va | EXO_AT_CHANGE | 2, 1, 0, EXO_PTE_RW, 0);
	if (EXO_IS_ERROR(r))
		return 0;
	SPACE->has_closed = SPACE->has_rights_due = 1;
	return 1;
}

/* With it, a closed table or a run: the same. */
static int link_reopen(uint64_t va)
{
	int64_t link = link_look(va);

	if (!is_closed(link) && (EXO_IS_ERROR(link) || !((uint64_t)link & EXO_PTE_PS)))
		return 0;
	return !EXO_IS_ERROR(gate_pte_write(0, va | EXO_AT_CHANGE | 2, 1, EXO_PTE_RW, EXO_PTE_RW, 0));
}

static int has_files(uint64_t start, uint64_t end)
{
	struct region *r = region_above(start);

	while (r && r->start < end && !r->inode)
		r = region_next(r);
	return r && r->start < end;
}

int tables_protect(uint64_t start, uint64_t end, unsigned prot)
{
	const uint64_t last = end & -BLOCK;
	uint64_t from = start, va = (start + BLOCK - 1) & -BLOCK;
	int e = 0, may = !(prot & PROT_WRITE) || SPACE->has_closed;

	if (!may || has_files(start, end))
		return pages_protect(start, end, prot);
	while (!e && va < last) {
		if (!table_is_there(va)) { /* for a GiB */
			va = slots_skip((va | (EXO_HOME_SIZE - 1)) + 1, last);
			continue;
		}
		for (uint64_t stop = MIN_OF((va | (EXO_HOME_SIZE - 1)) + 1, last); !e && va < stop; va += BLOCK) {
			if (!(prot & PROT_WRITE ? link_reopen(va) : link_close(va)))
				continue;
			e = from < va ? pages_protect(from, va, prot) : 0;
			from = va + BLOCK;
		}
		family_progress();
	}
	return !e && from < end ? pages_protect(from, end, prot) : e;
}

/* What one entry refuses (of a device's frame) must not stop the others. */
static void write_take(uint64_t va, uint64_t end)
{
	while (va < end) {
		int64_t r = gate_pte_write(0, va | EXO_AT_CHANGE | 1, (end - va) / PAGE, 0, EXO_PTE_RW, 0);

		/* The call for one entry returns the old entry. */
		va += end - va > PAGE && r > 0 ? (uint64_t)r * PAGE : PAGE;
	}
}

void table_rights(uint64_t va)
{
	const uint64_t start = va & -BLOCK, end = start + BLOCK;

	for (const struct region *r = region_above(start); r && r->start < end; r = region_above(r->end))
		if (!(r->prot & PROT_WRITE))
			write_take(MAX_OF(r->start, start), MIN_OF(r->end, end));
}

/* Those that have a part of it. */
static int region_open(const struct region *r)
{
	const uint64_t end = (r->end + BLOCK - 1) & -BLOCK;
	int e = 0;

	for (uint64_t va = r->start & -BLOCK; !e && va < end; va += BLOCK) {
		if (!table_is_there(va)) {
			va = slots_skip((va | (EXO_HOME_SIZE - 1)) + 1, end) - BLOCK;
			continue;
		}
		if (is_closed(link_look(va)))
			e = path_open(va);
		family_progress();
	}
	return e;
}

int tables_open(void)
{
	int e = 0;

	if (!SPACE->has_closed)
		return 0;
	for (const struct region *r = region_first(); !e && r; r = region_above(r->end))
		if (!(r->prot & PROT_WRITE) && !r->inode)
			e = region_open(r);
	SPACE->has_closed = e != 0;
	return e;
}

/* In va's table, which is there, and of which va's own page is not: the next present page below end, else its end. */
static uint64_t present_within(uint64_t va, uint64_t end)
{
	const volatile uint64_t *entry;
	uint64_t i = 1, n = MIN_OF(512 - va / PAGE % 512, (end - va) / PAGE);

	entry = n > 2 ? entries_look(va) : 0;
	if (!entry)
		return va + PAGE;
	while (i < n && !(entry[i] & EXO_PTE_P))
		i++;
	entries_unlook();
	return va + i * PAGE;
}

/* Whole tables that are absent are passed over. */
uint64_t present_from(uint64_t va, uint64_t end)
{
	while ((va = slots_skip(va, end)) < end) {
		int64_t entry = gate_pte_write(0, va | EXO_AT_CHANGE | 1, 1, 0, 0, 0);
		int level = 1;

		if (!EXO_IS_ERROR(entry) || entry == -EXO_EEXIST) /* the latter: part of a run */
			return va;
		for (; level < 3; level++) {
			uint64_t span = PAGE << 9 * level;

			if (!EXO_IS_ERROR(gate_pte_write(0, (va & -span) | EXO_AT_CHANGE | (uint64_t)(level + 1), 1, 0, 0, 0)))
				break;
		}
		va = level == 1 ? present_within(va, end) : (va | ((PAGE << 9 * (level - 1)) - 1)) + 1;
	}
	return end;
}

int table_look(int level, uint64_t pfn)
{
	uint64_t value = pfn << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_NX;

	return entries_write(0, (uint64_t)TABLE_WINDOW(level), 1, value, 0, 0) >= 0;
}

void table_unlook(int level) { (void)entries_write(0, (uint64_t)TABLE_WINDOW(level), 1, 0, 0, 0); }

const volatile uint64_t *entries_look(uint64_t va)
{
	int64_t e = gate_pte_write(0, (va & -BLOCK) | EXO_AT_CHANGE | 2, 1, 0, 0, 0);

	if (EXO_IS_ERROR(e) || !table_look(1, ((uint64_t)e & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT))
		return 0;
	return TABLE_WINDOW(1) + va / PAGE % 512;
}

void entries_unlook(void) { table_unlook(1); }

/* A byte for each of 8 entries: 1 where a page is present. They are mostly all alike; of what the CPU sets in them
 * nothing is looked at. */
static void present_note(const uint64_t *e, uint8_t *to)
{
	if (e[0] & e[1] & e[2] & e[3] & e[4] & e[5] & e[6] & e[7] & EXO_PTE_P)
		*(uint64_t *)to = 0x0101010101010101ul * EXO_PTE_P;
	else if (!((e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) & EXO_PTE_P))
		*(uint64_t *)to = 0;
	else
		for (unsigned i = 0; i < 8; i++)
			to[i] = e[i] & EXO_PTE_P;
}

int table_present(uint64_t va, uint8_t present[512])
{
	const uint64_t e = (uint64_t)gate_pte_write(0, (va & -BLOCK) | EXO_AT_CHANGE | 2, 1, 0, 0, 0);
	const uint64_t *entry;
	uint16_t used;

	if (EXO_IS_ERROR((int64_t)e) || e & EXO_PTE_PS) {
		memset(present, !EXO_IS_ERROR((int64_t)e), 512);
		return 0;
	}
	used = rt_frames[(e & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT].used;
	if (used == 0 || used == 512) {
		memset(present, used != 0, 512);
		return 0;
	}
	entry = (const uint64_t *)entries_look(va & -BLOCK);
	if (!entry)
		return -ENOMEM;
	for (unsigned i = 0; i < 512; i += 8)
		present_note(entry + i, present + i);
	entries_unlook();
	return 0;
}

void entries_change(uint64_t va, uint64_t n, uint64_t value, uint64_t mask)
{
	while (n) {
		int64_t r = gate_pte_write(0, va | EXO_AT_CHANGE | 1, n, value, mask, 0);

		/* The call for one entry returns the old entry. */
		if (n == 1 || r <= 0)
			return;
		va += (uint64_t)r * PAGE;
		n -= (uint64_t)r;
	}
}

/* ---- Nobody knows who maps a page of a file, and nobody else can change a space's entries. So when a page is cut off,
 * punched, or taken from the root image into memory at the first write, each space renews its own mappings
 * (posix/process/ask.c), and faults bring what is there now. */

/* A private copy stays, as far as the file goes. What is the file's is a shared frame, or the root image's. */
static int is_own(uint64_t va)
{
	uint64_t pfn = frame_at(va);

	return pfn && !(rt_frames[pfn].flags & EXO_F_SHARED) && pfn - F->rootimg_pfn >= F->rootimg_pages;
}

static void files_part(const struct region *r, uint64_t end)
{
	for (uint64_t va = r->start; (va = present_from(va, end)) < end; va += PAGE)
		if (!is_own(va))
			(void)pages_unmap(va, va + PAGE);
}

void mapping_renew(const struct region *r, uint64_t size)
{
	uint64_t pages = PAGE_UP(size) / PAGE, left = pages > r->offset ? pages - r->offset : 0;
	uint64_t last = MIN_OF(r->end, PAGE_UP(MIN_OF(r->data_end, EXO_WINDOW))), end;

	if (last <= r->start)
		return;
	if (r->flags & REGION_SHARED) {
		(void)pages_unmap(r->start, r->end);
		return;
	}
	end = MIN_OF(last - r->start, left * PAGE) + r->start;
	files_part(r, end);
	if (end < last)
		(void)pages_unmap(end, last);
}
