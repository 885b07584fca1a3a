/* SPDX-License-Identifier: MIT */
/* Hostile tests of tables: written by every route, sealed ones too; arguments that change while they are read; images that the CPU would choke on. */
#include <base/string.h>
#include "gate.h"

static void touch_read(uint64_t va) { (void)WORD(va); }
static void touch_write(uint64_t va) { WORD(va) = PTE(1, RW); }
static void nothing(uint64_t argument) { (void)argument; }

/* A level-1 table of ours, linked at T2 with one page, and mapped read-only at T: its number. */
static uint64_t table_seen(void)
{
	uint64_t page = page_new(T2, RW | NX), table = PFN(rt_entry(T2, 2));

	return page && rt_tables(0, T, 0, 0) == 0 && rt_map(0, T, table, 1, NX) == 0 ? table : 0;
}

/* What must be true of it after all: one page below it, nothing writable above it. */
#define UNTOUCHED(table) do { IS(FRAME(table).used, 1); IS(guarded(touch_write, T), 1); IS(caught.error & 7, 7); IS(guarded(touch_read, T2 + PAGE), 1); } while (0)

void hostile_table_direct(void)
{
	uint64_t table = table_seen(), list[2] = { PTE(table, NX | RW), 0 };
	struct exo_batch op __attribute__((aligned(64))) = { EXO_GATE_pte_write, { 0, (T + PAGE) | 1, 1, PTE(table, NX | RW), 0, T }, 0 };

	CHECK(table);
	IS(gate_pte_write(0, T | 1, 1, PTE(table, NX | RW), 0, 0), -EXO_ETYPE);
	IS(gate_pte_write(0, (T + PAGE) | 1, 1, PTE(table, NX | RW), 0, T), -EXO_ETYPE);
	IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, RW, RW, 0), -EXO_ETYPE);
	IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, ~0ul, RW | NX | EXO_PTE_AVAIL, 0), -EXO_ETYPE);
	IS(gate_pte_write(0, T | EXO_AT_LIST | 1, 1, (uint64_t)list, 0, 0), -EXO_ETYPE);
	REFUSED(gate_pte_write(0, T | EXO_AT_STEP | 1, 1, PTE(table, NX | RW), 0, 0));
	IS(gate_batch(&op, 1), 0);
	IS(op.result, -EXO_ETYPE);
	/* Every table above it, the root included. */
	IS(gate_pte_write(0, (T + PAGE) | 1, 1, PTE(rt_envs[ME].root, NX | RW), 0, 0), -EXO_ETYPE);
	IS(gate_pte_write(0, (T + PAGE) | 1, 1, PTE(PFN(rt_entry(T, 3)), NX | RW), 0, 0), -EXO_ETYPE);
	UNTOUCHED(table);
}

/* First an entry, then a table: of an unshared and of a shared frame, writable and not. */
void hostile_table_alias(void)
{
	for (int shared_flag = 0; shared_flag < 2; shared_flag++)
		for (uint64_t rights = 0; rights <= RW; rights += RW) {
			int64_t pfn = rt_frame();

			IS(gate_frame_type((uint64_t)pfn, 1, EXO_DATA, shared_flag ? EXO_F_SHARED : 0), 1);
			IS(rt_tables(0, T, 0, 0), 0);
			IS(rt_map(0, T, (uint64_t)pfn, 1, rights | NX), 0);
			for (int type = EXO_PT1; type <= EXO_PT4; type++)
				IS(gate_frame_type((uint64_t)pfn, 1, type, 0), -EXO_EBUSY);
			IS(gate_frame_type((uint64_t)pfn, 1, EXO_PT1, EXO_F_SHARED), -EXO_EINVAL);
			IS(gate_pt_link(0, T2 | 2, 1, (uint64_t)pfn), -EXO_ETYPE);
			/* Let go and adopted it is still a page. */
			IS(gate_frame_give((uint64_t)pfn, 1, 0), 1);
			IS(gate_frame_type((uint64_t)pfn, 1, EXO_PT1, 0), -EXO_EPERM);
			IS(gate_frame_adopt((uint64_t)pfn, T | 1), 1);
			IS(gate_frame_type((uint64_t)pfn, 1, EXO_PT1, 0), -EXO_EBUSY);
			IS(rt_unmap(0, T, 1, 1), 0);
		}
	/* A table that has an entry does not become a page, either. */
	uint64_t table = table_seen();

	CHECK(table);
	IS(gate_frame_type(table, 1, EXO_DATA, 0), -EXO_EBUSY);
	IS(gate_frame_type(table, 1, EXO_DATA, EXO_F_SHARED), -EXO_EBUSY);
	UNTOUCHED(table);
}

