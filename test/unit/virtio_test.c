/* SPDX-License-Identifier: MIT */
/* lib/dev/virtio.c's queues and lib/dev/virtio_serial.c's streams on a device of the test's own, which is right, or
 * says whatever a seed has it say: then bytes may be wrong, but no other memory is touched and every call ends. */
#include "check.h"
#include <dev/virtio_rng.h>
#include <dev/virtio_serial.h>

/* The streams need none of these. */
int pci_open(struct pci *p, const volatile struct exo_pci *record, uint64_t va, uint64_t size)
{ (void)p; (void)record; (void)va; (void)size; return -1; }
uint32_t pci_config32(const struct pci *p, unsigned at) { (void)p; (void)at; return 0; }
volatile uint8_t *pci_map(struct pci *p, unsigned bar, uint64_t offset, uint64_t size)
{ (void)p; (void)bar; (void)offset; (void)size; return NULL; }
int pci_master(struct pci *p) { (void)p; return -1; }
int pci_message(struct pci *p, unsigned index) { (void)p; (void)index; return -1; }
void *pci_page(struct pci *p, uint64_t *address) { (void)p; (void)address; return NULL; }

#define PAGE 4096u
#define SIDE_BY_SIDE 9u /* of the pages of the outward ring the first ones */

struct ring { struct virtqueue *q; uint16_t seen, *used_index; uint32_t *used; };
static struct vserial s;
static struct ring in, out;
static uint16_t notify;
static unsigned long sum_written, sum_seen, sum_given, sum_read; /* bytes weighted by their place */
static unsigned long n_seen, n_given;
static uint32_t largest; /* buffer that the driver has given */

static void ring_make(struct ring *r, struct virtqueue *q, unsigned size)
{
	uint8_t *page = malloc(PAGE);

	memset(page, 0, PAGE);
	*q = (struct virtqueue){ .size = (uint16_t)size, .entry = (void *)page, .available = (void *)(page + 1024),
		.used = (void *)(page + 1536), .notify = &notify };
	*r = (struct ring){ q, 0, (uint16_t *)(page + 1538), (uint32_t *)(page + 1540) };
}

static void world(uint64_t seed)
{
	random_seed(seed);
	memset(&s, 0, sizeof s);
	sum_written = sum_seen = sum_given = sum_read = n_seen = n_given = 0;
	ring_make(&in, &s.in[0], VSERIAL_IN);
	ring_make(&out, &s.out[0], VSERIAL_OUT);
	for (unsigned i = 0; i < VSERIAL_OUT; i++) {
		if (i && i < SIDE_BY_SIDE)
			s.put[i].page = s.put[0].page + i * PAGE;
		else
			s.put[i].page = malloc(i ? PAGE : SIDE_BY_SIDE * PAGE); /* exactly, so that ASan sees a byte behind it */
		s.put[i].address = (uint64_t)s.put[i].page;
	}
	for (unsigned i = 0; i < VSERIAL_IN; i++) {
		s.got[i].page = malloc(PAGE);
		s.got[i].address = (uint64_t)s.got[i].page;
		virtqueue_put(&s.in[0], i, s.got[i].address, PAGE, 1);
	}
}

/* The next buffer that the driver has given: its id, or -1. */
static int ring_next(struct ring *r)
{
	if (r->q->available[1] == r->seen)
		return -1;
	return r->q->available[2 + r->seen++ % r->q->size];
}

static void ring_back(struct ring *r, uint32_t id, uint32_t written)
{
	r->used[2 * (*r->used_index % r->q->size)] = id;
	r->used[2 * (*r->used_index % r->q->size) + 1] = written;
	++*r->used_index;
}

/* A device as it should be: takes some, gives some. */
static void device_works(void)
{
	int id;

	for (uint64_t n = random_below(20); n && (id = ring_next(&out)) >= 0; n--) {
		const uint8_t *page = (const uint8_t *)out.q->entry[id].address;

		CHECK(out.q->entry[id].flags == 0 && out.q->entry[id].size <= SIDE_BY_SIDE * PAGE);
		largest = largest < out.q->entry[id].size ? out.q->entry[id].size : largest;
		for (uint32_t i = 0; i < out.q->entry[id].size; i++)
			sum_seen += page[i] * ++n_seen;
		ring_back(&out, (uint32_t)id, 0);
	}
	for (uint64_t n = random_below(6); n && (id = ring_next(&in)) >= 0; n--) {
		uint8_t *page = (uint8_t *)in.q->entry[id].address;
		uint32_t size = (uint32_t)random_below(PAGE + 1);

		CHECK(in.q->entry[id].flags == 2 && in.q->entry[id].size == PAGE);
		for (uint32_t i = 0; i < size; i++) {
			page[i] = (uint8_t)random_next();
			sum_given += page[i] * ++n_given;
		}
		ring_back(&in, (uint32_t)id, size);
	}
}

