/* SPDX-License-Identifier: MIT */
/* Hubs (USB 2.0, 11; at SuperSpeed USB 3.2, 10): power for their ports, what is plugged in and pulled out, resets. One
 * request is under way at a time; each port that has news is looked at in its turn. */
#include "usb_core.h"

enum { GET_HUB_DESCRIPTOR = 0x06a0, GET_PORT_STATUS = 0x00a3, CLEAR_PORT = 0x0123, SET_PORT = 0x0323,
	SET_HUB_DEPTH = 0x0c20 };
enum { HUB_DESCRIPTOR = 0x29, DESCRIPTOR_SIZE = 9, SUPER_DESCRIPTOR = 0x2a, SUPER_SIZE = 12 };
enum { FEATURE_ENABLE = 1, FEATURE_RESET = 4, FEATURE_POWER = 8, FEATURE_WARM_RESET = 28 };
enum { CONNECTED = 1, ENABLED = 2, OVER_CURRENT = 8, RESETS = 16, LOW = 0x200, HIGH = 0x400 };
enum { LINK_AT = 5, LINK_BITS = 15, LINK_INACTIVE = 6, LINK_COMPLIANCE = 10 }; /* a port's link, at SuperSpeed */
enum { CHANGES = 8 };
/* What clears each bit of a port's changes, 0: there is no such bit. */
static const uint8_t change_feature[CHANGES] = { 16, 17, 18, 19, 20 };
static const uint8_t super_change_feature[CHANGES] = { 16, 0, 0, 19, 20, 29, 25, 26 };
enum { JOB_NONE, JOB_STATUS, JOB_CLEAR, JOB_RESET, JOB_WARM_RESET, JOB_DISABLE };
enum { PHASE_DEPTH, PHASE_DESCRIPTOR, PHASE_CONTEXT, PHASE_POWER, PHASE_GOOD, PHASE_WORK };
#define GOOD_MORE 100u        /* ms, beside what the hub says */
#define LOOK_NS   (10 * USB_MS)

static int is_super(const struct usb_device *d) { return d->speed >= SPEED_SUPER; }

static unsigned speed_of(const struct usb_device *hub, unsigned status)
{
	if (is_super(hub))
		return hub->speed; /* only such are at its ports; the bits below mean other things there */
	if (status & LOW)
		return SPEED_LOW;
	return status & HIGH ? SPEED_HIGH : SPEED_FULL;
}

/* A link that failed, or never came up: a reset of the port does not reach it (USB 3.2, 7.5.2, 7.5.4). */
static int is_stranded(const struct usb_device *d, unsigned status)
{
	unsigned link = status >> LINK_AT & LINK_BITS;

	return is_super(d) && (link == LINK_INACTIVE || link == LINK_COMPLIANCE);
}

static void job_start(struct usb *u, struct usb_hub *h, unsigned job, unsigned port)
{
	h->job = (uint8_t)job;
	h->port = (uint8_t)port;
	u->progress = 1;
}

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
	if (is_stranded(d, h->status)) {
		if (c)
			usb_gone(u, c);
		job_start(u, h, JOB_WARM_RESET, port);
		return;
	}
	if (c && (!(h->status & CONNECTED) || (h->change & CONNECTED && c->state != D_SETTLE))) {
		usb_gone(u, c);
	} else if (!c && h->status & CONNECTED) {
		usb_attach(u, d, port);
	} else if (c && c->state == D_RESET && c->is_asked && h->status & ENABLED && !(h->status & RESETS)) {
		c->is_reset = 1;
		c->speed = (uint8_t)speed_of(d, h->status);
		u->progress = 1;
	} else if (c && c->state == D_RESET) {
		c->look_at = u->now + LOOK_NS;
	}
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
		if (c->state == D_DISABLE && !c->is_asked && is_super(d)) {
			c->is_asked = 2; /* its port cannot be switched off so, and need not: a route leads to address 0 */
			u->progress = 1;
		} else if (c->state == D_DISABLE && !c->is_asked) {
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
	const uint8_t *feature = is_super(d) ? super_change_feature : change_feature;
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
		while (h->bit < CHANGES && !(h->change >> h->bit & 1 && feature[h->bit]))
			h->bit++;
		if (h->bit == CHANGES) {
			h->job = JOB_NONE;
			port_end(u, d, h->port);
			return;
		}
		r = usb_ask(u, d, CLEAR_PORT, feature[h->bit], h->port, 0);
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
	case JOB_WARM_RESET:
		r = usb_ask(u, d, SET_PORT, FEATURE_WARM_RESET, h->port, 0);
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
	struct usb_pipe *p = &d->in;

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
		xhci_transfer(u, d, p, d->buffer.address + DEVICE_BUFFER, d->endpoint_packet, 0);
}

static int descriptor_step(struct usb *u, struct usb_device *d)
{
	const uint8_t *b = d->buffer.page;
	unsigned type = is_super(d) ? SUPER_DESCRIPTOR : HUB_DESCRIPTOR;
	int r = usb_ask(u, d, GET_HUB_DESCRIPTOR, type << 8, 0, is_super(d) ? SUPER_SIZE : DESCRIPTOR_SIZE);

	if (r > 0 && (d->control.got < 7 || b[1] != type || !b[2]))
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

int hub_is_settled(const struct usb_device *d) { return d->as_hub.phase == PHASE_WORK; }

void hub_step(struct usb *u, struct usb_device *d)
{
	struct usb_hub *h = &d->as_hub;
	char place[USB_PLACE];
	int r = 0;

	switch (h->phase) {
	case PHASE_DEPTH: /* which part of a route is this hub's (USB 3.2, 10.16.2.9) */
		r = is_super(d) ? usb_ask(u, d, SET_HUB_DEPTH, d->tier, 0, 0) : 1;
		break;
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