/* Bits that would make a large page of a link, or a link of the wrong level. */
void hostile_table_large(void)
{
	uint64_t table = table_seen(), ps = 1ul << 7, run = PFN(rt_entry(T2, 1)) & ~511ul;

	CHECK(table);
	for (uint64_t level = 2; level <= 4; level++) {
		uint64_t at = T2 & -(PAGE << 9 * (level - 1));

		REFUSED(gate_pte_write(0, at | level, 1, PTE(run, RW | ps), 0, 0));
		REFUSED(gate_pte_write(0, at | level, 1, PTE(table, RW), 0, 0));
		REFUSED(gate_pte_write(0, at | EXO_AT_CHANGE | level, 1, ps, ps, 0));
		REFUSED(gate_pte_write(0, at | EXO_AT_CHANGE | level, 1, PTE(run, RW), EXO_PTE_ADDR, 0));
		REFUSED(gate_pte_write(0, at | EXO_AT_LIST | level, 1, (uint64_t)shared, 0, 0));
	}
	REFUSED(gate_pte_write(0, (T + PAGE) | 1, 1, PTE(table, RW | ps), 0, 0));
	REFUSED(gate_pte_write(0, T2 | EXO_AT_CHANGE | 1, 1, ps, ps, 0));
	UNTOUCHED(table);
}

/* The entry is copied with its table; neither the copy nor the source gains R/W, nor does it when the other side is gone. */
void hostile_table_copied(void)
{
	uint64_t table = table_seen(), root, copy;

	CHECK(table);
	IS(actor_prepare(0, nothing, 0), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	CHECK(rt_table(root, T, 4) > 0 && rt_table(root, T, 3) > 0);
	IS(gate_pt_link(root, T | EXO_AT_SEALED | 2, 1, 0), 1);
	IS(gate_pte_write(root, T | EXO_AT_CHANGE | 1, 1, RW, RW, 0), -EXO_ESEALED);
	CHECK((int64_t)(copy = (uint64_t)rt_table_own(root, T | 2)) > 0);
	IS(FRAME(table).maps, 2);
	IS(gate_pte_write(root, T | EXO_AT_CHANGE | 1, 1, RW, RW, 0), -EXO_ETYPE);
	CHECK(gate_pte_write(0, T | EXO_AT_CHANGE | 2, 1, RW, RW, 0) > 0); /* ours alone again */
	IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, RW, RW, 0), -EXO_ETYPE);
	UNTOUCHED(table);
	IS(gate_pte_write(root, T | 1, 1, 0, 0, 0), 1);
}

/* ---- a sealed table */

