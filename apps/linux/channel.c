/* SPDX-License-Identifier: MIT */
/* Queueing and framing of the host channel: type byte, 16-bit little-endian length, payload; over a port of a virtio
 * serial device, or a 16550. It knows no frame's meaning. */
#include <base/string.h>
#include "channel.h"

#define HEADER 3

static void queue_bytes(struct channel *c, const void *from, size_t n)
{
	const uint8_t *at = from;

	if (c->port) {
		(void)vserial_write(c->port, from, n);
		return;
	}

	while (n) {
		size_t offset = c->queue_tail % CHANNEL_QUEUE;
		size_t run = CHANNEL_QUEUE - offset < n ? CHANNEL_QUEUE - offset : n;
		memcpy(c->queue + offset, at, run);
		c->queue_tail += run;
		at += run;
		n -= run;
	}
}

/* The host skips what firmware wrote to this port until it sees exactly this. */
static const char handshake[7] = { 0, 'A', 'R', 'I', 'L', '1', 0 };

void channel_open(struct channel *c, struct vserial *port, struct serial *serial)
{
	c->port = port;
	c->serial = serial;
	queue_bytes(c, handshake, sizeof handshake);
}

int channel_has_room(struct channel *c, size_t n)
{
	if (n > CHANNEL_PAYLOAD)
		return 0;
	return c->port ? vserial_has_room(c->port, HEADER + n)
		: CHANNEL_QUEUE - (c->queue_tail - c->queue_head) >= HEADER + n;
}

int channel_put(struct channel *c, char type, const void *data, size_t n)
{
	uint8_t header[HEADER] = { (uint8_t)type, (uint8_t)n, (uint8_t)(n >> 8) };

	if (!channel_has_room(c, n))
		return 0;
	queue_bytes(c, header, HEADER);
	queue_bytes(c, data, n);
	return 1;
}

int channel_flush(struct channel *c)
{
	if (c->port) {
		vserial_flush(c->port);
		return 0;
	}
	while (c->queue_head != c->queue_tail) {
		size_t offset = c->queue_head % CHANNEL_QUEUE, n = c->queue_tail - c->queue_head;
		if (n > CHANNEL_QUEUE - offset)
			n = CHANNEL_QUEUE - offset;
		size_t sent = serial_send(c->serial, c->queue + offset, n);
		c->queue_head += sent;
		if (sent < n)
			return 1;
	}
	return 0;
}

int channel_idle(struct channel *c) { return c->port ? vserial_idle(c->port) : serial_idle(c->serial); }

uint32_t channel_sent(struct channel *c) { return c->port ? vserial_sent(c->port) : c->queue_head; }

int channel_watch(struct channel *c, uint64_t messages, uint64_t now)
{
	return c->port && vserial_watch(c->port, messages, now);
}

int channel_get(struct channel *c, struct channel_frame *out)
{
	for (;;) {
		size_t want = HEADER;
		if (c->in_fill >= HEADER)
			want += c->in[1] | c->in[2] << 8;
		if (want > sizeof c->in) {
			/* Not a frame: nothing says where the next one begins, so start over with what comes. */
			c->in_fill = 0;
			continue;
		}
		if (c->in_fill >= HEADER && c->in_fill == want) {
			*out = (struct channel_frame){ (char)c->in[0], (uint16_t)(want - HEADER), c->in + HEADER };
			c->in_fill = 0;
			return 1;
		}
		size_t got = c->port ? vserial_read(c->port, c->in + c->in_fill, want - c->in_fill) :
			serial_receive(c->serial, c->in + c->in_fill, want - c->in_fill);
		if (!got)
			return 0;
		c->in_fill += got;
	}
}
