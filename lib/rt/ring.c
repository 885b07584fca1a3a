/* SPDX-License-Identifier: MIT */
/* A ring of bytes in memory of two parties. */
#include <rt/page.h>
#include <rt/ring.h>

static uint32_t filled(uint32_t put, uint32_t taken) { return put - taken; }

uint32_t ring_waiting(const volatile struct ring_side *mine, const volatile struct ring_side *theirs)
{
	uint32_t n = filled(__atomic_load_n(&theirs->put, __ATOMIC_ACQUIRE), mine->taken);

	return n > RING_BYTES ? 0 : n;
}

uint32_t ring_room(const volatile struct ring_side *mine, const volatile struct ring_side *theirs)
{
	uint32_t n = filled(mine->put, __atomic_load_n(&theirs->taken, __ATOMIC_ACQUIRE));

	return n > RING_BYTES ? 0 : RING_BYTES - n;
}

/* Up to the ring's edge. */
static uint32_t piece(uint32_t there, uint32_t offset, size_t n)
{
	uint32_t most = MIN_OF(there, RING_BYTES - offset);

	return n < most ? (uint32_t)n : most;
}

uint32_t ring_to_take(const struct ring_side *mine, const struct ring_side *theirs, const uint8_t **at, size_t n)
{
	uint32_t offset = mine->taken % RING_BYTES;

	*at = theirs->bytes + offset;
	return piece(ring_waiting(mine, theirs), offset, n);
}

uint32_t ring_to_put(struct ring_side *mine, const struct ring_side *theirs, uint8_t **at, size_t n)
{
	uint32_t offset = mine->put % RING_BYTES;

	*at = mine->bytes + offset;
	return piece(ring_room(mine, theirs), offset, n);
}

void ring_took(struct ring_side *mine, uint32_t n)
{
	__atomic_store_n(&mine->taken, mine->taken + n, __ATOMIC_RELEASE);
}

void ring_was_put(struct ring_side *mine, uint32_t n)
{
	__atomic_store_n(&mine->put, mine->put + n, __ATOMIC_RELEASE);
}
