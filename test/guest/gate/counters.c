/* SPDX-License-Identifier: MIT */
/* Tests of what a refusal leaves behind, and of counters of links (rules 34, 35). */
#include "gate.h"

#define GLOBAL 0x20 /* kernel/kernel.h: links in the table count as global */

static void nothing(uint64_t argument) { (void)argument; }

/* The first step of an attack that had the machine: a refused copy made a class of links for a table that stood nowhere; sealed links in it were counted in the other
 * class, which had no limit. After 65,536 of them the count was 0, and a table that was in use became a page. */
void attack_refused_copy(void)
{
	uint64_t slot = H3 & -EXO_SLOT_SIZE, copy, pt1;
	struct exo_frame_rec before;

	CHECK(home_new(H3) && page_new(T, RW | NX));
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, (H3 & -0x200000ul) | EXO_AT_CHANGE | 2, 1, 0, RW, 0)));
	IS(actor_prepare(0, nothing, 0), 0);
	uint64_t root = actor[0].spec.frames[EXO_EF_ROOT];
	IS(gate_home_set(root, EXO_HOME_PRIVATE, slot, 1), 1);
	CHECK(rt_table(root, H3, 4) > 0);
	IS(gate_pt_link(root, H3 | EXO_AT_SEALED | 3, 1, 0), 1);
	copy = (uint64_t)rt_frame();
	IS(gate_frame_type(copy, 1, EXO_PT2, 0), 1);
	before = FRAME(copy);
	IS(gate_pt_copy(0, H3 | 3, copy, 0, 512), -EXO_EPERM);
	IS(FRAME(copy).base, before.base);
	IS(FRAME(copy).flags, before.flags);
	/* So in a private slot its links are private ones. */
	CHECK(rt_table(root, T, 4) > 0);
	IS(gate_pt_link(root, T | 3, 1, copy), 1);
	IS(gate_pt_link(root, T | EXO_AT_SEALED | 2, 1, 0), 1);
	pt1 = PFN(rt_entry(T, 2));
	IS(FRAME(copy).flags & GLOBAL, 0);
	IS(FRAME(pt1).glinks, 0);
	IS(FRAME(pt1).plinks, 2);
}

/* Links count in the class of the table that they stand in: of one that hangs in a home, as global, also when it was sealed into a private slot of another root. */
void counter_links(void)
{
	uint64_t slot = H3 & -EXO_SLOT_SIZE, pt2, pt1;

	CHECK(home_new(H3) && page_new(T, RW | NX));
	pt2 = PFN(rt_entry(H3, 3));
	pt1 = PFN(rt_entry(T, 2));
	IS(actor_prepare(0, nothing, 0), 0);
	uint64_t root = actor[0].spec.frames[EXO_EF_ROOT];
	IS(gate_home_set(root, EXO_HOME_PRIVATE, slot, 1), 1);
	CHECK(rt_table(root, H3, 4) > 0);
	for (int i = 0; i < 3; i++) {
		IS(FRAME(pt2).glinks, 1);
		IS(FRAME(pt2).plinks, 0);
		IS(gate_pt_link(root, H3 | EXO_AT_LIVE | EXO_AT_RW | 3, 1, 0), 1);
		IS(FRAME(pt2).glinks, 1);
		IS(FRAME(pt2).plinks, 1);
		IS(gate_pte_write(root, H3 | 3, 1, 0, 0, 0), 1);
	}
	IS(FRAME(pt1).glinks + FRAME(pt1).plinks, 1);
	CHECK(rt_table(root, T, 4) > 0 && rt_table(root, T, 3) > 0);
	IS(gate_pt_link(root, T | EXO_AT_SEALED | 2, 1, 0), 1);
	IS(FRAME(pt1).plinks, 2);
	IS(gate_pte_write(root, T | 2, 1, 0, 0, 0), 1);
	IS(FRAME(pt1).plinks, 1);
}
