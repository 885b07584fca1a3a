/* SPDX-License-Identifier: MIT */
/* Driver of virtio serial devices with named ports. An interrupt says only that there may be something to do, so one
 * that is doubled or for nothing harms nobody: every call looks at the rings. That some are lost is noticed
 * (vserial_watch). */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/rt.h>
#include "virtio_serial.h"

#define FEATURE_MULTIPORT (1ul << 1)
#define PATIENCE 1000000000u /* ns that the device has to say its first word, */
#define QUIET    250000000u  /* and then the next: nothing says which port is the last */
#define STREAM_PAGES 4     /* between two looks: a stream */
#define LATE     50000000u   /* a message comes so soon after what it tells of, or never */
#define PAGE     ((uint32_t)EXO_PAGE_SIZE)

/* virtio 1.2, 5.3.6.2 */
struct message { uint32_t port; uint16_t event, value; };
enum { DEVICE_READY, DEVICE_ADD, DEVICE_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME };

static void say(struct vserial *s, uint32_t port, unsigned event, unsigned value)
{
	struct message m = { port, (uint16_t)event, (uint16_t)value };
	uint64_t end = rt_now() + PATIENCE;
	uint32_t written;
	unsigned id;

	memcpy(s->saying.page, &m, sizeof m);
	virtqueue_put(&s->control_out, 0, s->saying.address, sizeof m, 0);
	virtqueue_kick(&s->control_out);
	while (!virtqueue_take(&s->control_out, &id, &written))
		if (rt_now() > end) {
			s->broken = 1;
			return;
		}
}

/* The device drops what finds no buffer: there are several. */
static void listen(struct vserial *s, unsigned id)
{
	virtqueue_put(&s->control_in, id, s->control[id].address, PAGE, 1);
	virtqueue_kick(&s->control_in);
}

/* One message of the device's, if there is one: true. */
static int hear(struct vserial *s, const char *name)
{
	struct message m;
	uint32_t written;
	unsigned id;
	size_t n = strlen(name);

	if (!virtqueue_take(&s->control_in, &id, &written))
		return 0;
	const uint8_t *page = s->control[id].page;
	memcpy(&m, page, sizeof m);
	if (written > PAGE)
		written = PAGE;
	if (written >= sizeof m && m.event == DEVICE_ADD) {
		say(s, m.port, PORT_READY, 1);
	} else if (written >= sizeof m + n && m.event == PORT_NAME && m.port < s->ports &&
		!memcmp(page + sizeof m, name, n) && (written == sizeof m + n || !page[sizeof m + n])) {
		s->port = m.port;
		s->found = 1;
	}
	listen(s, id);
	return 1;
}

/* Port 0 has the first two queues; two of control follow, then two for each further port. */
static unsigned queue_of(unsigned port) { return port ? 2 + 2 * port : 0; }

static int queues_open(struct vserial *s)
{
	const unsigned message = s->line < 0 ? VIRTIO_NO_MESSAGE : 0;
	int r = virtio_queue(&s->virtio, &s->control_in, 2, VSERIAL_CONTROL, message);

	if (r >= 0)
		r = virtio_queue(&s->virtio, &s->control_out, 3, 1, message);
	for (unsigned i = 0; r >= 0 && i < s->ports; i++) {
		r = virtio_queue(&s->virtio, &s->in[i], queue_of(i), VSERIAL_IN, message);
		if (r >= 0)
			r = virtio_queue(&s->virtio, &s->out[i], queue_of(i) + 1, VSERIAL_OUT, message);
	}
	for (unsigned i = 0; r >= 0 && i < VSERIAL_CONTROL; i++)
		if (!(s->control[i].page = pci_page(&s->virtio.pci, &s->control[i].address)))
			r = -ENOMEM;
	if (r >= 0 && !(s->saying.page = pci_page(&s->virtio.pci, &s->saying.address)))
		r = -ENOMEM;
	return r;
}

/* Tells the device of the pages that it has got back, if there are so many: a word for each would cost more than the
 * bytes. */
static void back_tell(struct vserial *s, unsigned least)
{
	struct virtqueue *q = &s->in[s->port];

	if ((uint16_t)(q->put - s->told_back) < least)
		return;
	s->told_back = q->put;
	virtqueue_kick(q);
}

static int pages_open(struct vserial *s)
{
	for (unsigned i = 0; i < VSERIAL_OUT; i++)
		if (!(s->put[i].page = pci_page(&s->virtio.pci, &s->put[i].address)))
			return -ENOMEM;
	for (unsigned i = 0; i < s->in[s->port].size; i++) {
		if (!(s->got[i].page = pci_page(&s->virtio.pci, &s->got[i].address)))
			return -ENOMEM;
		virtqueue_put(&s->in[s->port], i, s->got[i].address, PAGE, 1);
	}
	virtqueue_interrupts(&s->out[s->port], 0);
	back_tell(s, 1);
	return 0;
}

static int ports_find(struct vserial *s, const char *name)
{
	uint64_t end = rt_now() + PATIENCE;

	for (unsigned i = 0; i < s->control_in.size; i++)
		listen(s, i);
	say(s, 0, DEVICE_READY, 1);
	while (!s->found && !s->broken && rt_now() < end)
		if (hear(s, name))
			end = rt_now() + QUIET;
	if (!s->found)
		return -ENODEV;
	return pages_open(s);
}

