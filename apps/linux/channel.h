/* SPDX-License-Identifier: MIT */
/* Frames between the library OS and test/machine, over a port that is open already. Its state is the monitor's. */
#ifndef POSIX_CHANNEL_H
#define POSIX_CHANNEL_H
#include <dev/serial.h>
#include <dev/virtio_serial.h>
#include <family/monitor.h>

#define CHANNEL_PAYLOAD 8192
#define CHANNEL_QUEUE   16384

struct channel {
	/* What carries it: one of three, the others are NULL. */
	struct serial *serial;
	struct vserial *port;
	struct ring_side *up;             /* a box's, and what its maker says */
	const struct ring_side *down;
	exo_name maker;                   /* who is notified of each move: MONITOR_BOXES */
	uint32_t queue_head, queue_tail;  /* free-running; bytes that wait to be sent lie between */
	uint32_t in_fill;                 /* bytes of the incoming frame that are here, header included */
	uint8_t in[3 + CHANNEL_PAYLOAD];
	uint8_t queue[CHANNEL_QUEUE];
};

struct channel_frame { char type; uint16_t size; const uint8_t *data; };

/* Begins with the handshake, over that open virtio port, or else over that 16550, which is NULL then. */
void channel_open(struct channel *c, struct vserial *port, struct serial *serial);
/* Over two rings; without a handshake, since nobody else writes there. */
void channel_open_rings(struct channel *c, struct ring_side *up, const struct ring_side *down,
	exo_name maker);
/* True: channel_put takes a frame of n bytes of payload now. */
int channel_has_room(struct channel *c, size_t n);
/* Queues one frame. False: refused, there is no room. */
int channel_put(struct channel *c, char type, const void *data, size_t n);
/* Sends what the transmitter takes. True while something is left. */
int channel_flush(struct channel *c);
/* True when the last byte of what was flushed has left. */
int channel_idle(struct channel *c);
/* Another number each time that something has left. */
uint32_t channel_sent(struct channel *c);
/* After each look at what has come: as vserial_watch. */
int channel_watch(struct channel *c, uint64_t messages, uint64_t now);
/* One complete incoming frame, valid until the next call: true. False: none yet. */
int channel_get(struct channel *c, struct channel_frame *out);
#endif
