/* SPDX-License-Identifier: MIT */
/* Native figures: what the gate itself costs an app without any library OS. Runs as the first env, prints, ends the machine. */
#include "bench.h"

/* Ticks of one instruction: the machine runs under -icount shift=3. */
#define TICKS 8

uint64_t took[N];

struct stamp stamp;

static uint64_t overhead, exact_overhead;

static void sort(void)
{
	for (unsigned i = 1; i < N; i++) {
		uint64_t x = took[i];
		unsigned j = i;

		for (; j && took[j - 1] > x; j--)
			took[j] = took[j - 1];
		took[j] = x;
	}
}

/* took[i] in hundredths of an instruction. */
static uint64_t hundredths(unsigned i, uint64_t operations)
{
	return took[i] < overhead ? 0 : (took[i] - overhead) * 100 / TICKS / operations;
}

void figure(const char *title, uint64_t operations)
{
	uint64_t median, least;

	sort();
	median = hundredths(N / 2, operations);
	least = hundredths(0, operations);
	rt_log("BENCH \"%s\" %lu.%02lu %lu.%02lu", title, median / 100, median % 100, least / 100, least % 100);
}

void point(const char *curve, uint64_t x, uint64_t operations)
{
	uint64_t median;

	sort();
	median = hundredths(N / 2, operations);
	rt_log("POINT %s %lu %lu.%02lu", curve, x, median / 100, median % 100);
}

void exact(const char *title, uint64_t operations)
{
	uint64_t kept = overhead;

	overhead = exact_overhead;
	figure(title, operations);
	overhead = kept;
}

int64_t stamped(long op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	int64_t r;
	register uint64_t r10 __asm__("r10") = d;
	stamp.rax = EXO_GATE_BASE + (uint64_t)op;
	stamp.rdx = c;
	__asm__ volatile(BEFORE "syscall\n\tmov %%rax, stamp+8(%%rip)\n\t" AFTER "mov stamp+8(%%rip), %%rax"
		: "=a"(r) : "D"(a), "S"(b), "r"(r10), "r"(0) : "rcx", "rdx", "r11", "memory");
	stamp.from += TICKS; /* the result's way out of rax */
	return r;
}

void app_main(exo_name self)
{
	(void)self;
	if (rt_entries_set() < 0)
		rt_off(1);
	EACH(, );
	sort();
	overhead = took[0];
	EXACT(, __asm__ volatile(BEFORE AFTER ::: "rax", "rdx", "memory"));
	sort();
	exact_overhead = took[0];
	figures_calls();
	figures_traps();
	figures_actors();
	figures_pages();
	rt_log("BENCH END");
	rt_off(0);
}
