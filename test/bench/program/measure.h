/* SPDX-License-Identifier: MIT */
/* What all rows share: time, samples, one line of output per figure. Times are ticks of the TSC; who reads them divides. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define MIB (1ul << 20)

static inline uint64_t ticks(void)
{
	uint32_t lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* So many of the full number: the quick round (for the budget) does less of everything that is repeated. */
unsigned rounds(unsigned full);
/* The word that starts a row in a program as this one was started. */
const char *row_mode(void);

/* One sample: ticks for so many operations. The two rdtsc's own cost is taken off. At most SAMPLES of them. */
#define SAMPLES 1024
void sample(uint64_t from, uint64_t to, double operations);
/* A sample that is no time by the TSC. */
void sample_value(double value);

/* Says the row's median and minimum and forgets the samples. part: "" or a suffix of the row's name. */
void samples_say(const char *part);
/* A point of a curve: median of the samples at x. */
void samples_point(const char *curve, double x);
/* The samples' median and maximum. */
void samples_worst(void);

/* Between these two a profiler may look. They cost nothing when none is there. */
void window_open(void);
void window_close(void);

/* BODY n times, each a sample of its own. */
#define EACH(n, before, body, after) do { \
	unsigned n_ = (n); \
	for (unsigned k = 0; k < n_; k++) { \
		uint64_t from_, to_; \
		before; \
		from_ = ticks(); \
		body; \
		to_ = ticks(); \
		sample(from_, to_, 1); \
		after; \
	} \
} while (0)

/* `batches` samples, each the mean of n BODYs back to back, each of which is `per` operations: nothing that BODY leaves behind escapes, no wait lies
 * between. */
#define MEAN(batches, n, per, body) do { \
	unsigned n_ = (n); \
	for (unsigned b_ = 0; b_ < (batches); b_++) { \
		uint64_t from_ = ticks(); \
		for (unsigned k = 0; k < n_; k++) \
			body; \
		sample(from_, ticks(), (double)n_ * (per)); \
	} \
} while (0)

/* A claim that must hold for the row to exist: its errno ends the row. */
#define NEED(claim) do { errno = 0; if (!(claim)) return errno ? errno : EIO; } while (0)

/* Anonymous private memory of so many bytes, every page written: NULL = there is not so much. */
char *touched(size_t size);

/* Waits for the child: 0 when it ended with status 0, else an errno. */
int ended_well(pid_t child);

#define ROW(id, title, function, includes) int function(void);
#include "rows.def"
#undef ROW
#endif