static void device_raves(struct ring *r)
{
	for (uint64_t n = 1 + random_below(6); n; n--)
		switch (random_below(5)) {
		case 0: *r->used_index = (uint16_t)random_next(); break;
		case 1: *r->used_index = (uint16_t)(*r->used_index + random_below(100)); break;
		case 2: r->used[random_below(2ul * r->q->size)] = (uint32_t)random_next(); break;
		case 3: r->used[random_below(2ul * r->q->size)] = (uint32_t)random_below(100); break;
		case 4: ring_back(r, (uint32_t)random_below(70), (uint32_t)random_below(9000)); break;
		}
}

static unsigned long n_written, n_read;
static void driver_works(void)
{
	static uint8_t bytes[20000];
	size_t n = random_below(sizeof bytes), done;
	int is_all = vserial_has_room(&s, n);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)random_next();
	done = vserial_write(&s, bytes, n);
	CHECK(done <= n && (done == n) == is_all);
	for (size_t i = 0; i < done; i++)
		sum_written += bytes[i] * ++n_written;
	if (random_below(2))
		vserial_flush(&s);
	n = random_below(sizeof bytes);
	done = vserial_read(&s, bytes, n);
	CHECK(done <= n);
	for (size_t i = 0; i < done; i++)
		sum_read += bytes[i] * ++n_read;
	CHECK(s.busy <= VSERIAL_OUT && s.reading < VSERIAL_IN && s.filling < VSERIAL_OUT);
}

/* What is asked for comes or does not; what a device says of it is bounded by the page and by who takes it. */
TEST(virtio_rng_asks)
{
	struct ring ring;
	struct vrng r = { .page = malloc(PAGE) };
	uint8_t to[64];

	world(1);
	CHECK(vrng_take(&r, to, sizeof to) == 0); /* nobody has asked */
	ring_make(&ring, &r.queue, 1);
	r.address = (uint64_t)r.page;
	for (uint32_t i = 0; i < 300; i++) {
		uint32_t says = i % 3 ? i % 70 : (uint32_t)random_next(), n = says < 64 ? says : 64;

		vrng_ask(&r, 64);
		vrng_ask(&r, 64); /* while the device is silent */
		CHECK(vrng_take(&r, to, sizeof to) == 0 && ring_next(&ring) == 0 && ring_next(&ring) == -1);
		CHECK(r.queue.entry[0].size == 64 && r.queue.entry[0].flags == 2);
		memset(r.page, (int)i | 1, PAGE);
		memset(to, 0, sizeof to);
		ring_back(&ring, i % 5, says);
		CHECK(vrng_take(&r, to, sizeof to) == n && vrng_take(&r, to, sizeof to) == 0);
		for (uint32_t at = 0; at < 64; at++)
			CHECK(to[at] == (at < n ? (uint8_t)(i | 1) : 0) && !r.page[at]);
	}
}

/* Interrupts that are lost are noticed, as soon as something is found that none told of; those that come late are not
 * taken for lost, nor are doubled ones and those for nothing taken for anything. */
TEST(virtio_messages_watched)
{
	const uint64_t ms = 1000000, bit = 1ul << 7;
	uint64_t now = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) { /* each of them comes, up to 30 ms late */
		uint64_t due = 0;

		world(seed);
		s.line = 7;
		for (int i = 0; i < 500; i++) {
			const uint16_t before = *in.used_index;
			uint64_t messages = random_below(4) ? 0 : ~bit; /* others' */

			now += random_below(10 * ms);
			device_works();
			if (*in.used_index != before && !due)
				due = now + random_below(30 * ms);
			driver_works();
			if ((due && now >= due) || !random_below(9)) {
				messages |= bit;
				due = 0; /* it tells of all that is there */
			}
			(void)vserial_watch(&s, messages, now);
			CHECK(!s.silent);
		}
	}
	world(1);
	s.line = 7;
	CHECK(!vserial_watch(&s, ~bit, now) && !vserial_watch(&s, 0, now += 5000 * ms));
	ring_back(&in, (uint32_t)ring_next(&in), 100);
	CHECK(vserial_watch(&s, ~bit, now += ms) && !s.silent);
	CHECK(!vserial_watch(&s, bit, now += 49 * ms) && !s.silent);
	CHECK(!vserial_watch(&s, 0, now += 90 * ms)); /* it may lie there as long as it likes */
	ring_back(&in, (uint32_t)ring_next(&in), 100);
	CHECK(vserial_watch(&s, ~bit, now += ms) && !s.silent);
	CHECK(vserial_watch(&s, 0, now += 40 * ms) && !s.silent);
	CHECK(vserial_watch(&s, 0, now += 20 * ms) && s.silent);
	CHECK(vserial_watch(&s, bit, now += ms) && s.silent); /* not relied on any more */
}

