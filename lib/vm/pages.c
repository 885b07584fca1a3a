/* SPDX-License-Identifier: MIT */
/* The entries behind munmap and mprotect, and those of files that lose pages. Which tables they stand in, and whether
 * fork sealed those, is path.c's. */
#include "vm.h"

typedef int piece_function(uint64_t start, uint64_t end, unsigned prot);

/* A lot of addresses is mostly empty, and an op on level 1 goes over nothing in small steps: only where there is a
 * level-2 table. */
static inline __attribute__((always_inline)) int by_pieces(piece_function *of, uint64_t start, uint64_t end,
	unsigned prot)
{
	int e = 0;

	if (end <= EXO_SLOT_SIZE && end - start <= EXO_HOME_SIZE)
		return of(start, end, prot);
	for (uint64_t next; !e && (start = slots_skip(start, end)) < end; start = next) {
		next = MIN_OF((start | (EXO_HOME_SIZE - 1)) + 1, end);
		if (!EXO_IS_ERROR(gate_pte_write(0, (start & -EXO_HOME_SIZE) | EXO_AT_CHANGE | 3, 1, 0, 0, 0)))
			e = of(start, next, prot);
	}
	return e;
}

static inline __attribute__((always_inline)) int piece_unmap(uint64_t start, uint64_t end, unsigned prot)
{
	(void)prot;
	while (start < end) {
		int64_t r = gate_pte_write(0, start | EXO_AT_GIVE | 1, (end - start) / PAGE, 0, 0, 0);

		if (r == -EXO_ESEALED) {
			int e = path_open(start);

			SPACE->has_strays |= e != 0;
			if (e)
				return e;
			continue;
		}
		if (r == -EXO_ENOENT)
			return 0;
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

int pages_unmap(uint64_t start, uint64_t end)
{
	if (SPACE->runs && huge_drop(start, end))
		return -ENOMEM;
	return by_pieces(piece_unmap, start, end, 0);
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

int pages_protect(uint64_t start, uint64_t end, unsigned prot)
{
	if (SPACE->runs && huge_split(start, end))
		return -ENOMEM;
	return by_pieces(piece_protect, start, end, prot);
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
		va = (va | ((PAGE << 9 * (level - 1)) - 1)) + 1;
	}
	return end;
}

const volatile uint64_t *entries_look(uint64_t va)
{
	int64_t e = gate_pte_write(0, (va & -(512 * PAGE)) | EXO_AT_CHANGE | 2, 1, 0, 0, 0);

	if (EXO_IS_ERROR(e) || entries_write(0, SCRATCH, 1,
		((uint64_t)e & EXO_PTE_ADDR) | EXO_PTE_P | EXO_PTE_U | EXO_PTE_NX, 0, 0) < 0)
		return 0;
	return (const volatile uint64_t *)SCRATCH + va / PAGE % 512;
}

void entries_unlook(void)
{
	(void)entries_write(0, SCRATCH, 1, 0, 0, 0);
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
