/* SPDX-License-Identifier: MIT */
/* Bytes between two parties that do not trust one another: each writes its own side, and reads the other's. What the
 * other says may be anything, at any time: a count that makes no sense is taken for "nothing there" and "no room". */
#ifndef RT_RING_H
#define RT_RING_H
#include <stddef.h>
#include <stdint.h>

#define RING_BYTES 16384u /* a power of two */

/* Whole pages. put: bytes that this side has written, taken: that it has read of the other's. */
struct ring_side {
	uint32_t put, taken;
	uint8_t unused[4096 - 2 * sizeof(uint32_t)];
	uint8_t bytes[RING_BYTES];
};

#pragma GCC visibility push(hidden)
/* Bytes that wait for who has `mine`, and that it may write. */
uint32_t ring_waiting(const volatile struct ring_side *mine, const volatile struct ring_side *theirs);
uint32_t ring_room(const volatile struct ring_side *mine, const volatile struct ring_side *theirs);
/* One piece in a row, at most n bytes: how many; *at: where they lie, or are to lie. */
uint32_t ring_to_take(const struct ring_side *mine, const struct ring_side *theirs, const uint8_t **at, size_t n);
uint32_t ring_to_put(struct ring_side *mine, const struct ring_side *theirs, uint8_t **at, size_t n);
/* So many of them were taken, or are there now. */
void ring_took(struct ring_side *mine, uint32_t n);
void ring_was_put(struct ring_side *mine, uint32_t n);
#pragma GCC visibility pop
#endif
