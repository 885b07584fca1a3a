/* SPDX-License-Identifier: MIT */
/* Tests of pte_write at level 1: rights, bits, proof, ranges, flushes (rules 5 to 8, 11, 12). */
#include <base/string.h>
#include "gate.h"

static void touch_read(uint64_t va) { (void)WORD(va); }
static void touch_write(uint64_t va) { WORD(va) = 1; }
static void touch_run(uint64_t va) { ((void (*)(void))va)(); }

void pte_map(void)
{
	uint64_t pfn = page_new(T, RW | NX);

	CHECK(pfn);
	WORD(T) = 0x1234;
	WORD(T + PAGE - 8) = 0x5678;
	IS(WORD(T), 0x1234);
	IS(FRAME(pfn).maps, 1);
	IS(rt_unmap(0, T, 1, 1), 0);
	IS(FRAME(pfn).type, EXO_FREE);
}

void pte_bits_refused(void)
{
	static const int bits[] = { 3, 4, 7, 8, 59, 60, 61, 62 };
	int64_t pfn = rt_frame();

	IS(rt_tables(0, T, 0, 0), 0);
	for (unsigned i = 0; i < sizeof bits / sizeof bits[0]; i++)
		IS(gate_pte_write(0, T | 1, 1, PTE(pfn, 1ul << bits[i]), 0, 0), -EXO_EINVAL);
	IS(gate_pte_write(0, T | 1, 1, PTE(pfn, 0) & ~EXO_PTE_U, 0, 0), -EXO_EINVAL);
	REFUSED(gate_pte_write(0, T | 1, 1, PTE(rt_info->frame_count, 0), 0, 0));
	REFUSED(gate_pte_write(0, T | 1, 1, PTE(1ul << 39, 0), 0, 0));
	IS(gate_pte_write(0, (T + 8) | 1, 1, PTE(pfn, 0), 0, 0), -EXO_EINVAL);
	IS(gate_pte_write(0, T, 1, PTE(pfn, 0), 0, 0), -EXO_EINVAL);
	IS(gate_pte_write(0, T | 5, 1, PTE(pfn, 0), 0, 0), -EXO_EINVAL);
	IS(FRAME(pfn).maps, 0);
	IS(gate_pte_write(0, T | 1, 1, PTE(pfn, RW | NX | EXO_PTE_A | EXO_PTE_D | EXO_PTE_AVAIL), 0, 0), 1);
}

void pte_scratch_bits(void)
{
	IS(rt_tables(0, T, 0, 0), 0);
	IS(gate_pte_write(0, T | 1, 1, 0xe00, 0, 0), 1);
	IS(gate_pte_write(0, T | 1, 1, 0x1000, 0, 0), -EXO_EINVAL);
	IS(gate_pte_write(0, T | 1, 1, 1ul << 51, 0, 0), -EXO_EINVAL);
	IS(guarded(touch_read, T), 1);
}

void pte_foreign_frame(void)
{
	extern const uint8_t _start[];
	uint64_t text = PFN(rt_entry((uint64_t)_start, 1)), root = rt_envs[EXO_NAME_INDEX(rt_info->first)].root;

	IS(rt_tables(0, T, 0, 0), 0);
	CHECK(FRAME(text).owner == EXO_NAME_INDEX(rt_info->first));
	IS(gate_pte_write(0, T | 1, 1, PTE(text, NX), 0, 0), -EXO_EPERM);
	IS(gate_pte_write(0, T | 1, 1, PTE(text, NX), 0, (uint64_t)_start & -PAGE), 1);
	IS(WORD(T), WORD((uint64_t)_start & -PAGE));
	REFUSED(gate_pte_write(0, (T + PAGE) | 1, 1, PTE(text, RW | NX), 0, (uint64_t)_start & -PAGE));
	REFUSED(gate_pte_write(0, (T + PAGE) | 1, 1, PTE(text, NX), 0, T2));
	REFUSED(gate_pte_write(0, (T + PAGE) | 1, 1, PTE(text + 1, NX), 0, T));
	REFUSED(gate_pte_write(0, (T + PAGE) | 1, 1, PTE(root, NX), 0, T));
	REFUSED(gate_pte_write(0, (T + PAGE) | 1, 1, PTE(text, NX), 0, KERNEL_DIRECT));
}

