/* SPDX-License-Identifier: MIT */
/* Tests of device memory, shared interrupt lines, the log's bounds and what the window says of the CPU (rules 13, 26, 27, 28, 33). */
#include <base/string.h>
#include "gate.h"

/* Where neither RAM nor firmware is, on the machines that the suite boots; reads there give ones or a device's registers. */
#define HOLE 0xd0000ul

static void map_device(uint64_t pfn)
{
	shared[0] = (uint64_t)rt_tables(0, T, 0, 0);
	shared[1] = (uint64_t)gate_pte_write(0, T | 1, 1, PTE(pfn, NX), 0, 0);
	shared[2] = (uint64_t)gate_dev_bind(EXO_DEV_FRAMES, pfn + 64, 1);
	shared[3] = (uint64_t)gate_dev_bind(EXO_DEV_FRAMES_WC, pfn + 64, 1);
}

/* First env: uncached and write-combined as it was bound, whatever was asked for in the entry; mapped by nobody else. What is bound stays so. */
void dev_frames(void)
{
	exo_name name;

	IS(gate_dev_bind(EXO_DEV_FRAMES, HOLE, 4), 0);
	IS(gate_dev_bind(EXO_DEV_FRAMES_WC, HOLE + 16, 1), 0);
	IS(gate_dev_bind(EXO_DEV_FRAMES_WC, HOLE + 3, 2), -EXO_EBUSY); /* one memory type for one frame */
	IS(gate_pte_write(0, T | EXO_AT_STEP | 1, 2, PTE(HOLE, RW | NX), 0, 0), 2);
	IS(rt_map(0, T + 3 * PAGE, PFN(rt_entry(T, 2)), 1, NX), 0); /* the table itself */
	IS(WORD(T + 3 * PAGE) & (EXO_PTE_PWT | EXO_PTE_PCD), EXO_PTE_PWT | EXO_PTE_PCD);
	(void)WORD(T);
	IS(gate_pte_write(0, (T + 2 * PAGE) | 1, 1, PTE(HOLE + 16, NX), 0, 0), 1);
	IS(WORD(T + 3 * PAGE + 16) & (EXO_PTE_PWT | EXO_PTE_PCD), EXO_PTE_PWT);
	/* The kernel reads no array there, and changes no such entry. */
	IS(gate_batch((struct exo_batch *)T, 1), -EXO_EFAULT);
	IS(gate_pte_write(0, T | EXO_AT_CHANGE | 1, 1, 0, RW, 0), -EXO_ETYPE);
	IS(gate_pte_write(0, (T + 4 * PAGE) | 1, 1, PTE(HOLE, NX | EXO_PTE_PCD), 0, 0), -EXO_EINVAL);
	IS(gate_pte_write(0, (T + 4 * PAGE) | 1, 1, PTE(HOLE + 8, NX), 0, 0), -EXO_EPERM);
	IS(gate_frame_claim(HOLE, 1), HOLE < rt_info->frame_count ? -EXO_EBUSY : -EXO_EINVAL);
	name = actor_start(0, map_device, HOLE);
	CHECK(name && actor_finish(name));
	IS(shared[0], 0);
	for (int i = 1; i < 4; i++)
		IS(shared[i], -EXO_EPERM);
	IS(rt_unmap(0, T, 4, 0), 0);
}

void dev_frames_refused(void)
{
	static const uint64_t kept[] = { 0xfee00, 0xfec00, 0xfed00, 0xffff0, 0x10, 0xa0 };
	uint64_t ram = frame_free();

	for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++) {
		IS(gate_dev_bind(EXO_DEV_FRAMES, kept[i], 1), -EXO_EPERM);
		IS(gate_dev_bind(EXO_DEV_FRAMES_WC, kept[i], 1), -EXO_EPERM);
	}
	IS(gate_dev_bind(EXO_DEV_FRAMES, ram, 1), -EXO_EPERM);
	IS(gate_dev_bind(EXO_DEV_FRAMES_WC, ram - 1, 2), -EXO_EPERM);
	IS(gate_dev_bind(EXO_DEV_FRAMES, 0xfec00 - 16, 17), -EXO_EPERM); /* over the edge of what is kept */
	IS(gate_dev_bind(EXO_DEV_FRAMES, HOLE + 32, 0), -EXO_EINVAL);
	IS(gate_dev_bind(EXO_DEV_FRAMES, 1ul << 40, 1), -EXO_EINVAL);
	IS(gate_dev_bind(EXO_DEV_FRAMES, ~0ul, 2), -EXO_EINVAL);
}

