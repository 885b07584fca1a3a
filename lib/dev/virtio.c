/* SPDX-License-Identifier: MIT */
/* The modern PCI transport of virtio and its split queues. Knows no type of device. */
#include <asm/errno.h>
#include <rt/rt.h>
#include "virtio.h"

/* virtio 1.2, 4.1.4: types of capability 9; 4.1.4.3: registers; 2.1: status. */
enum { CAP_VENDOR = 9, PART_COMMON = 1, PART_NOTIFY = 2, PART_DEVICE = 4 };
enum { DEVICE_FEATURE_SELECT = 0, DEVICE_FEATURE = 4, DRIVER_FEATURE_SELECT = 8, DRIVER_FEATURE = 12,
	CONFIG_MESSAGE = 16, STATUS = 20, QUEUE_SELECT = 22, QUEUE_SIZE = 24, QUEUE_MESSAGE = 26, QUEUE_ENABLE = 28,
	QUEUE_NOTIFY_OFF = 30, QUEUE_ENTRIES = 32, QUEUE_AVAILABLE = 40, QUEUE_USED = 48, COMMON_SIZE = 56 };
enum { ACKNOWLEDGED = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
#define FEATURE_VERSION_1 (1ul << 32)
#define RESET_NS 100000000u
/* Places in a queue's page. */
enum { AVAILABLE_AT = VIRTQUEUE_SIZE * 16, USED_AT = AVAILABLE_AT + 512 };
enum { NO_INTERRUPT = 1 };

static volatile uint16_t *reg16(struct virtio *v, unsigned at) { return (volatile uint16_t *)(v->common + at); }
static volatile uint32_t *reg32(struct virtio *v, unsigned at) { return (volatile uint32_t *)(v->common + at); }

static volatile uint8_t *part_map(struct virtio *v, unsigned type, uint32_t least, uint32_t *size, uint32_t *more)
{
	unsigned at = pci_config(&v->pci, 6) & 0x10 ? pci_config(&v->pci, 0x34) & 0xfc : 0;

	for (int i = 0; at >= 0x40 && i < 48; i++, at = pci_config(&v->pci, at + 1) & 0xfc) {
		if (pci_config(&v->pci, at) != CAP_VENDOR || pci_config(&v->pci, at + 3) != type || at > 256 - 20)
			continue;
		*size = pci_config32(&v->pci, at + 12);
		*more = pci_config32(&v->pci, at + 16);
		if (*size >= least)
			return pci_map(&v->pci, pci_config(&v->pci, at + 4), pci_config32(&v->pci, at + 8), *size);
	}
	return NULL;
}

static int reset(struct virtio *v)
{
	uint64_t end = rt_now() + RESET_NS;

	v->common[STATUS] = 0;
	while (v->common[STATUS])
		if (rt_now() > end)
			return -EIO;
	return 0;
}

static uint64_t features_agree(struct virtio *v, uint64_t wanted)
{
	uint64_t has = 0;

	for (uint32_t i = 0; i < 2; i++) {
		*reg32(v, DEVICE_FEATURE_SELECT) = i;
		has |= (uint64_t)*reg32(v, DEVICE_FEATURE) << 32 * i;
	}
	has &= wanted | FEATURE_VERSION_1;
	for (uint32_t i = 0; i < 2; i++) {
		*reg32(v, DRIVER_FEATURE_SELECT) = i;
		*reg32(v, DRIVER_FEATURE) = (uint32_t)(has >> 32 * i);
	}
	v->common[STATUS] = ACKNOWLEDGED | DRIVER | FEATURES_OK;
	return v->common[STATUS] & FEATURES_OK ? has : 0;
}

int virtio_open(struct virtio *v, const volatile struct exo_pci *f, uint64_t wanted, uint64_t *features, uint64_t va,
	uint64_t size)
{
	uint32_t size_seen, more;
	int r = pci_open(&v->pci, f, va, size);

	if (r < 0)
		return r;
	v->common = part_map(v, PART_COMMON, COMMON_SIZE, &size_seen, &more);
	v->notify = part_map(v, PART_NOTIFY, 2, &size_seen, &v->notify_step);
	v->device = part_map(v, PART_DEVICE, 1, &v->device_size, &more);
	if (!v->common || !v->notify)
		return -ENODEV; /* one without the modern registers */
	r = reset(v);
	if (r < 0)
		return r;
	v->common[STATUS] = ACKNOWLEDGED;
	v->common[STATUS] = ACKNOWLEDGED | DRIVER;
	*features = features_agree(v, wanted);
	*reg16(v, CONFIG_MESSAGE) = VIRTIO_NO_MESSAGE;
	return *features & FEATURE_VERSION_1 ? pci_master(&v->pci) : -EIO;
}

static void address_write(struct virtio *v, unsigned at, uint64_t address)
{
	*reg32(v, at) = (uint32_t)address;
	*reg32(v, at + 4) = (uint32_t)(address >> 32);
}

int virtio_queue(struct virtio *v, struct virtqueue *q, unsigned index, unsigned size, unsigned message)
{
	uint64_t address;
	uint8_t *page;
	uint16_t most;

	*reg16(v, QUEUE_SELECT) = (uint16_t)index;
	most = *reg16(v, QUEUE_SIZE);
	if (!most || *reg16(v, QUEUE_ENABLE))
		return -ENODEV;
	while (size > most || size > VIRTQUEUE_SIZE)
		size /= 2;
	page = pci_page(&v->pci, &address);
	if (!page)
		return -ENOMEM;
	*q = (struct virtqueue){ .size = (uint16_t)size, .index = (uint16_t)index, .entry = (void *)page,
		.available = (volatile uint16_t *)(page + AVAILABLE_AT), .used = (volatile uint16_t *)(page + USED_AT),
		.notify = (volatile uint16_t *)(v->notify + (uint32_t)*reg16(v, QUEUE_NOTIFY_OFF) * v->notify_step) };
	*reg16(v, QUEUE_SIZE) = q->size;
	*reg16(v, QUEUE_MESSAGE) = (uint16_t)message;
	virtqueue_interrupts(q, message != VIRTIO_NO_MESSAGE);
	address_write(v, QUEUE_ENTRIES, address);
	address_write(v, QUEUE_AVAILABLE, address + AVAILABLE_AT);
	address_write(v, QUEUE_USED, address + USED_AT);
	*reg16(v, QUEUE_ENABLE) = 1;
	return 0;
}

void virtio_start(struct virtio *v) { v->common[STATUS] = ACKNOWLEDGED | DRIVER | FEATURES_OK | DRIVER_OK; }
void virtio_stop(struct virtio *v) { (void)reset(v); }

static void put(struct virtqueue *q, unsigned id, uint64_t address, uint32_t size, uint16_t flags)
{
	volatile struct virtqueue_entry *e = &q->entry[id];

	e->address = address;
	e->size = size;
	e->flags = flags;
	q->available[2 + q->put % q->size] = (uint16_t)id;
	q->put++;
	__atomic_store_n(&q->available[1], q->put, __ATOMIC_RELEASE);
}

void virtqueue_put(struct virtqueue *q, unsigned id, uint64_t address, uint32_t size, int write)
{
	put(q, id, address, size, write ? VIRTQUEUE_WRITE : 0);
}

void virtqueue_put_table(struct virtqueue *q, unsigned id, uint64_t address, uint32_t size)
{
	put(q, id, address, size, VIRTQUEUE_TABLE);
}

void virtqueue_kick(struct virtqueue *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* the ring before the register */
	*q->notify = q->index;
}

int virtqueue_take(struct virtqueue *q, unsigned *id, uint32_t *written)
{
	const volatile uint32_t *ring = (const volatile uint32_t *)(q->used + 2);

	uint16_t back = (uint16_t)(__atomic_load_n(&q->used[1], __ATOMIC_ACQUIRE) - q->taken);

	/* More than it has cannot come back: then nothing has, so that no loop over what is back is long. */
	if (!back || back > (uint16_t)(q->put - q->taken))
		return 0;
	*id = ring[2 * (q->taken % q->size)] % q->size;
	*written = ring[2 * (q->taken % q->size) + 1];
	q->taken++;
	return 1;
}

void virtqueue_interrupts(struct virtqueue *q, int wanted)
{
	q->available[0] = wanted ? 0 : NO_INTERRUPT;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* before looking whether something came meanwhile */
}