/* By proof one has what the path there gives; the entry that one made of it gains nothing later, even when the frame may have many writable entries. */
static void raise_later(uint64_t pfn)
{
	shared[0] = (uint64_t)rt_tables(0, T, 0, 0);
	shared[1] = (uint64_t)gate_pte_write(0, T | 1, 1, PTE(pfn, NX), 0, H);
	shared[2] = (uint64_t)gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, RW, RW, 0);
	shared[3] = (uint64_t)gate_pte_write(0, T | 1, 1, PTE(pfn, RW | NX), 0, T);
	shared[4] = (uint64_t)gate_frame_type(pfn, 1, EXO_DATA, 0);
	/* One that nothing maps is no less another's. */
	shared[5] = (uint64_t)gate_pte_write(0, (T + PAGE) | 1, 1, PTE(shared[5], NX), 0, 0);
}

void pte_proof_raised(void)
{
	uint64_t pfn = home_new(H);

	CHECK(pfn);
	IS(gate_frame_type(pfn, 1, EXO_DATA, EXO_F_SHARED), 1);
	shared[5] = (uint64_t)rt_frame();
	IS(actor_prepare(0, raise_later, pfn), 0);
	IS(rt_env_home(&actor[0].spec, H, 0), 0);
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(actor_finish(actor[0].name));
	IS(shared[0], 0);
	IS(shared[1], 1);
	for (int i = 2; i < 6; i++)
		REFUSED(shared[i]);
}

void pte_kernel_frame(void)
{
	uint64_t kernel = 0;

	IS(rt_tables(0, T, 0, 0), 0);
	for (uint64_t pfn = 0; pfn < rt_info->frame_count; pfn++)
		if (FRAME(pfn).type == EXO_KERNEL)
			kernel = pfn;
	REFUSED(gate_pte_write(0, T | 1, 1, PTE(kernel, NX), 0, 0));
	REFUSED(gate_pte_write(0, T | 1, 1, PTE(frame_free(), NX), 0, 0));
	REFUSED(gate_pte_write(0, T | 1, 1, PTE(kernel, NX), 0, EXO_INFO));
}

void pte_second_writable(void)
{
	uint64_t pfn = page_new(T, RW | NX);

	CHECK(pfn);
	IS(rt_map(0, T + PAGE, pfn, 1, RW | NX), -EXO_ESHARED);
	IS(rt_map(0, T + PAGE, pfn, 1, NX), -EXO_ESHARED);
	IS(FRAME(pfn).maps, 1);
	IS(rt_unmap(0, T, 1, 0), 0);
	IS(rt_map(0, T, pfn, 1, NX), 0);
	IS(rt_map(0, T + PAGE, pfn, 1, NX), 0);
	IS(rt_map(0, T + 2 * PAGE, pfn, 1, RW | NX), -EXO_ESHARED);
	IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, RW, RW, 0), -EXO_ESHARED);
	IS(rt_unmap(0, T + PAGE, 1, 0), 0);
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, RW, RW, 0)));
	WORD(T) = 3;
}

void pte_table_frame(void)
{
	int64_t table;

	IS(rt_tables(0, T, 0, 0), 0);
	table = rt_table(0, T2, 2);
	CHECK(table > 0);
	IS(rt_map(0, T, (uint64_t)table, 1, RW | NX), -EXO_ETYPE);
	IS(rt_map(0, T, (uint64_t)table, 1, NX), 0);
	IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, RW, RW, 0), -EXO_ETYPE);
	CHECK(page_new(T2 + 3 * PAGE, RW | NX));
	CHECK(WORD(T + 3 * 8) & EXO_PTE_P);
	IS(guarded(touch_write, T), 1);
}

