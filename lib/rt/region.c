/* SPDX-License-Identifier: MIT */
/* Frames, tables and runs of pages: the everyday uses of the binding ops, with their loops. Decides no policy and
 * keeps no books. */
#include <rt/rt.h>

static uint64_t span_of(int level)
{
	return EXO_PAGE_SIZE << (9 * (level - 1));
}

int64_t rt_frame(void)
{
	uint64_t pfn;
	int64_t r = gate_frame_zeroed(1, &pfn);

	return r < 0 ? r : (int64_t)pfn;
}

int64_t rt_table(uint64_t root, uint64_t va, int level)
{
	int64_t pfn = rt_frame(), r;

	if (pfn < 0)
		return pfn;
	r = gate_frame_type((uint64_t)pfn, 1, EXO_PT1 + level - 2, 0);
	if (r > 0)
		r = gate_pt_link(root, (va & -span_of(level)) | (uint64_t)level, 1, (uint64_t)pfn);
	if (r > 0)
		return pfn;
	(void)gate_frame_give((uint64_t)pfn, 1, 0);
	return r;
}

int64_t rt_table_own(uint64_t root, uint64_t at)
{
	int64_t pfn = rt_frame(), r;

	if (pfn < 0)
		return pfn;
	r = gate_frame_type((uint64_t)pfn, 1, EXO_PT1 + (at & EXO_AT_LEVEL) - 2, 0);
	for (uint64_t first = 0; first < 512 && r > 0; first += (uint64_t)r)
		r = gate_pt_copy(root, at, (uint64_t)pfn, first, 512 - first);
	if (r > 0)
		return pfn;
	(void)gate_frame_give((uint64_t)pfn, 1, 0);
	return r;
}

int64_t rt_tables(uint64_t root, uint64_t va, uint32_t *list, uint32_t *made)
{
	uint32_t n = 0;

	if (made)
		*made = 0;
	for (int level = 4; level >= 2; level--) {
		int64_t r = rt_table(root, va, level);

		if (r == -EXO_EEXIST)
			continue;
		if (r < 0)
			return r;
		if (list)
			list[n] = (uint32_t)r;
		n++;
		if (made)
			*made = n;
	}
	return 0;
}

int64_t rt_map(uint64_t root, uint64_t va, uint64_t pfn, uint64_t n, uint64_t rights)
{
	while (n) {
		int64_t r = gate_pte_write(root, va | EXO_AT_STEP | 1, n,
			pfn << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | rights, 0, 0);

		if (r < 0)
			return r;
		va += (uint64_t)r << EXO_PAGE_SHIFT;
		pfn += (uint64_t)r;
		n -= (uint64_t)r;
	}
	return 0;
}

int64_t rt_pages(uint64_t *from, uint64_t to)
{
	int64_t r = 0;

	for (; *from < to && r >= 0; *from += r < 0 ? 0 : EXO_PAGE_SIZE) {
		r = rt_tables(0, *from, NULL, NULL);
		if (r >= 0)
			r = rt_frame();
		if (r >= 0)
			r = rt_map(0, *from, (uint64_t)r, 1, EXO_PTE_RW | EXO_PTE_NX);
	}
	return r;
}

int64_t rt_unmap(uint64_t root, uint64_t va, uint64_t n, int give)
{
	while (n) {
		int64_t r = gate_pte_write(root, va | (give ? EXO_AT_GIVE : 0) | 1, n, 0, 0, 0);

		if (r < 0)
			return r;
		va += (uint64_t)r << EXO_PAGE_SHIFT;
		n -= (uint64_t)r;
	}
	return 0;
}

int64_t rt_entry(uint64_t va, int level)
{
	return gate_pte_write(0, (va & -span_of(level)) | EXO_AT_CHANGE | (uint64_t)level, 1, 0, 0, 0);
}
