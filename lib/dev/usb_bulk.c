/* SPDX-License-Identifier: MIT */
/* The bulk-only transport of mass storage (BOT 1.0, 5 and 6): a command's wrapper goes out, its data moves, its status
 * comes in. What stalls has its halt cleared; what breaks the order is brought back by a reset recovery, and the
 * controller's side of both pipes with it. */
#include "usb_core.h"

enum { MASS_STORAGE_RESET = 0xff21, CLEAR_ENDPOINT = 0x0102, ENDPOINT_HALT = 0 };
enum { BULK_IDLE, BULK_DATA, BULK_DATA_CLEAR, BULK_STATUS, BULK_STATUS_CLEAR,
	BULK_RESET, BULK_RESET_IN, BULK_RESET_OUT, BULK_STOP_IN, BULK_STOP_OUT, BULK_ANEW };
enum { CBW_BYTES = 31, CSW_BYTES = 13, CSW_AT = 64 }; /* in d->buffer, from DEVICE_BUFFER on */
enum { CSW_PASSED, CSW_FAILED };
#define CBW_SIGNATURE 0x43425355u
#define CSW_SIGNATURE 0x53425355u
#define BULK_NS (10000 * USB_MS) /* the standard names no time; disks that begin to turn take some seconds */

_Static_assert(CBW_BYTES <= CSW_AT && BULK_SHORT >= DEVICE_BUFFER + CSW_AT + CSW_BYTES, "one behind the other");

static void put32(uint8_t *to, uint32_t v) { memcpy(to, &v, sizeof v); }
static uint32_t get32(const uint8_t *p) { uint32_t v; memcpy(&v, p, sizeof v); return v; }

static void go(struct usb *u, struct usb_bulk *b, unsigned phase)
{
	b->phase = (uint8_t)phase;
	u->progress = 1;
}

/* A transfer's end: 0 under way, 1 done, -EPIPE the endpoint has stalled, -EIO; -ENODEV: nothing can be given any
 * more. */
static int pipe_move(struct usb *u, struct usb_device *d, struct usb_pipe *p, uint64_t address, uint16_t size)
{
	if (p->state == PIPE_DONE) {
		p->state = PIPE_IDLE;
		if (p->is_stuck)
			return -ENODEV;
		return p->result < 0 ? p->result : 1;
	}
	if (p->is_stuck)
		return -ENODEV;
	if (p->state == PIPE_IDLE)
		xhci_transfer(u, d, p, address, size, BULK_NS);
	return 0;
}

static int halt_clear(struct usb *u, struct usb_device *d, int is_in)
{
	unsigned endpoint = is_in ? d->endpoint | 0x80u : d->as_disk.endpoint;

	return usb_ask(u, d, CLEAR_ENDPOINT, ENDPOINT_HALT, endpoint, 0);
}

/* 5.1 */
static void wrapper_make(struct usb_device *d, const struct bulk_command *c)
{
	uint8_t *to = d->buffer.page + DEVICE_BUFFER;
	struct usb_bulk *b = &d->disk->bulk;

	memset(to, 0, CBW_BYTES);
	put32(to, CBW_SIGNATURE);
	put32(to + 4, ++b->tag);
	put32(to + 8, c->size);
	to[12] = c->is_out ? 0 : 0x80;
	to[14] = c->cdb_size;
	memcpy(to + 15, c->cdb, c->cdb_size);
	b->got = 0;
	b->is_again = 0;
}

/* Out it goes: nothing of a wrapper may be refused (6.6.1). */
static void command_step(struct usb *u, struct usb_device *d, const struct bulk_command *c)
{
	struct usb_bulk *b = &d->disk->bulk;
	int r = pipe_move(u, d, &d->disk->out, d->buffer.address + DEVICE_BUFFER, CBW_BYTES);

	if (r > 0 && d->disk->out.got == CBW_BYTES)
		go(u, b, c->size ? BULK_DATA : BULK_STATUS);
	else if (r)
		go(u, b, BULK_RESET);
}

static void data_step(struct usb *u, struct usb_device *d, const struct bulk_command *c)
{
	struct usb_bulk *b = &d->disk->bulk;
	struct usb_pipe *p = c->is_out ? &d->disk->out : &d->in;
	int r = pipe_move(u, d, p, c->address, c->size);

	if (r > 0 || r == -EPIPE)
		b->got = p->got;
	if (r > 0)
		go(u, b, BULK_STATUS);
	else if (r == -EPIPE) /* 6.7.2, 6.7.3: the device has no more, or wants no more */
		go(u, b, BULK_DATA_CLEAR);
	else if (r)
		go(u, b, BULK_RESET);
}

