/* SPDX-License-Identifier: MIT */
/* Tests of frame_claim, frame_give and frame_type: ownership, adoption, types (rules 4, 5, 10 to 12). */
#include <base/string.h>
#include "gate.h"

void frame_claim_any(void)
{
	uint64_t list[8];

	IS(gate_frame_any(8, list), 8);
	for (int i = 0; i < 8; i++) {
		IS(FRAME(list[i]).owner, ME);
		IS(FRAME(list[i]).type, EXO_DATA);
		IS(FRAME(list[i]).maps + FRAME(list[i]).pins + FRAME(list[i]).flags, 0);
		for (int j = 0; j < i; j++)
			CHECK(list[i] != list[j]);
	}
	for (int i = 0; i < 8; i++)
		IS(gate_frame_give(list[i], 1, 0), 1);
	IS(FRAME(list[0]).type, EXO_FREE);
}

void frame_claim_number(void)
{
	uint64_t pfn = frame_free(), free = rt_info->frames_free;

	IS(gate_frame_claim(pfn, 1), 1);
	IS(FRAME(pfn).owner, ME);
	IS(rt_info->frames_free, free - 1);
	IS(gate_frame_give(pfn, 1, 0), 1);
	IS(FRAME(pfn).type, EXO_FREE);
	IS(rt_info->frames_free, free);
}

void frame_claim_busy(void)
{
	int64_t pfn = rt_frame();

	CHECK(pfn > 0);
	IS(gate_frame_claim((uint64_t)pfn, 1), -EXO_EBUSY);
	IS(gate_frame_claim(rt_envs[EXO_NAME_INDEX(rt_info->first)].root, 1), -EXO_EBUSY);
}

void frame_claim_kernel(void)
{
	uint64_t kernel = 0, none = 0;

	for (uint64_t pfn = 0; pfn < rt_info->frame_count; pfn++) {
		if (FRAME(pfn).type == EXO_KERNEL)
			kernel = pfn;
		if (FRAME(pfn).type == EXO_NONE)
			none = pfn;
	}
	CHECK(kernel);
	IS(gate_frame_claim(kernel, 1), -EXO_EBUSY);
	REFUSED(gate_frame_claim(none, 1));
	REFUSED(gate_frame_claim(0, 1));
	REFUSED(gate_frame_claim(rt_info->frame_count, 1));
	REFUSED(gate_frame_claim(rt_info->frame_count - 1, 1ul << 52));
	REFUSED(gate_frame_claim(1ul << 60, 1));
}

void frame_claim_fault(void)
{
	uint64_t free = rt_info->frames_free;

	IS(gate_frame_any(4, (uint64_t *)0x10), -EXO_EFAULT);
	IS(gate_frame_any(4, (uint64_t *)KERNEL_DIRECT), -EXO_EFAULT);
	IS(gate_frame_any(4, (uint64_t *)EXO_INFO), -EXO_EFAULT);
	IS(gate_frame_any(4, (uint64_t *)(1ul << 63 | 8)), -EXO_EFAULT);
	IS(rt_info->frames_free, free);
}

static void claim_dirty(uint64_t pfn)
{
	shared[0] = (uint64_t)gate_frame_claim(pfn, 1);
	shared[1] = (uint64_t)rt_tables(0, T, 0, 0);
	shared[2] = (uint64_t)rt_map(0, T, pfn, 1, 0);
	for (int i = 0; i < 512; i++)
		shared[3] |= WORD(T + 8 * (uint64_t)i);
}

void frame_claim_zeroed(void)
{
	uint64_t pfn = page_new(T, RW | NX);

	CHECK(pfn);
	memset((void *)T, 0x5a, PAGE);
	IS(actor_prepare(0, claim_dirty, pfn), 0);
	IS(rt_unmap(0, T, 1, 1), 0);
	IS(FRAME(pfn).type, EXO_FREE);
	actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[0].spec.limit[EXO_C_FRAMES] = 40;
	CHECK((actor[0].name = (exo_name)gate_env_make(&actor[0].spec)) && !EXO_IS_ERROR((int32_t)actor[0].name));
	CHECK(actor_finish(actor[0].name));
	IS(shared[0], 1);
	IS(shared[1], 0);
	IS(shared[2], 0);
	IS(shared[3], 0);
}

