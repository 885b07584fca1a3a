/* SPDX-License-Identifier: MIT */
/* The one error that chance does not reach: a counter at its maximum. One table is linked live into root after root, until the count of its links is full. */
#include "fuzz.h"

#define LINKS 65536
#define ROOT_ENTRY (EXO_HOMES_BASE | 4)
#define HOME_ENTRY (EXO_HOMES_BASE | 3)

/* A root with an upper table of its own: its frame, 0 = no memory. */
static uint64_t root_new(void)
{
	uint64_t f[2], got = 0;
	int64_t r;

	while (got < 2 && (r = gate_frame_any(2 - got, f + got)) > 0)
		got += (uint64_t)r;
	if (got == 2 && gate_frame_type(f[0], 1, EXO_PT4, 0) == 1 && gate_frame_type(f[1], 1, EXO_PT3, 0) == 1 && gate_pt_link(f[0], ROOT_ENTRY, 1, f[1]) == 1)
		return f[0];
	while (got)
		(void)gate_frame_give(f[--got], 1, 0);
	return 0;
}

uint64_t fuzz_overflow(void)
{
	uint64_t links = 0, root;
	int64_t r = 0;

	if (rt_info->frames_free < 2 * LINKS + 1000)
		return 0; /* a machine too small for it */
	while (r >= 0 && links <= LINKS && (root = root_new())) {
		r = gate_pt_link(root, HOME_ENTRY | EXO_AT_LIVE, 1, 0);
		links += r == 1;
	}
	fuzz_count(EXO_GATE_pt_link, r);
	/* All roots that are ours and nobody's: the links go, the tables, the roots. */
	for (uint64_t pfn = 1; pfn < rt_info->frame_count; pfn++)
		if (rt_frames[pfn].type == EXO_PT4 && rt_frames[pfn].owner == EXO_NAME_INDEX(rt_info->first) && !(rt_frames[pfn].flags & EXO_F_ROOT_USED)) {
			(void)gate_pte_write(pfn, HOME_ENTRY, 1, 0, 0, 0);
			(void)gate_pte_write(pfn, ROOT_ENTRY | EXO_AT_GIVE, 1, 0, 0, 0);
			(void)gate_frame_give(pfn, 1, 0);
		}
	return links;
}
