/* SPDX-License-Identifier: MIT */
/* Hubs (USB 2.0, 11): power for their ports, what is plugged in and pulled out, resets. One request is under way at a
 * time; each port that has news is looked at in its turn. */
#include "usb_core.h"

enum { GET_HUB_DESCRIPTOR = 0x06a0, GET_PORT_STATUS = 0x00a3, CLEAR_PORT = 0x0123, SET_PORT = 0x0323 };
enum { HUB_DESCRIPTOR = 0x29, DESCRIPTOR_SIZE = 9 };
enum { FEATURE_ENABLE = 1, FEATURE_RESET = 4, FEATURE_POWER = 8, FEATURE_CHANGES = 16 };
enum { CONNECTED = 1, ENABLED = 2, OVER_CURRENT = 8, RESETS = 16, LOW = 0x200, HIGH = 0x400 };
enum { CHANGES = 5 };
enum { JOB_NONE, JOB_STATUS, JOB_CLEAR, JOB_RESET, JOB_DISABLE };
enum { PHASE_DESCRIPTOR, PHASE_CONTEXT, PHASE_POWER, PHASE_GOOD, PHASE_WORK };
#define GOOD_MORE 100u        /* ms, beside what the hub says */
#define LOOK_NS   (10 * USB_MS)

static void port_end(struct usb *u, struct usb_device *d, unsigned port)
{
	struct usb_hub *h = &d->as_hub;
	struct usb_device *c = usb_child(u, d, port);

	if (c && c->gone)
		return; /* looked at again when it has left */
	if (h->change & OVER_CURRENT && h->status & OVER_CURRENT) {
		char place[USB_PLACE];

		usb_place(u, d, place);
		rt_log("usb: %s.%u: draws too much current", place, port);
	}
	if (c && (!(h->status & CONNECTED) || (h->change & CONNECTED && c->state != D_SETTLE))) {
		usb_gone(u, c);
	} else if (!c && h->status & CONNECTED) {
		usb_attach(u, d, port);
	} else if (c && c->state == D_RESET && c->is_asked && h->status & ENABLED && !(h->status & RESETS)) {
		c->is_reset = 1;
		c->speed = h->status & LOW ? SPEED_LOW : SPEED_FULL;
		if (h->status & HIGH)
			c->speed = SPEED_HIGH;
		u->progress = 1;
	} else if (c && c->state == D_RESET) {
		c->look_at = u->now + LOOK_NS;
	}
}

static void job_start(struct usb *u, struct usb_hub *h, unsigned job, unsigned port)
{
	h->job = (uint8_t)job;
	h->port = (uint8_t)port;
	u->progress = 1;
}

/* What is to be done next. */
static void job_choose(struct usb *u, struct usb_device *d)
{
	struct usb_hub *h = &d->as_hub;

	for (unsigned port = 1; port <= h->ports; port++) {
		struct usb_device *c = usb_child(u, d, port);

		if (h->news >> port & 1) {
			h->news &= ~(1u << port);
			job_start(u, h, JOB_STATUS, port);
			return;
		}
		if (!c || c->gone)
			continue;
		if (c->state == D_RESET && !c->is_asked) {
			job_start(u, h, JOB_RESET, port);
			return;
		}
		if (c->state == D_DISABLE && !c->is_asked) {
			job_start(u, h, JOB_DISABLE, port);
			return;
		}
		if (c->state == D_RESET && !c->is_reset && u->now >= c->look_at)
			h->news |= 1u << port;
		else if (c->state == D_RESET && !c->is_reset)
			wake_by(u, c->look_at);
	}
	if (h->news)
		u->progress = 1;
}

static void status_done(struct usb_device *d)
{
	const uint8_t *b = d->buffer.page;
	struct usb_hub *h = &d->as_hub;

	h->status = (uint16_t)(b[0] | b[1] << 8);
	h->change = (uint16_t)(b[2] | b[3] << 8);
	h->job = JOB_CLEAR;
	h->bit = 0;
}