int vserial_open(struct vserial *s, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w)
{
	uint64_t features = 0;
	int r = virtio_open(&s->virtio, f, FEATURE_MULTIPORT, &features, va, VSERIAL_SPACE);

	if (r < 0)
		return r;
	if (!(features & FEATURE_MULTIPORT) || !s->virtio.device || s->virtio.device_size < 8) {
		virtio_stop(&s->virtio);
		return -ENODEV;
	}
	s->line = pci_message(&s->virtio.pci, 0);
	s->silent = s->line < 0;
	s->ports = *(volatile uint32_t *)(s->virtio.device + 4); /* max_nr_ports */
	if (s->ports > VSERIAL_PORTS)
		s->ports = VSERIAL_PORTS;
	r = queues_open(s);
	if (r >= 0) {
		virtio_start(&s->virtio);
		r = ports_find(s, w->port_name);
	}
	if (r < 0) {
		virtio_stop(&s->virtio);
		return r;
	}
	say(s, s->port, PORT_OPEN, 1);
	return s->broken ? -EIO : 0;
}

/* ---- out: pages are filled in a circle, and those that lie side by side in memory go as one buffer */

static unsigned circle(const struct vserial *s) { return s->out[s->port].size; }

static void sent_take(struct vserial *s)
{
	uint32_t written;
	unsigned id;

	while (virtqueue_take(&s->out[s->port], &id, &written)) {
		for (unsigned i = id; i < id + s->put[id].run; i++) {
			s->put[i].busy = 0;
			s->put[i].size = 0;
			s->busy--;
		}
		s->put[id].run = 0;
	}
}

/* Of the pages from the one that is being filled on those that are free: buffers come back in any order. */
int vserial_has_room(struct vserial *s, size_t n)
{
	size_t room = 0;

	sent_take(s);
	for (unsigned i = 0, at = s->filling; i < circle(s) && room < n && !s->put[at].busy; i++, at = (at + 1) % circle(s))
		room += PAGE - s->put[at].size;
	return room >= n;
}

static void page_full(struct vserial *s)
{
	s->put[s->filling].busy = 1;
	s->busy++;
	s->full++;
	s->filling = (s->filling + 1) % circle(s);
}

size_t vserial_write(struct vserial *s, const void *from, size_t n)
{
	const uint8_t *at = from;
	size_t left = n;

	while (left && !s->put[s->filling].busy) {
		uint32_t used = s->put[s->filling].size, run = PAGE - used;

		run = run < left ? run : (uint32_t)left;
		memcpy(s->put[s->filling].page + used, at, run);
		s->put[s->filling].size = used + run;
		at += run;
		left -= run;
		if (used + run == PAGE)
			page_full(s);
	}
	return n - left;
}

/* The first full pages, as many as lie side by side. */
static void run_give(struct vserial *s)
{
	unsigned first = s->giving, n = 0;
	uint32_t size = 0;

	do {
		size += s->put[first + n].size;
		n++;
	} while (n < s->full && first + n < circle(s) && size == n * PAGE
		&& s->put[first + n].address == s->put[first].address + size);
	s->put[first].run = n;
	s->full -= n;
	s->giving = (first + n) % circle(s);
	virtqueue_put(&s->out[s->port], first, s->put[first].address, size, 0);
}

void vserial_flush(struct vserial *s)
{
	if (!s->put[s->filling].busy && s->put[s->filling].size)
		page_full(s);
	while (s->full)
		run_give(s);
	if (s->told == s->out[s->port].put)
		return;
	s->told = s->out[s->port].put;
	virtqueue_kick(&s->out[s->port]);
}

int vserial_idle(struct vserial *s)
{
	sent_take(s);
	return !s->busy && !s->put[s->filling].size;
}

uint32_t vserial_sent(struct vserial *s)
{
	sent_take(s);
	return s->out[s->port].taken;
}

/* ---- in */

size_t vserial_read(struct vserial *s, void *to, size_t max)
{
	struct virtqueue *q = &s->in[s->port];
	uint8_t *at = to;
	size_t n = 0;
	uint32_t written;
	unsigned id;

	while (n < max) {
		if (!s->readable) {
			if (!virtqueue_take(q, &id, &written)) {
				back_tell(s, 1);
				break;
			}
			s->reading = id;
			s->read_at = 0;
			s->got[id].size = written < PAGE ? written : PAGE;
			s->readable = 1;
		}
		uint32_t run = s->got[s->reading].size - s->read_at;
		run = run < max - n ? run : (uint32_t)(max - n);
		memcpy(at + n, s->got[s->reading].page + s->read_at, run);
		n += run;
		s->read_at += run;
		if (s->read_at == s->got[s->reading].size) {
			s->readable = 0;
			virtqueue_put(q, s->reading, s->got[s->reading].address, PAGE, 1);
			back_tell(s, q->size / 2);
		}
	}
	return n;
}

/* While much comes between two looks the device is asked for no messages, since one for each page would cost more than
 * the bytes. */
static void stream_set(struct vserial *s, int streams)
{
	s->streams = streams;
	virtqueue_interrupts(&s->in[s->port], !streams);
	s->unheard = 0;
	s->heard = virtqueue_back(&s->in[s->port]); /* no message told of these */
}

int vserial_watch(struct vserial *s, uint64_t messages, uint64_t now)
{
	const uint16_t come = virtqueue_back(&s->in[s->port]); /* taken or not: there may be too many for one look */
	const int much = (uint16_t)(come - s->heard) >= STREAM_PAGES, told = messages >> s->line & 1;

	if (s->silent)
		return 1;
	if (s->streams || (much && told)) {
		stream_set(s, much);
		return 1; /* also at its end: what came before messages were on again is looked at soon */
	}
	if (told)
		s->unheard = 0;
	else if (s->unheard)
		s->silent = now - s->unheard > LATE;
	else if (come != s->heard)
		s->unheard = now; /* the message for it may still be on its way */
	s->heard = come;
	return s->unheard != 0;
}
