/* SPDX-License-Identifier: MIT */
/* lib/dev/virtio_9p.c on a device of the test's own, registers and queue: one that is right, one that is late or never
 * answers, one that lies about what it wrote, one that does whatever a seed has it do. */
#include "check.h"
#include <asm/errno.h>
#include <dev/virtio_9p.h>

#define PAGE 4096u
#define PAGES (1 + V9P_SLOTS * (1 + 2 * V9P_PAGES)) /* the queue's; of a slot its table, and both ways */
enum { STATUS = 20, QUEUE_SIZE = 24, QUEUE_ENABLE = 28, DEVICE_FEATURE = 4, COMMON = 64, NOTIFY = 4, DEVICE = 64 };
/* The same bits in both words of the features: a name, tables, and version 1. */
#define FEATURES (1u << 28 | 1)

static uint8_t *memory, bar[256];
static uint64_t address_of[PAGES];
static unsigned pages_given, pages_most;
static struct exo_pci record;
static struct v9p d;
static uint16_t seen; /* of what the driver has given to the device */
static uint64_t now;

/* ---- what lib/rt and lib/dev/pci.c would be */
uint64_t test_now(void) { return now; }
int pci_open(struct pci *p, const volatile struct exo_pci *r, uint64_t va, uint64_t size)
{ *p = (struct pci){ r, va, va + size }; return 0; }
uint32_t pci_config32(const struct pci *p, unsigned at) { return p->record->config_word[at / 4]; }
volatile uint8_t *pci_map(struct pci *p, unsigned b, uint64_t offset, uint64_t size)
{ (void)p; return !b && offset + size <= sizeof bar ? bar + offset : NULL; }
int pci_master(struct pci *p) { (void)p; return 0; }
int pci_message(struct pci *p, unsigned index) { (void)p; (void)index; return 3; }
void *pci_page(struct pci *p, uint64_t *address)
{
	(void)p;
	if (pages_given == pages_most)
		return NULL;
	*address = address_of[pages_given];
	return memory + PAGE * pages_given++;
}

/* Where that lies which the device was told of, within one page of those given. */
static uint8_t *place(uint64_t address, uint64_t size)
{
	for (unsigned i = 0; i < pages_given; i++)
		if (address >= address_of[i] && address + size <= address_of[i] + PAGE)
			return memory + PAGE * i + (address - address_of[i]);
	test_fail("the device was told to use %lx", (unsigned long)address);
}

static void capability(unsigned at, unsigned next, unsigned type, uint32_t offset, uint32_t size)
{
	const uint8_t head[4] = { 9, (uint8_t)next, 20, (uint8_t)type };

	memcpy(record.config + at, head, 4);
	record.config_word[at / 4 + 2] = offset;
	record.config_word[at / 4 + 3] = size;
}

static void world(void)
{
	static const char name[] = "share0";

	free(memory);
	memory = calloc(PAGES, PAGE);
	for (unsigned i = 0; i < PAGES; i++) /* nowhere one behind the other */
		address_of[i] = (1ul << 40) + 2ul * PAGE * (i * 5 % PAGES);
	pages_given = 0;
	pages_most = PAGES;
	seen = 0;
	memset(&record, 0, sizeof record);
	memset(bar, 0, sizeof bar);
	record.config[6] = 0x10;
	record.config[0x34] = 0x40;
	capability(0x40, 0x54, 1, 0, COMMON);
	capability(0x54, 0x68, 2, COMMON, NOTIFY);
	capability(0x68, 0, 4, COMMON + NOTIFY, DEVICE);
	*(uint32_t *)(bar + DEVICE_FEATURE) = FEATURES;
	*(uint16_t *)(bar + QUEUE_SIZE) = 128;
	bar[COMMON + NOTIFY] = sizeof name - 1;
	memcpy(bar + COMMON + NOTIFY + 2, name, sizeof name - 1);
}

static int opened(void) { return v9p_open(&d, &record, 0, NULL); }

static void world_opened(void)
{
	world();
	CHECK_EQ(opened(), 0);
}

/* ---- the driver's side */
static void number_put(uint8_t *to, uint32_t value, unsigned bytes) { memcpy(to, &value, bytes); }

static int ask(unsigned slot, uint32_t size)
{
	uint8_t *m = v9p_room(&d, slot);

	if (!m)
		return v9p_ask(&d, slot, size, now);
	for (uint32_t i = V9P_HEAD; i < size; i++)
		m[i] = (uint8_t)(i * 7 + slot);
	number_put(m, size, 4);
	m[4] = 24;
	number_put(m + 5, slot, 2);
	return v9p_ask(&d, slot, size, now);
}