static void data_clear_step(struct usb *u, struct usb_device *d, int is_out)
{
	int r = halt_clear(u, d, !is_out);

	if (r)
		go(u, &d->disk->bulk, r > 0 ? BULK_STATUS : BULK_RESET);
}

/* 5.2, 6.3: as bulk_ask; 0: the transport is out of step. */
static int status_read(struct usb_device *d, const struct bulk_command *c)
{
	const uint8_t *csw = d->buffer.page + DEVICE_BUFFER + CSW_AT;
	struct usb_bulk *b = &d->disk->bulk;

	if (d->in.got != CSW_BYTES || get32(csw) != CSW_SIGNATURE || get32(csw + 4) != b->tag || csw[12] > CSW_FAILED)
		return 0;
	/* What was left over counts where the controller cannot know it: it counts what left, not what was kept. */
	if (c->is_out && get32(csw + 8) <= c->size && b->got > c->size - get32(csw + 8))
		b->got = c->size - get32(csw + 8);
	return csw[12] == CSW_PASSED ? 1 : -EPIPE;
}

static int status_step(struct usb *u, struct usb_device *d, const struct bulk_command *c)
{
	struct usb_bulk *b = &d->disk->bulk;
	int r = pipe_move(u, d, &d->in, d->buffer.address + DEVICE_BUFFER + CSW_AT, CSW_BYTES);

	if (!r)
		return 0;
	if (r == -EPIPE && !b->is_again) { /* figure 2: once more */
		b->is_again = 1;
		go(u, b, BULK_STATUS_CLEAR);
		return 0;
	}
	r = r > 0 ? status_read(d, c) : 0;
	go(u, b, r ? BULK_IDLE : BULK_RESET);
	return r;
}

static void status_clear_step(struct usb *u, struct usb_device *d)
{
	int r = halt_clear(u, d, 1);

	if (r)
		go(u, &d->disk->bulk, r > 0 ? BULK_STATUS : BULK_RESET);
}

/* 5.3.4: the reset, both halts; then the controller's side begins anew, with the same toggles as the device's. An
 * endpoint that is stopped already says so, which is as good. */
static int reset_step(struct usb *u, struct usb_device *d)
{
	struct usb_bulk *b = &d->disk->bulk;
	struct usb_pipe *out = &d->disk->out, *stopped = b->phase == BULK_STOP_IN ? &d->in : out;
	int r = 0;

	if (d->in.is_stuck || out->is_stuck || d->control.is_stuck)
		return -ENODEV;
	switch (b->phase) {
	case BULK_RESET: r = usb_ask(u, d, MASS_STORAGE_RESET, 0, d->interface, 0); break;
	case BULK_RESET_IN: r = halt_clear(u, d, 1); break;
	case BULK_RESET_OUT: r = halt_clear(u, d, 0); break;
	case BULK_STOP_IN:
	case BULK_STOP_OUT:
		r = xhci_command(u, &d->command, 0, TRB(TRB_STOP_ENDPOINT) | (uint32_t)d->slot << 24 |
			(uint32_t)stopped->place << 16);
		r = r ? 1 : 0;
		break;
	case BULK_ANEW:
		if (d->command.state == COMMAND_NONE && !u->x.asked) {
			ring_start(&d->in.ring);
			ring_start(&out->ring);
		}
		r = usb_input_command(u, d, 1 | 1u << d->in.place | 1u << out->place, TRB_CONFIGURE);
		break;
	}
	if (r > 0)
		go(u, b, b->phase == BULK_ANEW ? BULK_IDLE : b->phase + 1u);
	if (r > 0 && b->phase == BULK_IDLE)
		return -EIO;
	return r < 0 ? -ENODEV : 0;
}

int bulk_ask(struct usb *u, struct usb_device *d, const struct bulk_command *c)
{
	struct usb_bulk *b = &d->disk->bulk;

	switch (b->phase) {
	case BULK_IDLE:
		if (d->disk->out.state == PIPE_IDLE)
			wrapper_make(d, c);
		command_step(u, d, c);
		return 0;
	case BULK_DATA: data_step(u, d, c); return 0;
	case BULK_DATA_CLEAR: data_clear_step(u, d, c->is_out); return 0;
	case BULK_STATUS: return status_step(u, d, c);
	case BULK_STATUS_CLEAR: status_clear_step(u, d); return 0;
	default: return reset_step(u, d);
	}
}
