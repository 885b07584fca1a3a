/* SPDX-License-Identifier: MIT */
/* The entries behind munmap and mprotect. Which tables they stand in, and whether fork sealed those, is path.c's. */
#include "library.h"

int pages_unmap(uint64_t start, uint64_t end)
{
	while (start < end) {
		int64_t r = gate_pte_write(0, start | EXO_AT_GIVE | 1, (end - start) / PAGE, 0, 0, 0);

		if (r == -EXO_ESEALED) {
			int e = path_open(start);

			if (e)
				return e;
			continue;
		}
		if (r == -EXO_ENOENT)
			return 0;
		if (r <= 0)
			return gate_errno(r);
		start += (uint64_t)r * PAGE;
	}
	return 0;
}

const volatile uint64_t *entries_look(uint64_t va)
{
	int64_t e = gate_pte_write(0, (va & -(512 * PAGE)) | EXO_AT_CHANGE | 2, 1, 0, 0, 0);

	if (EXO_IS_ERROR(e) || entries_write(0, SCRATCH, 1, ((uint64_t)e & EXO_PTE_ADDR) | EXO_PTE_P | EXO_PTE_U | EXO_PTE_NX, 0, 0) < 0)
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

/* Of n pages in one table, those that are present. Looking at the table first costs about as much as three calls. */
static void present_change(uint64_t va, uint64_t n, uint64_t value, uint64_t mask)
{
	const volatile uint64_t *entry = n > 3 ? entries_look(va) : 0;
	uint64_t i = 0;

	if (!entry) {
		for (; i < n; i++)
			entries_change(va + i * PAGE, 1, value, mask);
		return;
	}
	while (i < n) {
		uint64_t run = 0;

		while (i + run < n && entry[i + run] & EXO_PTE_P)
			run++;
		entries_change(va + i * PAGE, run, value, mask);
		i += run + 1;
	}
	entries_unlook();
}

/* Rights of the pages that are present. Writing comes back by faults, so that a shared frame is never opened here. */
int pages_protect(uint64_t start, uint64_t end, unsigned prot)
{
	uint64_t mask = EXO_PTE_NX | (prot & PROT_WRITE ? 0 : EXO_PTE_RW), value = prot & PROT_EXEC ? 0 : EXO_PTE_NX;

	while (start < end) {
		uint64_t table_end = (start | (512 * PAGE - 1)) + 1, stop = end < table_end ? end : table_end;
		int64_t e = gate_pte_write(0, (start & -(512 * PAGE)) | EXO_AT_CHANGE | 2, 1, 0, 0, 0);

		if (EXO_IS_ERROR(e)) {
			start = stop;
			continue;
		}
		if (path_open(start))
			return -ENOMEM;
		present_change(start, (stop - start) / PAGE, value, mask);
		start = stop;
	}
	return 0;
}