/* The slot that is told of, and what is said of it. */
static const uint8_t *said;
static int size_said;
static int take(void) { return v9p_take(&d, now, &said, &size_said); }

/* ---- the device's side: what it is given next, -1: nothing. All of it is looked at. */
static uint8_t heard[V9P_MESSAGE];
static uint32_t n_heard;
static uint64_t room[V9P_PAGES];

static int device_next(void)
{
	const volatile struct virtqueue_entry *e, *table;
	unsigned id, at = 0, rooms = 0;

	if (d.queue.available[1] == seen)
		return -1;
	id = d.queue.available[2 + seen++ % d.queue.size];
	CHECK(id < V9P_SLOTS);
	e = &d.queue.entry[id];
	CHECK(e->flags == VIRTQUEUE_TABLE && e->size == 2 * V9P_PAGES * sizeof *e);
	table = (void *)place(e->address, e->size);
	n_heard = 0;
	for (unsigned i = 0;; at = table[at].next) {
		CHECK(at < 2 * V9P_PAGES && i++ < 2 * V9P_PAGES && table[at].size <= PAGE);
		if (table[at].flags & VIRTQUEUE_WRITE) {
			CHECK_EQ(table[at].size, PAGE);
			room[rooms++] = table[at].address;
		} else {
			CHECK(!rooms && n_heard + table[at].size <= V9P_MESSAGE);
			memcpy(heard + n_heard, place(table[at].address, table[at].size), table[at].size);
			n_heard += table[at].size;
		}
		if (!(table[at].flags & VIRTQUEUE_NEXT))
			break;
	}
	CHECK_EQ(rooms, V9P_PAGES);
	return (int)id;
}

static void back(uint32_t id, uint32_t written)
{
	uint32_t *ring = (uint32_t *)(d.queue.used + 2) + 2 * (d.queue.used[1] % d.queue.size);

	ring[0] = id;
	ring[1] = written;
	d.queue.used[1]++;
}

/* Bytes of an answer to what was heard last: its own head says so many, under that tag. */
static void answer_put(uint32_t size, uint32_t says, unsigned tag)
{
	uint8_t head[V9P_HEAD];

	number_put(head, says, 4);
	head[4] = 25;
	number_put(head + 5, tag, 2);
	for (uint32_t i = 0; i < size; i++)
		*place(room[i / PAGE] + i % PAGE, 1) = i < V9P_HEAD ? head[i] : (uint8_t)(i * 3 + tag);
}

static void answers(uint32_t size)
{
	int id = device_next();

	CHECK(id >= 0);
	answer_put(size, size, (unsigned)id);
	back((uint32_t)id, size);
}

/* ---- tests */
static void refused(int error)
{
	CHECK_EQ(opened(), error);
	CHECK_EQ(bar[STATUS], 0);
}

TEST(v9p_open_or_not)
{
	const unsigned device = COMMON + NOTIFY;

	world_opened();
	CHECK_STR(d.tag, "share0");
	CHECK(bar[STATUS] == 15 && d.line == 3 && !v9p_deadline(&d));
	for (unsigned most = 0; most < PAGES; most++) {
		world();
		pages_most = most;
		refused(-ENOMEM);
	}
	for (unsigned says = 0; says < 300; says++) { /* bytes of its name: none, as many as there is room for, more */
		world();
		memset(bar + device + 2, 'x', DEVICE - 2);
		number_put(bar + device, says, 2);
		CHECK_EQ(opened(), says && says < V9P_TAG ? 0 : -ENODEV);
		CHECK(strlen(d.tag) == (says < V9P_TAG ? says : 0));
	}
	world();
	capability(0x68, 0, 4, device, 7); /* a name of six needs eight */
	refused(-ENODEV);
	world();
	capability(0x68, 0, 4, 250, DEVICE);
	refused(-ENODEV);
	world();
	*(uint32_t *)(bar + DEVICE_FEATURE) = 1; /* it knows no tables */
	refused(-ENODEV);
	world();
	*(uint16_t *)(bar + QUEUE_SIZE) = 2;
	refused(-ENODEV);
	world();
	*(uint16_t *)(bar + QUEUE_ENABLE) = 1; /* it was not reset */
	refused(-ENODEV);
}