static void pages_come(unsigned n)
{
	while (n--)
		ring_back(&in, (uint32_t)ring_next(&in), 100);
}

/* A stream is asked for no messages, and none is missed then; after it they are waited for again. */
TEST(virtio_stream_without_messages)
{
	const uint64_t ms = 1000000, bit = 1ul << 7;
	static uint8_t bytes[PAGE];
	uint64_t now = 0;

	world(1);
	s.line = 7;
	pages_come(3);
	CHECK(!vserial_watch(&s, bit, now) && !s.in[0].available[0]);
	for (int i = 0; i < 200; i++) {
		pages_come(4 + (unsigned)i % 9);
		CHECK(vserial_watch(&s, i ? 0 : bit, now += ms) && !s.silent && s.in[0].available[0] == 1);
		while (vserial_read(&s, bytes, sizeof bytes))
			;
	}
	pages_come(1);
	CHECK(vserial_watch(&s, 0, now += ms) && !s.in[0].available[0]);
	CHECK(!vserial_watch(&s, 0, now += 900 * ms) && !s.silent);
	pages_come(1);
	CHECK(vserial_watch(&s, 0, now += ms) && !vserial_watch(&s, bit, now += ms) && !s.silent);
	pages_come(1);
	CHECK(vserial_watch(&s, 0, now += ms) && vserial_watch(&s, 0, now += 60 * ms) && s.silent);
	/* One of which no message tells is none: those are lost. */
	world(2);
	s.line = 7;
	for (int i = 0; i < 60; i++) {
		pages_come(9);
		CHECK(vserial_watch(&s, 0, now += ms) && !s.in[0].available[0] && s.silent == (i > 50));
		while (vserial_read(&s, bytes, sizeof bytes))
			;
	}
}

/* Whole and in order, however often one looks: an interrupt that is lost, doubled, or one of a storm, changes only
 * when and how often that is. */
TEST(virtio_streams_whole)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		world(seed);
		n_written = n_read = 0;
		for (int i = 0; i < 300; i++) {
			for (uint64_t n = random_below(3); n; n--) /* 0: lost */
				driver_works();
			device_works();
			if (i == 150)
				for (int storm = 0; storm < 2000; storm++) {
					CHECK(vserial_read(&s, NULL, 0) == 0);
					(void)vserial_has_room(&s, 1 + random_below(100000));
					(void)vserial_flush(&s);
				}
		}
		for (int i = 0; !vserial_idle(&s) || n_read != n_given; i++) {
			static uint8_t bytes[1000];
			size_t n = vserial_read(&s, bytes, sizeof bytes);

			CHECK(i < 10000);
			for (size_t k = 0; k < n; k++)
				sum_read += bytes[k] * ++n_read;
			vserial_flush(&s);
			if (!n)
				device_works();
		}
		CHECK_EQ(n_seen, n_written);
		CHECK_EQ(sum_seen, sum_written);
		CHECK_EQ(sum_read, sum_given);
	}
	CHECK(largest > 3 * PAGE);
}

/* Used indices, ids and lengths of any kind, in both rings. */
TEST(virtio_device_raves)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		world(seed);
		for (int i = 0; i < 100; i++) {
			driver_works();
			if (random_below(4))
				device_works();
			/* What it raves about, it does not check afterwards. */
			device_raves(&in);
			device_raves(&out);
			in.seen = in.q->available[1];
			out.seen = out.q->available[1];
		}
	}
}

/* No more comes back than was given, whatever the index says: each call ends soon. */
TEST(virtio_index_runs_ahead)
{
	unsigned id, n = 0;
	uint32_t written;

	world(1);
	*in.used_index = 0x8000;
	while (virtqueue_take(in.q, &id, &written))
		n++;
	CHECK(n <= VSERIAL_IN);
	CHECK_EQ(vserial_read(&s, &id, 4), 0);
	world(1);
	*out.used_index = 1; /* none was given */
	CHECK(!virtqueue_take(out.q, &id, &written));
}
