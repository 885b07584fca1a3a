/* SPDX-License-Identifier: MIT */
/* Helpers over the gate's stubs: errors as errno, range ops to their end, new tables. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/log.h>
#include <rt/page.h>
#include <family/family.h>

int gate_errno(int64_t result)
{
	switch (-result) {
	case EXO_ENOMEM: return -ENOMEM;
	case EXO_EPERM: return -EPERM;
	case EXO_EAGAIN: return -EAGAIN;
	default:
		rt_log("gate error %ld", (long)result);
		return -ENOMEM;
	}
}

int64_t entries_write(uint64_t root, uint64_t va, uint64_t n, uint64_t value, uint64_t flags, uint64_t proof)
{
	while (n) {
		int64_t done = gate_pte_write(root, va | flags | 1, n, value, 0, proof);

		if (done < (int64_t)n)
			family_progress();
		if (done <= 0)
			return done ? done : -EXO_EAGAIN;
		va += (uint64_t)done * PAGE;
		n -= (uint64_t)done;
		if (flags & EXO_AT_STEP)
			value += (uint64_t)done * PAGE;
		if (flags & EXO_AT_LIST)
			value += (uint64_t)done * sizeof(uint64_t);
		if (proof)
			proof += (uint64_t)done * PAGE;
	}
	return 0;
}

int64_t table_new(uint64_t va, int level)
{
	uint64_t pfn, span = PAGE << 9 * (level - 1);
	int64_t r = gate_frame_zeroed(1, &pfn);

	if (r < 0)
		return r;
	r = gate_frame_type(pfn, 1, EXO_PT1 + level - 2, 0);
	if (r > 0)
		r = gate_pt_link(0, (va & -span) | (uint64_t)level, 1, pfn);
	if (r < 0)
		(void)gate_frame_give(pfn, 1, 0);
	return r < 0 ? r : 0;
}
