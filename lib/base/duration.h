/* SPDX-License-Identifier: MIT */
/* Durations and points in time, in nanoseconds and in ticks of the TSC. Nothing here wraps or faults: what does not fit is the last that does. */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H
#include <stdint.h>

#define NS       1000000000ll            /* of a second */
#define TIME_END ((uint64_t)INT64_MAX)   /* ns: 292 years. A wait until then has no end; later times are taken for it, as on Linux */

/* a * b / c, at most UINT64_MAX. */
static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t low, high;

	__asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(a), "r"(b) : "cc");
	if (high >= c)
		return UINT64_MAX; /* DIV would fault: the quotient does not fit (Intel SDM vol. 2, DIV) */
	__asm__("divq %2" : "+a"(low), "+d"(high) : "r"(c) : "cc");
	return low;
}

static inline uint64_t add_most(uint64_t a, uint64_t b, uint64_t most)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) || sum > most ? most : sum;
}

/* ns and seconds that are not negative, as one number; ns may be more than a second. */
static inline uint64_t time_of(int64_t seconds, int64_t ns)
{
	return seconds > INT64_MAX / NS ? TIME_END : add_most((uint64_t)seconds * NS, (uint64_t)ns, TIME_END);
}

/* So long after. */
static inline uint64_t time_after(uint64_t time, uint64_t ns) { return add_most(time, ns, TIME_END); }

static inline uint64_t ns_ticks(uint64_t ns, uint64_t hz) { return mul_div(ns, hz, NS); }
/* mult: ns of a tick, times 2^32 (struct exo_info). Ticks since boot, or of an env: they do not get old enough to wrap. */
static inline uint64_t ticks_ns(uint64_t ticks, uint64_t mult) { return (uint64_t)((unsigned __int128)ticks * mult >> 32); }
#endif