void pte_places_refused(void)
{
	int64_t pfn = rt_frame();

	CHECK(page_new(0x20000, RW | NX));
	IS(rt_map(0, 0, (uint64_t)pfn, 1, NX), -EXO_EINVAL);
	IS(rt_map(0, 0xf000, (uint64_t)pfn, 1, NX), -EXO_EINVAL);
	IS(guarded(touch_read, 0), 1);
	IS(caught.vector, 14);
	REFUSED(rt_map(0, EXO_INFO, (uint64_t)pfn, 1, RW | NX));
	REFUSED(rt_map(0, EXO_GROUPS + ME * EXO_GROUP_SIZE, (uint64_t)pfn, 1, RW | NX));
	REFUSED(rt_unmap(0, EXO_INFO, 1, 0));
	REFUSED(rt_map(0, EXO_USER_END - PAGE, (uint64_t)pfn, 1, NX));
	REFUSED(rt_map(0, KERNEL_DIRECT, (uint64_t)pfn, 1, NX));
	REFUSED(rt_map(0, KERNEL_IMAGE, (uint64_t)pfn, 1, NX));
	REFUSED(rt_map(0, 1ul << 47, (uint64_t)pfn, 1, NX));
	REFUSED(rt_unmap(0, KERNEL_DIRECT, 1, 0));
	IS(rt_map(0, T + 64 * EXO_HOME_SIZE, (uint64_t)pfn, 1, NX), -EXO_ENOENT);
	IS(FRAME(pfn).maps, 0);
}

void pte_root_refused(void)
{
	uint64_t first = rt_envs[EXO_NAME_INDEX(rt_info->first)].root;
	int64_t pfn = rt_frame(), data = rt_frame();

	IS(rt_tables(0, T, 0, 0), 0);
	REFUSED(gate_pte_write(first, T | 1, 1, PTE(pfn, NX), 0, 0));
	REFUSED(gate_pte_write((uint64_t)data, T | 1, 1, PTE(pfn, NX), 0, 0));
	REFUSED(gate_pte_write(1ul << 40, T | 1, 1, PTE(pfn, NX), 0, 0));
}

void pte_change(void)
{
	uint64_t pfn = page_new(T, RW | NX);
	int64_t old;

	CHECK(pfn);
	old = gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, 0, EXO_PTE_A | EXO_PTE_D, 0);
	IS(PFN(old), pfn);
	WORD(T) = 1;
	old = gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, 0, EXO_PTE_A | EXO_PTE_D, 0);
	IS(old & (int64_t)(EXO_PTE_A | EXO_PTE_D), (int64_t)(EXO_PTE_A | EXO_PTE_D));
	old = rt_entry(T, 1);
	IS(old & (int64_t)(EXO_PTE_A | EXO_PTE_D), 0);
	(void)WORD(T); /* the flush made the CPU set A anew */
	IS(rt_entry(T, 1) & (int64_t)(EXO_PTE_A | EXO_PTE_D), (int64_t)EXO_PTE_A);
	IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, 0, EXO_PTE_P, 0), -EXO_EINVAL);
	IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, 0x5000, 0xf000, 0), -EXO_EINVAL);
	REFUSED(gate_pte_write(0, (T + PAGE) | EXO_AT_CHANGE | 1, 1, RW, RW, 0));
	IS(PFN(rt_entry(T, 1)), pfn);
}

/* A range: what is absent counts as done, whole tables too; a sealed or foreign place still refuses, and so does a right that is not there. */
void pte_change_range(void)
{
	const uint64_t gap = 2 * (512 * PAGE); /* the table between is not there */

	CHECK(page_new(T, RW | NX) && page_new(T + 5 * PAGE, RW | NX) && page_new(T + gap, RW | NX));
	IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 6, 0, RW, 0), 6);
	IS(guarded(touch_write, T), 1);
	IS(guarded(touch_write, T + 5 * PAGE), 1);
	for (uint64_t done = 0; done < 3 * 512;) {
		int64_t r = gate_pte_write(0, (T + done * PAGE) | EXO_AT_CHANGE | 1, 3 * 512 - done, RW, RW, 0);

		CHECK(r > 0);
		done += (uint64_t)r;
	}
	IS(guarded(touch_write, T), 0);
	IS(guarded(touch_write, T + 5 * PAGE), 0);
	IS(guarded(touch_write, T + gap), 0);
	IS(rt_entry(T + PAGE, 1), -EXO_ENOENT);
	IS(gate_pte_write(0, (T + PAGE) | EXO_AT_CHANGE | 1, 1, RW, RW, 0), -EXO_ENOENT);
	IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 6, 0, EXO_PTE_P, 0), -EXO_EINVAL);
}

