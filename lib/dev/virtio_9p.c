/* SPDX-License-Identifier: MIT */
/* Driver of virtio 9P devices: one queue; a slot is a message's pages, its answer's, and the table that lists both.
 * The device may write into the pages of answers alone. One that does not answer in time costs an error, and the slot
 * until it does; one that answers what nobody asked is not heard. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/rt.h>
#include "virtio_9p.h"

#define LOOK_NS     5000000u
#define FEATURE_TAG 1ul
#define PAGE        ((uint32_t)EXO_PAGE_SIZE)
#define NO_TAG      0xffffu
enum { T_VERSION = 100 };

/* The device's name stands in its registers: 2 bytes of length, then so many. */
static int tag_read(struct v9p *d)
{
	const volatile uint8_t *from = d->virtio.device;
	unsigned n;

	if (!from || d->virtio.device_size < 2)
		return -ENODEV;
	n = from[0] | (unsigned)from[1] << 8;
	if (!n || n >= V9P_TAG || n + 2 > d->virtio.device_size)
		return -ENODEV;
	for (unsigned i = 0; i < n; i++)
		d->tag[i] = (char)from[2 + i];
	return 0;
}

/* n pages, one behind the other, as entries of the slot's table from `first` on. */
static uint8_t *pages_open(struct v9p *d, struct v9p_slot *s, unsigned first, uint16_t flags)
{
	uint8_t *begin = NULL;

	for (unsigned i = 0; i < V9P_PAGES; i++) {
		volatile struct virtqueue_entry *e = &s->table[first + i];
		uint8_t *page = pci_page(&d->virtio.pci, (uint64_t *)&e->address);

		if (!page)
			return NULL;
		begin = begin ? begin : page;
		e->size = PAGE;
		e->flags = (uint16_t)(flags | (i + 1 < V9P_PAGES ? VIRTQUEUE_NEXT : 0));
		e->next = (uint16_t)(first + i + 1);
	}
	return begin;
}

static int slot_open(struct v9p *d, struct v9p_slot *s)
{
	s->table = pci_page(&d->virtio.pci, &s->address);
	if (!s->table)
		return -ENOMEM;
	s->ask = pages_open(d, s, 0, 0);
	s->reply = s->ask ? pages_open(d, s, V9P_PAGES, VIRTQUEUE_WRITE) : NULL;
	return s->reply ? 0 : -ENOMEM;
}

int v9p_open(struct v9p *d, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w)
{
	uint64_t features = 0;
	int error;

	(void)w;
	*d = (struct v9p){ 0 };
	error = virtio_open(&d->virtio, f, FEATURE_TAG | VIRTIO_FEATURE_INDIRECT, &features, va, V9P_SPACE);
	if (error)
		return error;
	d->line = pci_message(&d->virtio.pci, 0);
	if (!(features & FEATURE_TAG) || !(features & VIRTIO_FEATURE_INDIRECT))
		error = -ENODEV;
	if (!error)
		error = tag_read(d);
	if (!error)
		error = virtio_queue(&d->virtio, &d->queue, 0, V9P_SLOTS, d->line < 0 ? VIRTIO_NO_MESSAGE : 0);
	if (!error && d->queue.size != V9P_SLOTS)
		error = -ENODEV;
	for (unsigned i = 0; i < V9P_SLOTS && !error; i++)
		error = slot_open(d, &d->slot[i]);
	if (error)
		virtio_stop(&d->virtio);
	else
		virtio_start(&d->virtio);
	return error;
}

static uint32_t number(const uint8_t *from, unsigned bytes)
{
	uint32_t value = 0;

	while (bytes--)
		value = value << 8 | from[bytes];
	return value;
}

uint8_t *v9p_room(struct v9p *d, unsigned slot)
{
	return slot < V9P_SLOTS && d->slot[slot].state == V9P_FREE ? d->slot[slot].ask : NULL;
}

/* What QEMU answers at length stays within what there is room for. */
static int may_go(const uint8_t *message, uint32_t n, unsigned slot)
{
	uint32_t tag;

	if (n < V9P_HEAD || n > V9P_MESSAGE || number(message, 4) != n)
		return 0;
	tag = number(message + 5, 2);
	if (message[4] != T_VERSION)
		return tag == slot;
	return tag == NO_TAG && n >= V9P_HEAD + 4 && number(message + V9P_HEAD, 4) <= V9P_MESSAGE;
}

int v9p_ask(struct v9p *d, unsigned slot, uint32_t n, uint64_t now)
{
	struct v9p_slot *s = &d->slot[slot];
	uint32_t last = (n - 1) / PAGE;

	if (slot >= V9P_SLOTS || s->state != V9P_FREE)
		return -EBUSY;
	if (!may_go(s->ask, n, slot))
		return -EINVAL;
	for (uint32_t i = 0; i <= last; i++) {
		s->table[i].size = i < last ? PAGE : n - last * PAGE;
		s->table[i].next = (uint16_t)(i < last ? i + 1 : V9P_PAGES);
		s->table[i].flags = VIRTQUEUE_NEXT;
	}
	memset(s->reply, 0, V9P_HEAD); /* the last one's head is nobody's answer */
	s->state = V9P_ASKED;
	s->since = d->looked = now;
	d->busy++;
	virtqueue_put_table(&d->queue, slot, s->address, 2 * V9P_PAGES * sizeof *s->table);
	virtqueue_kick(&d->queue);
	return 0;
}

/* How long the answer is, by its own head. */
static int answer_size(const struct v9p_slot *s, uint32_t written)
{
	uint32_t size = number(s->reply, 4);

	if (written > V9P_MESSAGE || size < V9P_HEAD || size > written)
		return -EIO;
	return number(s->reply + 5, 2) == number(s->ask + 5, 2) ? (int)size : -EIO;
}

int v9p_take(struct v9p *d, uint64_t now, const uint8_t **from, int *size)
{
	uint32_t written;
	unsigned id;

	d->looked = now;
	while (virtqueue_take(&d->queue, &id, &written)) {
		struct v9p_slot *s = &d->slot[id % V9P_SLOTS];
		enum v9p_state was = s->state;

		s->state = V9P_FREE;
		if (was != V9P_ASKED)
			continue;
		d->busy--;
		*from = s->reply;
		*size = answer_size(s, written);
		return (int)(id % V9P_SLOTS);
	}
	for (unsigned i = 0; i < V9P_SLOTS && d->busy; i++) {
		if (d->slot[i].state != V9P_ASKED || now - d->slot[i].since < V9P_PATIENCE)
			continue;
		d->slot[i].state = V9P_LATE;
		d->busy--;
		*from = d->slot[i].reply;
		*size = -EIO;
		return (int)i;
	}
	return -1;
}

uint64_t v9p_deadline(const struct v9p *d) { return d->busy ? d->looked + LOOK_NS : 0; }