void frame_give_not_owner(void)
{
	uint64_t theirs = rt_envs[EXO_NAME_INDEX(rt_info->first)].root, pfn = frame_free();

	IS(gate_frame_give(theirs, 1, 0), -EXO_EPERM);
	REFUSED(gate_frame_give(pfn, 1, 0));
	REFUSED(gate_frame_give(rt_info->frame_count + 5, 1, 0));
	REFUSED(gate_frame_give(1ul << 60, 1, 0));
}

void frame_give_disown(void)
{
	uint64_t pfn = page_new(T, RW | NX), free;

	CHECK(pfn);
	WORD(T) = 77;
	IS(gate_frame_give(pfn, 1, 0), 1);
	IS(FRAME(pfn).owner, 0);
	IS(FRAME(pfn).type, EXO_DATA);
	IS(FRAME(pfn).maps, 1);
	IS(WORD(T), 77);
	IS(gate_frame_adopt(pfn, T | 1), 1);
	IS(FRAME(pfn).owner, ME);
	IS(gate_frame_give(pfn, 1, 0), 1);
	free = rt_info->frames_free;
	IS(rt_unmap(0, T, 1, 0), 0);
	IS(FRAME(pfn).type, EXO_FREE);
	IS(rt_info->frames_free, free + 1);
}

void frame_adopt_refused(void)
{
	uint64_t pfn = page_new(T, NX);

	CHECK(pfn);
	IS(gate_frame_adopt(pfn, T | 1), -EXO_EBUSY);            /* owned */
	IS(rt_map(0, T + PAGE, pfn, 1, NX), 0);
	IS(gate_frame_give(pfn, 1, 0), 1);
	IS(gate_frame_adopt(pfn, T | 1), -EXO_EBUSY);            /* two entries */
	IS(rt_unmap(0, T + PAGE, 1, 0), 0);
	IS(gate_frame_adopt(pfn, (T + PAGE) | 1), -EXO_ENOENT);  /* not there */
	REFUSED(gate_frame_adopt(pfn + 1, T | 1));
	IS(gate_frame_adopt(pfn, T | 1), 1);
}

static void word_write(uint64_t pfn)
{
	shared[0] = (uint64_t)rt_tables(0, T, 0, 0);
	shared[1] = (uint64_t)rt_map(0, T, pfn, 1, RW | NX);
	shared[2] = FRAME(pfn).owner;
	WORD(T) = 4711;
}

void frame_give_transfer(void)
{
	int64_t pfn = rt_frame();
	exo_name name = actor_start(0, word_write, (uint64_t)pfn);

	CHECK(name && pfn > 0);
	IS(gate_frame_give((uint64_t)pfn, 1, name), 1);
	IS(FRAME(pfn).owner, EXO_NAME_INDEX(name));
	IS(gate_frame_give((uint64_t)pfn, 1, 0), -EXO_EPERM);
	REFUSED(gate_frame_give((uint64_t)pfn, 1, 0x7ffff000));
	CHECK(actor_finish(name));
	IS(shared[0], 0);
	IS(shared[1], 0);
	IS(shared[2], EXO_NAME_INDEX(name));
	IS(FRAME(pfn).type, EXO_FREE);
	pfn = rt_frame();
	IS(gate_frame_give((uint64_t)pfn, 1, name), -EXO_ESTALE);
}

