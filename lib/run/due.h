/* SPDX-License-Identifier: MIT */
/* What comes at a time, the earliest first: a leftist heap. Whatever else waits, one more costs the logarithm of how
 * many there are at most, and usually a few steps. Lies in family memory, guarded by the family lock. */
#ifndef RUN_DUE_H
#define RUN_DUE_H
#include <stdint.h>

struct due {
	struct due *left, *right, *up;
	uint64_t at, order;          /* ns of clock_ns; of one time, those come first that were put there first */
	uint32_t rank;               /* nodes on the way to the right; 0: it is in no heap */
};

#pragma GCC visibility push(hidden)
void due_put(struct due **heap, struct due *d, uint64_t at); /* d is in none, or in one that was given up */
void due_take(struct due **heap, struct due *d);
/* Empties it: all that were in it, by `up`. */
struct due *due_all(struct due **heap);
#pragma GCC visibility pop
#endif
