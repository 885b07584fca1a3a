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
		for (; start < stop; start += PAGE)
			(void)gate_pte_write(0, start | EXO_AT_CHANGE | 1, 1, value, mask, 0);
	}
	return 0;
}