void hostile_sealed(void)
{
	uint64_t page = page_new(T, RW | NX), table = PFN(rt_entry(T, 2)), other = page_new(T + PAGE, NX), root, value[2] = { PTE(page, RW | NX), 0 };
	struct exo_batch op __attribute__((aligned(64))) = { EXO_GATE_pte_write, { 0, T | 1, 1, 0, 0, 0 }, 0 };
	int64_t spare = rt_frame(), pt1;

	CHECK(page && other && page_new(T2, RW | NX));
	WORD(T) = 77;
	IS(actor_prepare(0, nothing, 0), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	CHECK(rt_table(root, T, 4) > 0 && rt_table(root, T, 3) > 0);
	IS(gate_pt_link(root, T | EXO_AT_SEALED | 2, 1, 0), 1);
	for (int i = 0; i < 2; i++, root = 0) { /* by way of either root */
		IS(gate_pte_write(root, T | 1, 1, 0, 0, 0), -EXO_ESEALED);
		IS(gate_pte_write(root, T | EXO_AT_GIVE | 1, 1, 0, 0, 0), -EXO_ESEALED);
		IS(gate_pte_write(root, T | 1, 1, PTE(spare, RW | NX), 0, 0), -EXO_ESEALED);
		IS(gate_pte_write(root, (T + 5 * PAGE) | 1, 1, PTE(spare, RW | NX), 0, 0), -EXO_ESEALED);
		IS(gate_pte_write(root, T | EXO_AT_LIST | 1, 2, (uint64_t)value, 0, 0), -EXO_ESEALED);
		IS(gate_pte_write(root, T | EXO_AT_STEP | 1, 2, PTE(page, NX), 0, 0), -EXO_ESEALED);
		IS(gate_pte_write(root, T | EXO_AT_CHANGE | 1, 1, RW, RW, 0), -EXO_ESEALED);
		IS(gate_pte_write(root, T | EXO_AT_CHANGE | 1, 1, 0, EXO_PTE_A | EXO_PTE_D, 0), -EXO_ESEALED);
		IS(gate_pte_write(root, T | EXO_AT_CHANGE | 2, 1, RW, RW, 0), -EXO_EBUSY);
	}
	IS(gate_batch(&op, 1), 0);
	IS(op.result, -EXO_ESEALED);
	/* As what a copy goes into; as a page; as a table elsewhere. */
	pt1 = rt_frame();
	IS(gate_frame_type((uint64_t)pt1, 1, EXO_PT1, 0), 1);
	REFUSED(gate_pt_copy(0, T2 | 2, table, 0, 512));
	IS(gate_frame_type(table, 1, EXO_DATA, 0), -EXO_EBUSY);
	REFUSED(gate_pt_link(0, (T + 0x600000) | 2, 1, table));
	REFUSED(gate_pt_link(0, T | 2, 1, (uint64_t)pt1));
	/* The CPU, and the kernel as it writes for us. */
	IS(guarded(touch_write, T), 1);
	IS(gate_frame_any(1, (uint64_t *)T), -EXO_EFAULT);
	IS(gate_batch((struct exo_batch *)T, 1), -EXO_EFAULT);
	IS(rt_unmap(0, T2, 1, 0), 0); /* what is not sealed can be changed */
	IS(FRAME(table).used, 2);
	IS(FRAME(table).flags & EXO_F_SEALED, EXO_F_SEALED);
	IS(WORD(T), 77);
}

/* The table above: what stands below it is reached over a sealed link, too. */
void hostile_sealed_above(void)
{
	uint64_t root, page = page_new(T, RW | NX);
	int64_t pt1 = rt_frame(), spare = rt_frame();

	CHECK(page);
	WORD(T) = 5;
	IS(gate_frame_type((uint64_t)pt1, 1, EXO_PT1, 0), 1);
	IS(actor_prepare(0, nothing, 0), 0);
	root = actor[0].spec.frames[EXO_EF_ROOT];
	CHECK(rt_table(root, T, 4) > 0);
	IS(gate_pt_link(root, (T & -EXO_HOME_SIZE) | EXO_AT_SEALED | 3, 1, 0), 1);
	for (int i = 0; i < 2; i++, root = 0) {
		IS(gate_pte_write(root, T | 1, 1, PTE(spare, RW | NX), 0, 0), -EXO_ESEALED);
		IS(gate_pte_write(root, T | 2, 1, 0, 0, 0), -EXO_ESEALED);
		IS(gate_pte_write(root, T | EXO_AT_CHANGE | 2, 1, 0, RW, 0), -EXO_ESEALED);
		IS(gate_pt_link(root, (T + 0x800000) | 2, 1, (uint64_t)pt1), -EXO_ESEALED);
		IS(gate_pt_copy(root, T | 2, (uint64_t)pt1, 0, 512), -EXO_ESEALED);
		REFUSED(gate_pte_write(root, (T & -EXO_HOME_SIZE) | EXO_AT_CHANGE | 3, 1, RW, RW, 0));
	}
	IS(guarded(touch_write, T), 1);
	IS(WORD(T), 5);
}

/* Its creator takes a page back from a child: not out of a table that others see too. */
static void sealed_holder(uint64_t argument)
{
	(void)argument;
	shared[0] = page_new(T, RW | NX);
	shared[1] = (uint64_t)actor_prepare(1, nothing, 0);
	shared[2] = (uint64_t)rt_table(actor[1].spec.frames[EXO_EF_ROOT], T, 4);
	shared[2] = (uint64_t)rt_table(actor[1].spec.frames[EXO_EF_ROOT], T, 3);
	shared[3] = (uint64_t)gate_pt_link(actor[1].spec.frames[EXO_EF_ROOT], T | EXO_AT_SEALED | 2, 1, 0);
	for (shared[4] = 1;;)
		(void)gate_yield(0, 0);
}

void hostile_sealed_revoked(void)
{
	exo_name name = actor_start(0, sealed_holder, 0);

	CHECK(name);
	for (int i = 0; i < 1000 && !shared[4]; i++)
		(void)gate_yield(name, 0);
	IS(shared[3], 1);
	IS(gate_revoke(name, EXO_REVOKE_ASK, 1, 1), 0);
	IS(gate_revoke(name, EXO_REVOKE_TAKE, T, 0), -EXO_ESEALED);
	IS(FRAME(shared[0]).maps, 1);
	rt_env_end(name);
}

/* ---- arguments that change under the kernel's hands */

/* Elements whose own op writes over them: what was read first counts, and the next is read when its turn comes. */
void hostile_batch_rewritten(void)
{
	static struct exo_batch ops[4];
	uint64_t free_before, free_after, done = 0;
	int64_t r;

	memset(ops, 0, sizeof ops);
	free_before = rt_info->frames_free;
	/* Three frames' numbers go over n, list and proof of the element itself. */
	ops[0] = (struct exo_batch){ EXO_GATE_frame_claim, { EXO_ANY, 3, (uint64_t)&ops[0].arg[1], 0 }, 0 };
	/* A frame's number goes over the next one's op: a number that is no op, or one. */
	ops[1] = (struct exo_batch){ EXO_GATE_frame_claim, { EXO_ANY, 1, (uint64_t)&ops[2].op, 0 }, 0 };
	ops[2] = (struct exo_batch){ EXO_GATE_nop, { 0 }, 0 };
	while (done < 3 && (r = gate_batch(ops + done, 3 - done)) > 0)
		done += (uint64_t)r;
	IS(done, 2);
	IS(ops[0].result, 3);
	IS(ops[1].result, 1);
	free_after = rt_info->frames_free;
	IS(free_before - free_after, 4);
	for (int i = 1; i < 4; i++)
		IS(FRAME(ops[0].arg[i]).owner, ME);
	CHECK(ops[2].op >= EXO_GATE_SPAN);
	IS(ops[2].result, -EXO_ENOSYS);
	/* Its number goes over its own result: then the result comes. */
	ops[0] = (struct exo_batch){ EXO_GATE_frame_claim, { EXO_ANY, 1, (uint64_t)&ops[0].result, 0 }, 0 };
	IS(gate_batch(ops, 1), 1);
	IS(ops[0].result, 1);
}

/* A list of entries that the op itself makes unreadable, and one that its own page table holds. */
void hostile_list_unmapped(void)
{
	uint64_t page = page_new(T, RW | NX), pfn[4];
	int64_t r;

	CHECK(page);
	for (int i = 0; i < 4; i++) {
		pfn[i] = (uint64_t)rt_frame();
		WORD(T + 8 * (uint64_t)i) = i == 1 ? 0 : PTE(pfn[i], RW | NX);
	}
	/* Entry 0 replaces the list's own page, entry 1 unmaps what is next to it. */
	r = gate_pte_write(0, T | EXO_AT_LIST | 1, 4, T, 0, 0);
	CHECK(r >= 1 || r == -EXO_EFAULT);
	IS(PFN(rt_entry(T, 1)), pfn[0]);
	IS(FRAME(page).maps, 0);
	WORD(T) = 1;
	IS(FRAME(pfn[0]).maps, 1);
}

/* The spec of an env in a page that is also the table being given away, and one that ends at the edge of memory. */
void hostile_spec_edges(void)
{
	uint64_t edge = T + PAGE, size = sizeof(struct exo_env_spec);

	CHECK(page_new(T, RW | NX));
	IS(actor_prepare(0, nothing, 0), 0);
	memcpy((void *)(edge - 64), &actor[0].spec, 64);
	REFUSED(gate_env_make((struct exo_env_spec *)(edge - 64)));
	REFUSED(gate_env_make((struct exo_env_spec *)(edge - 8)));
	REFUSED(gate_env_make((struct exo_env_spec *)(EXO_USER_END - 8)));
	REFUSED(gate_env_make((struct exo_env_spec *)KERNEL_DIRECT));
	REFUSED(gate_env_make((struct exo_env_spec *)(T + 4)));
	memcpy((void *)T, &actor[0].spec, size);
	((struct exo_env_spec *)T)->frame_count = ~0u;
	REFUSED(gate_env_make((struct exo_env_spec *)T));
	((struct exo_env_spec *)T)->frame_count = actor[0].spec.frame_count;
	actor[0].name = (exo_name)gate_env_make((struct exo_env_spec *)T);
	CHECK(env_state(actor[0].name) == EXO_S_READY);
	rt_env_end(actor[0].name);
}

/* ---- the save frame and the XSAVE image */

static void bad_mxcsr(uint64_t value) { __asm__ volatile("ldmxcsr %0" :: "m"(value)); }

static void bad_xrstor(uint64_t image) { __asm__ volatile("xrstor64 (%0)" :: "r"(image), "a"(~0u), "d"(~0u) : "memory"); }

void hostile_xsave(void)
{
	static uint8_t image[4096] __attribute__((aligned(64)));
	uint64_t save = EXO_GROUPS + ME * EXO_GROUP_SIZE + EXO_GROUP_SAVE, pfn = 0;

	/* The frame is the kernel's: no entry, no release, no retyping; and in our root it cannot be written. */
	for (uint64_t p = 0; p < rt_info->frame_count && !pfn; p++)
		if (FRAME(p).type == EXO_ENV && FRAME(p).owner == ME)
			pfn = p;
	CHECK(pfn);
	IS(rt_tables(0, T, 0, 0), 0);
	for (uint64_t p = pfn; p < rt_info->frame_count; p++)
		if (FRAME(p).type == EXO_ENV && FRAME(p).owner == ME) {
			REFUSED(gate_pte_write(0, T | 1, 1, PTE(p, RW | NX), 0, 0));
			REFUSED(gate_pte_write(0, T | 1, 1, PTE(p, NX), 0, save));
			REFUSED(gate_frame_give(p, 1, 0));
			REFUSED(gate_frame_type(p, 1, EXO_DATA, 0));
		}
	IS(guarded(touch_write, save), 1);
	/* What the CPU refuses is the env's own fault, not the kernel's at the next switch. */
	if (guarded(bad_mxcsr, 0xffffffff)) /* QEMU 7.2 takes it: then the kernel has it to save and to load */
		IS(caught.vector, 13);
	(void)gate_yield(witness.name, 0);
	(void)guarded(bad_mxcsr, 0x1f80);
	if (rt_info->cpu_features & EXO_CPU_XSAVE) {
		memset(image, 0xff, sizeof image);
		IS(guarded(bad_xrstor, (uint64_t)image), 1);
		IS(caught.vector, 13);
		IS(guarded(bad_xrstor, (uint64_t)image + 8), 1);
		IS(caught.vector, 13);
	}
	/* An x87 exception that waits: it comes to us, at our next x87 instruction, and to nobody else. */
	static const uint16_t control = 0x37b;

	__asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp" :: "m"(control));
	(void)gate_yield(witness.name, 0);
	for (uint64_t end = rt_tsc() + 2 * rt_info->slice_ticks; rt_tsc() < end;)
		__asm__ volatile("pause");
	__asm__ volatile("fnclex; fninit");
}
