/* SPDX-License-Identifier: MIT */
/* A virtio entropy device (virtio 1.2, 5.4): it is asked for bytes, and what has come is taken, without any wait. */
#ifndef DEV_VIRTIO_RNG_H
#define DEV_VIRTIO_RNG_H
#include "virtio.h"
#include "wants.h"

#define VRNG_SPACE (2ul << 20) /* of addresses */

struct vrng {
	struct virtio virtio;
	struct virtqueue queue;
	uint8_t *page;
	uint64_t address;
	int is_asked;
};

/* A row's open (drivers.def): 0, or an error as of virtio_open. It sends no interrupts. */
int vrng_open(struct vrng *r, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w);
/* Asks for n bytes, at most a page; nothing while an earlier question is open. */
void vrng_ask(struct vrng *r, uint32_t n);
/* What has come since it was asked: how many bytes, at most `max`; 0: nothing yet. They are nowhere else then. */
size_t vrng_take(struct vrng *r, void *to, size_t max);
#endif