/* The job goes one request further. */
static void job_step(struct usb *u, struct usb_device *d)
{
	struct usb_hub *h = &d->as_hub;
	struct usb_device *c = usb_child(u, d, h->port);
	int r = 0;

	switch (h->job) {
	case JOB_STATUS:
		r = usb_ask(u, d, GET_PORT_STATUS, 0, h->port, 4);
		if (r > 0 && d->control.got < 4)
			r = -EIO;
		if (r > 0)
			status_done(d);
		break;
	case JOB_CLEAR:
		while (h->bit < CHANGES && !(h->change >> h->bit & 1))
			h->bit++;
		if (h->bit == CHANGES) {
			h->job = JOB_NONE;
			port_end(u, d, h->port);
			return;
		}
		r = usb_ask(u, d, CLEAR_PORT, FEATURE_CHANGES + h->bit, h->port, 0);
		h->bit = (uint8_t)(h->bit + (r > 0));
		break;
	case JOB_RESET:
		r = usb_ask(u, d, SET_PORT, FEATURE_RESET, h->port, 0);
		if (r > 0 && c) {
			c->is_asked = 1;
			c->look_at = u->now + LOOK_NS;
		}
		h->job = (uint8_t)(r > 0 ? JOB_NONE : h->job);
		break;
	case JOB_DISABLE:
		r = usb_ask(u, d, CLEAR_PORT, FEATURE_ENABLE, h->port, 0);
		if (r > 0 && c && c->state == D_DISABLE)
			c->is_asked = 2;
		h->job = (uint8_t)(r > 0 ? JOB_NONE : h->job);
		break;
	}
	if (r > 0)
		u->progress = 1;
	if (r < 0)
		usb_fail(u, d, "a hub that does not answer");
}

static void changes_read(struct usb *u, struct usb_device *d)
{
	const uint8_t *b = d->buffer.page + DEVICE_BUFFER;
	struct usb_pipe *p = &d->interrupt;

	if (p->state == PIPE_DONE) {
		p->state = PIPE_IDLE;
		if (p->result < 0) {
			usb_fail(u, d, "a hub that no longer tells of its ports");
			return;
		}
		for (unsigned port = 1; port <= d->as_hub.ports && port / 8 < p->got; port++)
			d->as_hub.news |= (uint32_t)(b[port / 8] >> port % 8 & 1) << port;
	}
	if (p->state == PIPE_IDLE)
		xhci_interrupt(u, d, d->endpoint_packet);
}

static int descriptor_step(struct usb *u, struct usb_device *d)
{
	const uint8_t *b = d->buffer.page;
	int r = usb_ask(u, d, GET_HUB_DESCRIPTOR, HUB_DESCRIPTOR << 8, 0, DESCRIPTOR_SIZE);

	if (r > 0 && (d->control.got < 7 || b[1] != HUB_DESCRIPTOR || !b[2]))
		return -EIO;
	if (r > 0) {
		d->as_hub.ports = b[2] < HUB_PORTS ? b[2] : HUB_PORTS;
		d->as_hub.think = b[3] >> 5 & 3;
		d->as_hub.good_ms = b[5] * 2u + GOOD_MORE;
	}
	return r;
}

static void phase_next(struct usb *u, struct usb_device *d)
{
	struct usb_hub *h = &d->as_hub;

	u->progress = 1;
	if (++h->phase == PHASE_POWER)
		h->port = 1;
	if (h->phase == PHASE_GOOD)
		h->look_at = u->now + h->good_ms * USB_MS;
}

void hub_step(struct usb *u, struct usb_device *d)
{
	struct usb_hub *h = &d->as_hub;
	char place[USB_PLACE];
	int r = 0;

	switch (h->phase) {
	case PHASE_DESCRIPTOR:
		r = descriptor_step(u, d);
		break;
	case PHASE_CONTEXT: /* xHCI 1.2, 4.6.6: the slot alone */
		r = usb_input_command(u, d, 1, TRB_CONFIGURE);
		break;
	case PHASE_POWER:
		r = usb_ask(u, d, SET_PORT, FEATURE_POWER, h->port, 0);
		if (r > 0 && ++h->port <= h->ports) {
			u->progress = 1;
			return;
		}
		break;
	case PHASE_GOOD:
		if (u->now < h->look_at) {
			wake_by(u, h->look_at);
			return;
		}
		usb_place(u, d, place);
		rt_log("usb: %s: %04x:%04x a hub of %u ports", place, d->vendor, d->product, h->ports);
		h->news = (2u << h->ports) - 2;
		r = 1;
		break;
	case PHASE_WORK:
		changes_read(u, d);
		if (d->state == D_RUNS && h->job == JOB_NONE)
			job_choose(u, d);
		if (d->state == D_RUNS && h->job != JOB_NONE)
			job_step(u, d);
		return;
	}
	if (r > 0)
		phase_next(u, d);
	if (r < 0)
		usb_fail(u, d, "a hub that does not say what it has");
}