/* ---- lines */

static void line_bind(uint64_t line)
{
	shared[0] = (uint64_t)gate_dev_ack(line);
	shared[1] = (uint64_t)gate_dev_bind(EXO_DEV_IRQ, line, 1);
	shared[2] = (uint64_t)gate_dev_bind(EXO_DEV_IRQ, line, 1);
	shared[3] = (uint64_t)gate_dev_ack(line);
}

void dev_irq_shared(void)
{
	static const int kept[] = { 0, 2, 8, 9, 13 };

	/* Who did not bind it does not acknowledge it; once is enough; and it is free for the next after its binder's end. */
	for (int i = 0; i < 6; i++) {
		exo_name name = actor_start(0, line_bind, 5);

		CHECK(name);
		IS(gate_env_set(name, EXO_SET_RIGHTS, EXO_RIGHT_MACHINE, 0), 0);
		CHECK(actor_finish(name));
		IS(shared[0], -EXO_ENOENT);
		IS(shared[1], 0);
		IS(shared[2], -EXO_EEXIST);
		IS(shared[3], 0);
	}
	for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++)
		IS(gate_dev_bind(EXO_DEV_IRQ, (uint64_t)kept[i], 1), -EXO_EPERM);
}

/* ---- the log */

void log_writes(void)
{
	static char line[256];

	memset(line, ' ', sizeof line);
	IS(gate_log("a line", 6), 0);
	IS(gate_log(line, 0), 0);
	IS(gate_log(line, 256), 0);
}

static char lines_of_spaces[256];

static void slices_wait(uint64_t n)
{
	for (uint64_t end = rt_tsc() + n * rt_info->slice_ticks; rt_tsc() < end;)
		__asm__ volatile("pause");
}

void log_flood(void)
{
	int n = 0;

	memset(lines_of_spaces, ' ', sizeof lines_of_spaces);
	/* A line more than the bound; on a slow console time passes, and with it the bound: three tries. */
	for (int i = 0; i < 3 && n != 64; i++) {
		slices_wait(2);
		for (n = 0; n < 80 && gate_log(lines_of_spaces, 256) == 0;)
			n++;
	}
	if (rt_info->debug && n == 80)
		return; /* watching 64 calls takes a debug kernel longer than the bound's time */
	IS(n, 64);
	IS(gate_log(lines_of_spaces, 1), -EXO_EAGAIN);
	slices_wait(2);
	IS(gate_log("and on", 6), 0);
}

static void lines_write(uint64_t n)
{
	for (shared[0] = 0; shared[0] < n && gate_log(lines_of_spaces, 256) == 0;)
		shared[0]++;
}

/* Another env in the same slices has no quota of its own. */
void log_flood_of_many(void)
{
	uint64_t first = 0;

	memset(lines_of_spaces, ' ', sizeof lines_of_spaces);
	for (int i = 0; i < 3 && first + shared[0] != 64; i++) {
		slices_wait(2);
		lines_write(40);
		first = shared[0];
		CHECK(actor_finish(actor_start(0, lines_write, 40)));
	}
	uint64_t second = shared[0];
	slices_wait(2); /* what this test says is logged, too */
	if (rt_info->debug && first + second == 80)
		return;
	IS(first, 40);
	IS(second, 24);
}

/* ---- the CPU */

static uint32_t cpuid_word(uint32_t leaf, int word)
{
	uint32_t r[4];

	__asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
	return r[word];
}

/* Intel's, unless it says that it is not touched: that is behind an MSR, so here only who cannot say anything is known. */
void window_leaks(void)
{
	int intel = cpuid_word(0, 1) == 0x756e6547, says = cpuid_word(0, 0) >= 7 && cpuid_word(7, 3) >> 29 & 1;

	if (!intel)
		IS(rt_info->cpu_features & EXO_CPU_LEAKS, 0);
	else if (!says)
		IS(rt_info->cpu_features & EXO_CPU_LEAKS, EXO_CPU_LEAKS);
}
