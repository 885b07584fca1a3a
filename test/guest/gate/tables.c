/* SPDX-License-Identifier: MIT */
/* Tests of pt_link, unlinking and tables in use (rules 1, 2, 4, 6, 10, 12). */
#include "gate.h"

static void nothing(uint64_t argument) { (void)argument; }

static uint64_t table_frame(int type)
{
	int64_t pfn = rt_frame();

	return pfn < 0 || gate_frame_type((uint64_t)pfn, 1, type, 0) != 1 ? 0 : (uint64_t)pfn;
}

void link_chain(void)
{
	int64_t pt3 = rt_table(0, T, 4), pt2 = rt_table(0, T, 3), pt1 = rt_table(0, T, 2);

	CHECK(pt3 > 0 && pt2 > 0 && pt1 > 0);
	IS(FRAME(pt1).type, EXO_PT1);
	IS(FRAME(pt3).type, EXO_PT3);
	IS(FRAME(pt1).plinks, 1);
	IS(FRAME(pt1).glinks, 0);
	IS(FRAME(pt1).base, T >> 21);
	IS(FRAME(pt2).used, 1);
	IS(FRAME(pt1).used, 0);
	CHECK(page_new(T, RW | NX));
	IS(FRAME(pt1).used, 1);
	IS(PFN(rt_entry(T, 2)), pt1);
	IS(PFN(rt_entry(T, 3)), pt2);
}

void link_refused(void)
{
	uint64_t pt1 = table_frame(EXO_PT1), pt2 = table_frame(EXO_PT2);
	int64_t data = rt_frame();

	IS(gate_pt_link(0, T | 2, 1, pt1), -EXO_ENOENT); /* nothing above yet */
	IS(rt_tables(0, T, 0, 0), 0);
	IS(gate_pt_link(0, T | 2, 1, pt1), -EXO_EEXIST);
	REFUSED(gate_pt_link(0, T2 | 2, 1, pt2));
	REFUSED(gate_pt_link(0, T2 | 2, 1, (uint64_t)data));
	REFUSED(gate_pt_link(0, T2 | 2, 1, frame_free()));
	REFUSED(gate_pt_link(0, T2 | 1, 1, pt1));
	REFUSED(gate_pt_link(0, (T2 + PAGE) | 2, 1, pt1));
	REFUSED(gate_pt_link(0, EXO_WINDOW | 4, 1, table_frame(EXO_PT3)));
	REFUSED(gate_pt_link(0, KERNEL_DIRECT | 4, 1, table_frame(EXO_PT3)));
	REFUSED(gate_pt_link(0, KERNEL_IMAGE | 2, 1, pt1));
	IS(FRAME(pt1).plinks + FRAME(pt1).glinks, 0);
}

void link_base_only(void)
{
	int64_t pt1;

	IS(rt_tables(0, T, 0, 0), 0);
	pt1 = rt_table(0, T2, 2);
	CHECK(pt1 > 0);
	REFUSED(gate_pt_link(0, (T2 + 0x200000) | 2, 1, (uint64_t)pt1));
	IS(FRAME(pt1).plinks, 1);
}

void link_range(void)
{
	uint64_t list[4];

	IS(rt_tables(0, T, 0, 0), 0);
	for (int i = 0; i < 4; i++)
		CHECK(list[i] = table_frame(EXO_PT1));
	IS(gate_pt_link(0, T2 | EXO_AT_LIST | 2, 4, (uint64_t)list), 4);
	IS(FRAME(list[3]).base, (T2 >> 21) + 3);
	IS(gate_pt_link(0, (T2 + 0x2000000) | EXO_AT_LIST | 2, 1, 0x18), -EXO_EFAULT);
}

void unlink_content(void)
{
	uint64_t pfn = page_new(T2, RW | NX);
	uint64_t pt1 = PFN(rt_entry(T2, 2));

	CHECK(pfn);
	IS(gate_pte_write(0, T2 | 2, 1, 0, 0, 0), -EXO_EBUSY);
	IS(gate_pte_write(0, T2 | 2, 1, PTE(pt1, RW), 0, 0), -EXO_EEXIST); /* a table is linked by pt_link only */
	IS(rt_unmap(0, T2, 1, 0), 0);
	IS(gate_pte_write(0, T2 | 2, 1, 0, 0, 0), 1);
	IS(FRAME(pt1).plinks, 0);
	IS(rt_map(0, T2, pfn, 1, NX), -EXO_ENOENT);
	IS(gate_frame_give(pt1, 1, 0), 1);
	IS(FRAME(pt1).type, EXO_FREE);
}

void link_read_only(void)
{
	CHECK(page_new(T2, RW | NX));
	WORD(T2) = 1;
	IS(gate_pte_write(0, T2 | EXO_AT_CHANGE | 2, 1, 0, EXO_PTE_A, 0), -EXO_EINVAL);
	REFUSED(gate_pte_write(0, T2 | EXO_AT_CHANGE | 4, 1, 0, RW, 0));
}

void table_in_use(void)
{
	uint64_t pt1, pt2;
	exo_name name = actor_start(0, nothing, 0);

	CHECK(name && page_new(T, RW | NX));
	pt1 = PFN(rt_entry(T, 2));
	pt2 = PFN(rt_entry(T, 3));
	IS(gate_frame_type(pt1, 1, EXO_DATA, 0), -EXO_EBUSY);
	IS(gate_frame_type(pt2, 1, EXO_PT1, 0), -EXO_EBUSY);
	REFUSED(gate_frame_give(pt1, 1, name));
	REFUSED(rt_map(0, T + PAGE, pt1, 1, RW | NX));
	REFUSED(gate_pte_write(0, (T + PAGE) | 1, 1, PTE(rt_envs[ME].root, RW | NX), 0, 0));
	IS(FRAME(pt1).owner, ME);
	WORD(T) = 1;
}

void table_disowned_adopted(void)
{
	uint64_t pt1;

	CHECK(page_new(T, RW | NX));
	pt1 = PFN(rt_entry(T, 2));
	IS(gate_frame_give(pt1, 1, 0), 1);
	IS(FRAME(pt1).owner, 0);
	IS(FRAME(pt1).type, EXO_PT1);
	WORD(T) = 1;
	CHECK(page_new(T + PAGE, RW | NX)); /* reached over links with R/W: still ours to write */
	IS(gate_frame_adopt(pt1, T | 2), 1);
	IS(FRAME(pt1).owner, ME);
}
