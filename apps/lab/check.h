/* SPDX-License-Identifier: MIT */
/* What the labs' checks have in common: lines that `test/lab` reads, and the end. */
#ifndef LAB_CHECK_H
#define LAB_CHECK_H
#include <rt/rt.h>

static uint64_t lab_ticks; /* of the CPU's counter: what the solution cost */

/* One thing that is wanted of a solution. The first that is not there ends the machine: what comes later would rest
 * on it. */
#define lab_check(is_so, name, ...) \
	do { \
		if (!(is_so)) { \
			rt_log("lab: not ok " name ": " __VA_ARGS__); \
			rt_off(1); \
		} \
		rt_log("lab: ok " name); \
	} while (0)

/* What the harness itself cannot do without. */
static inline int64_t lab_must(int64_t result, const char *what)
{
	if (EXO_IS_ERROR(result)) {
		rt_log("lab: %s: gate error %ld", what, -result);
		rt_off(2);
	}
	return result;
}

static inline void lab_end(void)
{
	rt_log("lab: cost %lu", lab_ticks);
	rt_off(0);
}
#endif
