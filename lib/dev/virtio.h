/* SPDX-License-Identifier: MIT */
/* What all virtio devices have in common: the modern PCI transport and split queues (virtio 1.2, 4.1 and 2.7). */
#ifndef DEV_VIRTIO_H
#define DEV_VIRTIO_H
#include "pci.h"

/* Identity of a device of that type, one without legacy registers. */
#define VIRTIO_ID(type) (0x1af4u | (0x1040u + (type)) << 16)
#define VIRTIO_NO_MESSAGE 0xffffu

#define VIRTIO_FEATURE_INDIRECT (1ul << 28)
enum virtqueue_flags { VIRTQUEUE_NEXT = 1, VIRTQUEUE_WRITE = 2, VIRTQUEUE_TABLE = 4 };

struct virtio {
	struct pci pci;
	volatile uint8_t *common, *notify, *device;
	uint32_t notify_step, device_size;
};

#define VIRTQUEUE_SIZE 64 /* at most: descriptors and both rings lie in one page */
struct virtqueue {
	uint16_t size, index, put, taken;
	volatile struct virtqueue_entry { uint64_t address; uint32_t size; uint16_t flags, next; } *entry;
	volatile uint16_t *available, *used; /* flags, index, ring */
	volatile uint16_t *notify;
};

/* Binds and resets the device, and agrees on those features of `wanted` that it has, into *features. Its pages are
 * mapped in [va, va + size). 0; -ENODEV: it has no modern registers; -EACCES, -ENOMEM, -EIO. */
int virtio_open(struct virtio *v, const volatile struct exo_pci *f, uint64_t wanted, uint64_t *features, uint64_t va,
	uint64_t size);
/* Sets up queue `index`, with at most `size` buffers; message: number in the device's table, or VIRTIO_NO_MESSAGE: then
 * it is asked not to interrupt at all. Between virtio_open and virtio_start. 0 or negative. */
int virtio_queue(struct virtio *v, struct virtqueue *q, unsigned index, unsigned size, unsigned message);
void virtio_start(struct virtio *v);
/* Ends it for good: the device is reset. */
void virtio_stop(struct virtio *v);

/* Buffer `id` (below q->size, not with the device) is the device's: to read, or to write with `write`. */
void virtqueue_put(struct virtqueue *q, unsigned id, uint64_t address, uint32_t size, int write);
/* The same, with a table of buffers (virtqueue_entry) of which the first is the head: size bytes of table at address.
 * VIRTIO_FEATURE_INDIRECT must have been agreed on. */
void virtqueue_put_table(struct virtqueue *q, unsigned id, uint64_t address, uint32_t size);
/* Tells the device that there is something new. */
void virtqueue_kick(struct virtqueue *q);
/* A buffer that comes back: true, its id and how many bytes were written. What the device says is made small enough
 * to index with. */
int virtqueue_take(struct virtqueue *q, unsigned *id, uint32_t *written);
/* How many have come back in all, as the device has it now; runs freely. */
static inline uint16_t virtqueue_back(const struct virtqueue *q) { return q->used[1]; }
/* Whether the device is to interrupt when it gives one back. It may all the same. */
void virtqueue_interrupts(struct virtqueue *q, int wanted);
#endif
