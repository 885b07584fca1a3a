/* SPDX-License-Identifier: MIT */
/* Queueing and framing of the host channel: type byte, 16-bit little-endian length, payload; over a port of a virtio
 * serial device, or a 16550. It knows no frame's meaning. */
#include <base/string.h>
#include <rt/gate.h>
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

void channel_open_rings(struct channel *c, struct ring_side *up, const struct ring_side *down, exo_name maker)
{
	c->maker = maker;
	c->up = up;
	c->down = down;
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

/* Bytes that went. */
static size_t bytes_send(struct channel *c, const uint8_t *from, size_t n)
{
	uint8_t *to;
	uint32_t piece;

	if (!c->up)
		return serial_send(c->serial, from, n);
	piece = ring_to_put(c->up, c->down, &to, n);
	memcpy(to, from, piece);
	if (piece) {
		ring_was_put(c->up, piece);
		(void)gate_notify(c->maker, MONITOR_BOXES);
	}
	return piece;
}

/* Bytes that came. */
static size_t bytes_receive(struct channel *c, uint8_t *to, size_t n)
{
	const uint8_t *from;
	uint32_t piece;

	if (c->port)
		return vserial_read(c->port, to, n);
	if (!c->up)
		return serial_receive(c->serial, to, n);
	piece = ring_to_take(c->up, c->down, &from, n);
	memcpy(to, from, piece);
	if (piece) {
		ring_took(c->up, piece);
		(void)gate_notify(c->maker, MONITOR_BOXES);
	}
	return piece;
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
		size_t sent = bytes_send(c, c->queue + offset, n);
		c->queue_head += (uint32_t)sent;
		if (!sent)
			return 1;
	}
	return 0;
}

int channel_idle(struct channel *c)
{
	if (c->port)
		return vserial_idle(c->port);
	return c->up ? 1 : serial_idle(c->serial);
}

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
		size_t got = bytes_receive(c, c->in + c->in_fill, want - c->in_fill);
		if (!got)
			return 0;
		c->in_fill += got;
	}
}
