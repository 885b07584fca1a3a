/* SPDX-License-Identifier: MIT */
/* A virtio 9P device (Linux's virtio_9p.h; QEMU's virtio-9p-pci): messages of 9P2000.L go out and their answers come
 * in, several at a time, without any wait. What the messages ask for is not its business. */
#ifndef DEV_VIRTIO_9P_H
#define DEV_VIRTIO_9P_H
#include "virtio.h"
#include "wants.h"

#define V9P_SLOTS   4           /* messages that may be under way */
#define V9P_PAGES   9
#define V9P_MESSAGE (V9P_PAGES * 4096u) /* no message is longer, either way */
#define V9P_HEAD    7u          /* of a message: 4 bytes of size, type, 2 bytes of tag */
#define V9P_TAG     32          /* of the device's name, with a zero */
#define V9P_SPACE   (2ul << 20) /* of addresses */
#define V9P_PATIENCE 30000000000u /* ns that it has for an answer */

enum v9p_state { V9P_FREE, V9P_ASKED, V9P_LATE /* given up, but the device has its pages still */ };

struct v9p {
	struct virtio virtio;
	struct virtqueue queue;
	int line;                   /* of msi_bits; negative: it sends no messages */
	unsigned busy;              /* slots that are V9P_ASKED */
	uint64_t looked;            /* ns: the last look at what came, or question */
	char tag[V9P_TAG];
	struct v9p_slot {
		uint8_t *ask, *reply;   /* V9P_MESSAGE bytes each */
		volatile struct virtqueue_entry *table;
		uint64_t address;       /* of the table */
		enum v9p_state state;
		uint64_t since;         /* ns */
	} slot[V9P_SLOTS];
};

/* Of drivers.def. Its pages lie in [va, va + V9P_SPACE). 0, or an error as of virtio_open. */
int v9p_open(struct v9p *d, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w);
/* While something is under way: when to look, ns, although no message of the device's came. */
uint64_t v9p_deadline(const struct v9p *d);
/* Where a message's bytes are put before it is asked, V9P_MESSAGE of them; NULL: the slot is not free. */
uint8_t *v9p_room(struct v9p *d, unsigned slot);
/* Gives the device the n bytes that lie there. 0; -EINVAL: they are no message, or one whose tag is not the slot's
 * number (0xffff of Tversion), or one that agrees on messages that are too long; -EBUSY: the slot is not free. */
int v9p_ask(struct v9p *d, unsigned slot, uint32_t n, uint64_t now);
/* The slot of an answer that has come, or whose time is over; -1: there is none. *size: of what lies at *from until
 * the slot is asked again, or -EIO. */
int v9p_take(struct v9p *d, uint64_t now, const uint8_t **from, int *size);
#endif