void frame_give_pinned(void)
{
	uint64_t root = rt_envs[ME].root, pinned = 0;

	REFUSED(gate_frame_give(root, 1, 0));
	for (uint64_t pfn = 0; pfn < rt_info->frame_count; pfn++)
		if (FRAME(pfn).owner == ME && FRAME(pfn).pins) {
			pinned++;
			IS(gate_frame_give(pfn, 1, 0), -EXO_EBUSY);
			IS(gate_frame_type(pfn, 1, EXO_DATA, 0), -EXO_EBUSY);
		}
	CHECK(pinned >= 4);
}

void frame_type_refused(void)
{
	uint64_t pfn = page_new(T, NX), theirs = rt_envs[EXO_NAME_INDEX(rt_info->first)].root;
	int64_t unmapped = rt_frame();

	CHECK(pfn && unmapped > 0);
	IS(gate_frame_type(pfn, 1, EXO_PT1, 0), -EXO_EBUSY);
	IS(gate_frame_type(theirs, 1, EXO_DATA, 0), -EXO_EPERM);
	REFUSED(gate_frame_type(frame_free(), 1, EXO_PT1, 0));
	IS(gate_frame_type((uint64_t)unmapped, 1, EXO_FREE, 0), -EXO_EINVAL);
	IS(gate_frame_type((uint64_t)unmapped, 1, EXO_KERNEL, 0), -EXO_EINVAL);
	IS(gate_frame_type((uint64_t)unmapped, 1, EXO_ENV, 0), -EXO_EINVAL);
	IS(gate_frame_type((uint64_t)unmapped, 1, 99, 0), -EXO_EINVAL);
	IS(gate_frame_type((uint64_t)unmapped, 1, EXO_DATA, EXO_F_SEALED), -EXO_EINVAL);
	IS(gate_frame_type((uint64_t)unmapped, 1, EXO_PT1, EXO_F_SHARED), -EXO_EINVAL);
	IS(gate_frame_type((uint64_t)unmapped, 1, EXO_PT4, 0), 1);
	IS(gate_frame_type((uint64_t)unmapped, 1, EXO_DATA, 0), 1);
}

void frame_type_zeroed(void)
{
	uint64_t pfn = page_new(T, RW | NX), any = 0;

	CHECK(pfn);
	/* What would be page table entries, had the table not been zeroed. */
	for (uint64_t i = 0; i < 512; i++)
		WORD(T + 8 * i) = PTE(pfn, RW);
	IS(rt_unmap(0, T, 1, 0), 0);
	IS(gate_frame_type(pfn, 1, EXO_PT1, 0), 1);
	IS(FRAME(pfn).used, 0);
	IS(gate_pt_link(0, T2 | 2, 1, pfn), 1);
	IS(rt_map(0, T, pfn, 1, NX), 0);
	for (uint64_t i = 0; i < 512; i++)
		any |= WORD(T + 8 * i);
	IS(any, 0);
}

void frame_type_shared(void)
{
	uint64_t pfn = page_new(T, RW | NX);

	CHECK(pfn);
	IS(gate_frame_type(pfn, 1, EXO_DATA, EXO_F_SHARED), 1);
	IS(FRAME(pfn).flags & EXO_F_SHARED, EXO_F_SHARED);
	IS(rt_map(0, T + PAGE, pfn, 1, RW | NX), 0);
	WORD(T) = 5;
	IS(WORD(T + PAGE), 5);
	IS(gate_frame_type(pfn, 1, EXO_DATA, 0), -EXO_EBUSY);
	IS(rt_unmap(0, T + PAGE, 1, 0), 0);
	IS(gate_frame_type(pfn, 1, EXO_DATA, 0), -EXO_EBUSY); /* nobody has noted whether the one that is left has R/W */
	IS(rt_unmap(0, T, 1, 0), 0);
	IS(gate_frame_type(pfn, 1, EXO_DATA, 0), 1);
	IS(rt_map(0, T + PAGE, pfn, 1, RW | NX), 0);
	IS(rt_map(0, T, pfn, 1, NX), -EXO_ESHARED);
}