void pte_rights_fault(void)
{
	CHECK(page_new(T, RW | NX));
	WORD(T) = 0xc3; /* ret */
	IS(guarded(touch_run, T), 1);
	IS(caught.vector, 14);
	IS(caught.error & 0x15, 0x15);
	IS(caught.addr, T);
	CHECK(!EXO_IS_ERROR(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, 0, RW | NX, 0)));
	IS(guarded(touch_run, T), 0);
	IS(guarded(touch_write, T + 24), 1);
	IS(caught.vector, 14);
	IS(caught.error & 7, 7);
	IS(caught.addr, T + 24);
	IS(WORD(T + 24), 0);
}

void pte_unmap_flush(void)
{
	uint64_t pfn = page_new(T, RW | NX);

	CHECK(pfn);
	WORD(T) = 9;
	IS(rt_unmap(0, T, 1, 0), 0);
	IS(guarded(touch_read, T), 1);
	IS(caught.vector, 14);
	IS(caught.error & 7, 4);
	IS(caught.addr, T);
	IS(FRAME(pfn).maps, 0);
}

void pte_replace(void)
{
	uint64_t a = page_new(T, RW | NX);
	int64_t b = rt_frame();

	CHECK(a && b > 0);
	WORD(T) = 1;
	IS(gate_pte_write(0, T | EXO_AT_GIVE | 1, 1, PTE(b, RW | NX), 0, 0), 1);
	IS(FRAME(a).type, EXO_FREE);
	IS(FRAME(b).maps, 1);
	WORD(T) = 2;
	IS(rt_unmap(0, T, 1, 0), 0);
	IS(rt_map(0, T, (uint64_t)b, 1, NX), 0);
	IS(WORD(T), 2);
}

#define MANY 700
void pte_range_list(void)
{
	static uint64_t value[MANY];
	uint64_t done = 0;
	int64_t r = 1;

	IS(rt_tables(0, T, 0, 0), 0);
	IS(rt_tables(0, T + 0x200000, 0, 0), 0);
	while (done < MANY && r > 0)
		if ((r = gate_frame_any(MANY - done, value + done)) > 0)
			done += (uint64_t)r;
	IS(done, MANY);
	for (int i = 0; i < MANY; i++)
		value[i] = PTE(value[i], RW | NX);
	for (done = 0, r = 1; done < MANY && r > 0; done += (uint64_t)r)
		r = gate_pte_write(0, (T + done * PAGE) | EXO_AT_LIST | 1, MANY - done, (uint64_t)(value + done), 0, 0);
	IS(done, MANY);
	for (uint64_t i = 0; i < MANY; i++)
		WORD(T + i * PAGE) = i;
	for (uint64_t i = 0; i < MANY; i++)
		IS(WORD(T + i * PAGE), i);
	IS(rt_unmap(0, T, MANY, 1), 0);
	for (int i = 0; i < MANY; i++)
		IS(FRAME(PFN(value[i])).type, EXO_FREE);
}

void pte_range_refused(void)
{
	uint64_t pfn = page_new(T + 4 * PAGE, NX), value[3] = { PTE(pfn, NX), 0, PTE(1, NX) };

	IS(gate_pte_write(0, T | EXO_AT_LIST | 1, 3, 0x10, 0, 0), -EXO_EFAULT);
	IS(gate_pte_write(0, T | EXO_AT_LIST | 1, 3, KERNEL_IMAGE, 0, 0), -EXO_EFAULT);
	IS(gate_pte_write(0, T | 1, 0, 0, 0, 0), -EXO_EINVAL);
	IS(gate_pte_write(0, T | EXO_AT_LIST | 1, 3, (uint64_t)value, 0, 0), 2); /* the third is not ours */
	REFUSED(gate_pte_write(0, (T + 2 * PAGE) | EXO_AT_LIST | 1, 1, (uint64_t)(value + 2), 0, 0));
	REFUSED(gate_pte_write(0, T | 1, ~0ul, 0, 0, 0));
}

void pte_unmap_hole(void)
{
	uint64_t a = page_new(T, RW), b = page_new(T + 0x600000, RW);

	CHECK(a && b);
	IS(rt_unmap(0, T, 0x601, 1), 0); /* two level-1 tables are absent between them */
	IS(FRAME(a).type, EXO_FREE);
	IS(FRAME(b).type, EXO_FREE);
}