/* Messages of every length that lies about pages' borders, and answers, which come in any order. */
TEST(v9p_messages_whole)
{
	const uint16_t turn[V9P_SLOTS] = { 2, 0, 3, 1 };

	world_opened();
	now = 1000000000;
	for (uint32_t size = V9P_HEAD; size <= V9P_MESSAGE; size += size % PAGE > 3 && size % PAGE < PAGE - 3 ? 1021 : 1) {
		uint64_t rooms[V9P_SLOTS][V9P_PAGES];

		for (unsigned slot = 0; slot < V9P_SLOTS; slot++) {
			CHECK_EQ(ask(slot, size), 0);
			CHECK(v9p_deadline(&d) > now && !v9p_room(&d, slot) && ask(slot, size) == -EBUSY && take() == -1);
			CHECK_EQ(device_next(), slot);
			CHECK_EQ(n_heard, size);
			for (uint32_t i = V9P_HEAD; i < size; i++)
				CHECK_EQ(heard[i], (uint8_t)(i * 7 + slot));
			memcpy(rooms[slot], room, sizeof room);
		}
		CHECK_EQ(device_next(), -1);
		for (unsigned i = 0; i < V9P_SLOTS; i++) {
			uint32_t answer = size % 3 ? size : V9P_MESSAGE - size + V9P_HEAD;

			memcpy(room, rooms[turn[i]], sizeof room);
			answer_put(answer, answer, turn[i]);
			back(turn[i], answer);
			CHECK_EQ(take(), turn[i]);
			CHECK_EQ(size_said, answer);
			for (uint32_t at = V9P_HEAD; at < answer; at++)
				CHECK_EQ(said[at], (uint8_t)(at * 3 + turn[i]));
			CHECK(v9p_room(&d, turn[i]) && (v9p_deadline(&d) != 0) == (i + 1 < V9P_SLOTS));
		}
		now += 1000000;
	}
}

TEST(v9p_no_message)
{
	uint8_t *m;

	world_opened();
	CHECK(!v9p_room(&d, V9P_SLOTS) && !v9p_room(&d, ~0u));
	CHECK_EQ(v9p_ask(&d, V9P_SLOTS, 20, now), -EBUSY);
	CHECK_EQ(v9p_ask(&d, ~0u, 20, now), -EBUSY);
	m = v9p_room(&d, 1);
	for (int wrong = 0; wrong < 8; wrong++) {
		static const uint32_t n[] = { 20, 20, 20, 0, V9P_HEAD - 1, V9P_MESSAGE + 1, 20, 20 };
		static const uint32_t tag[] = { 1, 1, 2, 1, 1, 1, 1, 0xffff };

		number_put(m, wrong == 1 ? 21 : n[wrong], 4);
		m[4] = wrong < 6 ? 24 : 100;
		number_put(m + 5, tag[wrong], 2);
		number_put(m + V9P_HEAD, V9P_MESSAGE + 1, 4);
		CHECK_EQ(v9p_ask(&d, 1, n[wrong], now), wrong ? -EINVAL : 0);
		if (!wrong) {
			answers(20);
			CHECK_EQ(take(), 1);
		}
	}
	number_put(m + V9P_HEAD, V9P_MESSAGE, 4); /* the longest that may be agreed on */
	CHECK_EQ(v9p_ask(&d, 1, 20, now), 0);
	CHECK_EQ(device_next(), 1);
	CHECK_EQ(device_next(), -1);
	answer_put(20, 20, 0xffff);
	back(1, 20);
	CHECK(take() == 1 && size_said == 20 && v9p_room(&d, 1));
}

/* An answer that is none is an error, of that message alone. */
TEST(v9p_answer_lies)
{
	static const struct { uint32_t size, says, tag, written; } lie[] = {
		{ 20, 21, 2, 20 }, { 20, V9P_HEAD - 1, 2, 20 }, { 20, 0, 2, 20 }, { 20, ~0u, 2, 20 }, { 20, 20, 1, 20 },
		{ 20, 20, 0xffff, 20 }, { 20, 20, 2, 19 }, { 20, 20, 2, 0 }, { 20, 20, 2, V9P_MESSAGE + 1 }, { 20, 20, 2, ~0u },
		{ 20, V9P_MESSAGE + 1, 2, ~0u }, { V9P_MESSAGE, V9P_MESSAGE, 2, V9P_MESSAGE - 1 }, { 0, 0, 0, 20 } };

	world_opened();
	for (size_t i = 0; i < sizeof lie / sizeof lie[0]; i++) {
		CHECK_EQ(ask(2, 30), 0); /* right ones before and between: what they left must not answer */
		answers(20);
		CHECK(take() == 2 && size_said == 20);
		CHECK(!ask(2, 30) && !ask(3, 30));
		CHECK_EQ(device_next(), 2);
		answer_put(lie[i].size, lie[i].says, lie[i].tag);
		back(2, lie[i].written);
		CHECK(take() == 2 && size_said == -EIO && v9p_room(&d, 2));
		answers(V9P_MESSAGE);
		CHECK(take() == 3 && size_said == (int)V9P_MESSAGE && take() == -1);
		CHECK_EQ(d.busy, 0);
	}
	/* What nobody asked, or has had its answer. */
	CHECK_EQ(ask(0, 30), 0);
	answers(20);
	CHECK(take() == 0 && !ask(1, 30));
	CHECK_EQ(device_next(), 1);
	back(0, 20);
	CHECK_EQ(take(), -1);
	CHECK(d.busy == 1 && v9p_room(&d, 0) && !v9p_room(&d, 1));
}

