/* SPDX-License-Identifier: MIT */
/* What the native figures share: samples and their line in the log. All times in ticks of the TSC, printed in instructions of a counted machine. */
#ifndef GUEST_BENCH_H
#define GUEST_BENCH_H
#include <rt/rt.h>

#pragma GCC visibility push(hidden)

#define N 101
extern uint64_t took[N], skip;

/* N samples of BODY into took. */
#define EACH(before, body) do { \
	for (unsigned k = 0; k < N; k++) { \
		uint64_t from_; \
		before; \
		from_ = rt_tsc(); \
		__asm__ volatile("" ::: "memory"); \
		body; \
		__asm__ volatile("" ::: "memory"); \
		took[k] = rt_tsc() - from_; \
	} \
} while (0)

/* Exact figures: what lies between the last instruction of BEFORE and the first of AFTER, which may stand in another env or in an entry; eax and edx as given
 * at the end of the one, lost after the other. N samples of BODY, which holds both, go into took; their own instructions are taken off. */
struct stamp { uint32_t from, to; uint64_t rax, rdx; };
extern struct stamp stamp;
#define BEFORE "rdtsc\n\tmov %%eax, stamp(%%rip)\n\tmov stamp+8(%%rip), %%rax\n\tmov stamp+16(%%rip), %%rdx\n\t"
#define AFTER  "rdtsc\n\tmov %%eax, stamp+4(%%rip)\n\t"
#define EXACT(before, body) do { \
	for (unsigned k = 0; k < N; k++) { \
		before; \
		body; \
		took[k] = stamp.to - stamp.from; \
	} \
} while (0)
void exact(const char *title, uint64_t operations);

/* One gate call between stamps: its result. */
int64_t stamped(long op, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* Logs median and minimum of took, each by `operations`, and a curve's point; the cost of the two rdtsc is taken off. */
void figure(const char *title, uint64_t operations);
void point(const char *curve, uint64_t x, uint64_t operations);

/* traps.c, actors.c, pages.c: the figures, in the table's order. */
void figures_calls(void);
void figures_traps(void);
void figures_actors(void);
void figures_pages(void);

#pragma GCC visibility pop
#endif