/* It has its time to the ns; then the slot is its own until it comes back, and what it says then is not heard. */
TEST(v9p_answers_late)
{
	uint64_t begin;

	world_opened();
	now = begin = 5;
	CHECK_EQ(ask(0, 30), 0);
	now += 1000;
	CHECK_EQ(ask(1, 30), 0);
	CHECK_EQ(device_next(), 0);
	for (; now < begin + V9P_PATIENCE; now = v9p_deadline(&d)) { /* which is soon enough */
		CHECK_EQ(take(), -1);
		CHECK(v9p_deadline(&d) > now && v9p_deadline(&d) - now <= V9P_PATIENCE / 100);
	}
	now = begin + V9P_PATIENCE - 1;
	CHECK_EQ(take(), -1);
	now++;
	CHECK(take() == 0 && size_said == -EIO && take() == -1);
	CHECK(!v9p_room(&d, 0) && ask(0, 30) == -EBUSY && v9p_deadline(&d));
	answers(20); /* the other one goes on */
	CHECK(take() == 1 && size_said == 20 && !v9p_deadline(&d));
	CHECK_EQ(ask(1, 30), 0);
	CHECK_EQ(device_next(), 1);
	answer_put(20, 20, 0);
	back(0, 20);
	CHECK(take() == -1 && v9p_room(&d, 0) && d.busy == 1);
	CHECK_EQ(ask(0, 30), 0);
	answers(25);
	CHECK(take() == 0 && size_said == 25);
}

/* Then each message costs its time, once, and no call hangs. */
TEST(v9p_never_answers)
{
	world_opened();
	now = 0;
	for (unsigned slot = 0; slot < V9P_SLOTS; slot++)
		CHECK_EQ(ask(slot, V9P_MESSAGE), 0);
	now = 10ul * V9P_PATIENCE;
	for (unsigned slot = 0; slot < V9P_SLOTS; slot++)
		CHECK(take() == (int)slot && size_said == -EIO);
	CHECK_EQ(take(), -1);
	CHECK(!d.busy && !v9p_deadline(&d));
	for (unsigned slot = 0; slot < V9P_SLOTS; slot++)
		CHECK(!v9p_room(&d, slot) && ask(slot, 30) == -EBUSY);
}

/* Whatever it does to its ring and to answers: what is told of was asked, once, with a size that there is. */
TEST(v9p_device_raves)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		unsigned asked = 0; /* bits of slots */
		uint32_t *ring;

		random_seed(seed);
		world_opened();
		ring = (uint32_t *)(d.queue.used + 2);
		for (int i = 0; i < 200; i++) {
			unsigned slot = (unsigned)random_below(V9P_SLOTS), raves = (unsigned)random_below(7);
			int told;

			if (!ask(slot, V9P_HEAD + (uint32_t)random_below(V9P_MESSAGE - V9P_HEAD)))
				asked |= 1u << slot;
			while (d.queue.available[1] != seen) {
				told = device_next();
				answer_put((uint32_t)random_below(20), (uint32_t)random_below(50), (unsigned)told);
				if (random_below(3))
					back((uint32_t)told, (uint32_t)random_below(60));
			}
			if (raves == 0)
				d.queue.used[1] = (uint16_t)random_next();
			else if (raves == 1)
				d.queue.used[1] = (uint16_t)(d.queue.used[1] + random_below(5));
			else if (raves == 2)
				ring[random_below(2 * V9P_SLOTS)] = (uint32_t)random_next();
			else if (raves == 3)
				back((uint32_t)random_next(), (uint32_t)random_below(2 * V9P_MESSAGE));
			now += random_below(V9P_PATIENCE / 4);
			while ((told = take()) >= 0) {
				CHECK(told < V9P_SLOTS && asked & 1u << told);
				CHECK(size_said == -EIO || (size_said >= (int)V9P_HEAD && size_said <= (int)V9P_MESSAGE));
				CHECK(said >= memory && said + V9P_MESSAGE <= memory + PAGES * PAGE);
				asked &= ~(1u << told);
			}
			CHECK_EQ(d.busy, __builtin_popcount(asked));
			CHECK((v9p_deadline(&d) > now) == (d.busy != 0));
		}
	}
}
