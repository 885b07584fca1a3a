/* SPDX-License-Identifier: MIT */
/* Keyboards, by the boot protocol or by their own report descriptor (HID 1.11, 7 and appendices B and F): reports
 * become keys that go down and up, named as the i8042 names them; held keys repeat; lamps. */
#include "usb_core.h"

enum { SET_REPORT = 0x0921, SET_IDLE = 0x0a21, SET_PROTOCOL = 0x0b21, OUTPUT = 2 << 8 };
enum { GET_DESCRIPTOR = 0x0681, DESCRIPTOR_REPORT = 0x22 << 8 };
enum { PHASE_PROTOCOL, PHASE_DESCRIPTOR, PHASE_IDLE, PHASE_WORK };
enum { USAGE_ERRORS = 3, ERRORS = 3 };
enum { DOWN = 16, REPORT_KEYS = 8 + DOWN + DOWN }; /* keys that may be so at one time; changes that a report may tell */
#define HOLD_NS   (500 * USB_MS)
#define REPEAT_NS (33 * USB_MS)
#define FAR       0x80 /* its scan code comes behind 0xe0 */

/* From usages of page 7 (HID Usage Tables 1.12, 10) to scan codes of set 1. */
static const uint8_t scan_code[] = {
	0, 0, 0, 0, 0x1e, 0x30, 0x2e, 0x20, 0x12, 0x21, 0x22, 0x23, 0x17, 0x24, 0x25, 0x26, /* a to m */
	0x32, 0x31, 0x18, 0x19, 0x10, 0x13, 0x1f, 0x14, 0x16, 0x2f, 0x11, 0x2d, 0x15, 0x2c, /* n to z */
	0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, /* digits */
	0x1c, 0x01, 0x0e, 0x0f, 0x39, 0x0c, 0x0d, 0x1a, 0x1b, 0x2b, 0x2b, 0x27, 0x28, 0x29, 0x33, 0x34, 0x35, 0x3a,
	0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x41, 0x42, 0x43, 0x44, 0x57, 0x58, /* F1 to F12 */
	0x37 | FAR, 0x46, 0, 0x52 | FAR, 0x47 | FAR, 0x49 | FAR, 0x53 | FAR, 0x4f | FAR, 0x51 | FAR, 0x4d | FAR, 0x4b | FAR,
	0x50 | FAR, 0x48 | FAR, 0x45, 0x35 | FAR, 0x37, 0x4a, 0x4e, 0x1c | FAR, 0x4f, 0x50, 0x51, 0x4b, 0x4c, 0x4d, 0x47,
	0x48, 0x49, 0x52, 0x53, 0x56, 0x5d | FAR,
};
/* Bits of a report's first byte: control, shift, Alt, logo, on the left and on the right. */
static const uint8_t modifier_code[8] = { 0x1d, 0x2a, 0x38, 0x5b | FAR, 0x1d | FAR, 0x36, 0x38 | FAR, 0x5c | FAR };

static void key_put(struct usb *u, uint8_t code, int down)
{
	if (code && u->keys_put - u->keys_taken < USB_KEYS)
		u->keys[u->keys_put++ % USB_KEYS] = (struct keyboard_event){ code & 0x7f, code >> 7, (uint8_t)down };
}

static uint8_t code_of(uint8_t usage) { return usage < sizeof scan_code ? scan_code[usage] : 0; }

static void key_change(struct usb *u, struct usb_device *d, uint8_t usage, int down)
{
	uint8_t code = code_of(usage);

	if (!code)
		return;
	key_put(u, code, down);
	if (down && code != 0x3a && code != 0x45) { /* the locks do not repeat */
		u->repeat.by = d;
		u->repeat.key = (struct keyboard_event){ code & 0x7f, code >> 7, 1 };
		u->repeat.at = u->now + HOLD_NS;
	} else if (u->repeat.by == d && u->repeat.key.code == (code & 0x7f) && u->repeat.key.extended == code >> 7) {
		u->repeat.by = NULL;
	}
}

static int is_in(const uint32_t keys[], unsigned usage) { return keys[usage / 32] >> usage % 32 & 1; }

static void down_put(struct usb_hid *h, unsigned usage, int down)
{
	h->down[usage / 32] ^= (uint32_t)(is_in(h->down, usage) != down) << usage % 32;
}

/* What is down now takes the place of what was, as far as this report speaks of it. */
static void report_take(struct usb *u, struct usb_device *d, const uint8_t *report, size_t size)
{
	struct usb_hid *h = &d->as_hid;
	uint32_t now[HID_USAGES / 32] = { 0 };
	struct hid_reader r;
	unsigned usage, errors = 0;

	hid_report_start(&r, &h->layout, report, size);
	while ((usage = hid_report_next(&r)) != 0) {
		now[usage / 32] |= 1u << usage % 32;
		errors |= usage <= USAGE_ERRORS;
	}
	for (unsigned i = 0; i < 8; i++) {
		usage = HID_MODIFIERS + i;
		if (is_in(now, usage) != is_in(h->down, usage) && hid_report_covers(&r, (uint8_t)usage)) {
			key_put(u, modifier_code[i], is_in(now, usage));
			down_put(h, usage, is_in(now, usage));
		}
	}
	if (errors)
		return; /* more keys than it can tell: those that were down stay so */
	for (usage = USAGE_ERRORS + 1; usage < HID_MODIFIERS; usage++)
		if (is_in(h->down, usage) && !is_in(now, usage) && hid_report_covers(&r, (uint8_t)usage)) {
			key_change(u, d, (uint8_t)usage, 0);
			down_put(h, usage, 0);
			h->keys--;
		}
	hid_report_start(&r, &h->layout, report, size);
	while ((usage = hid_report_next(&r)) != 0)
		if (usage < HID_MODIFIERS && !is_in(h->down, usage) && h->keys < DOWN) {
			key_change(u, d, (uint8_t)usage, 1);
			down_put(h, usage, 1);
			h->keys++;
		}
}

void hid_release(struct usb *u, struct usb_device *d)
{
	struct usb_hid *h = &d->as_hid;

	if (h->phase != PHASE_WORK)
		return;
	for (unsigned i = 0; i < 8; i++)
		if (is_in(h->down, HID_MODIFIERS + i))
			key_put(u, modifier_code[i], 0);
	for (unsigned usage = 0; usage < HID_MODIFIERS; usage++)
		if (is_in(h->down, usage))
			key_change(u, d, (uint8_t)usage, 0);
	memset(h->down, 0, sizeof h->down);
	h->keys = 0;
	if (u->repeat.by == d)
		u->repeat.by = NULL;
	u->keyboards--;
}

void hid_repeat(struct usb *u)
{
	if (!u->repeat.by)
		return;
	/* Whoever reads is late: what the keyboard says comes before what is made up. */
	if (u->now >= u->repeat.at && u->keys_put == u->keys_taken && !xhci_has_event(u)) {
		u->keys[u->keys_put++ % USB_KEYS] = u->repeat.key;
		u->repeat.at = u->now + REPEAT_NS;
	}
	wake_by(u, u->repeat.at > u->now ? u->repeat.at : u->now + REPEAT_NS);
}

static void reports_read(struct usb *u, struct usb_device *d)
{
	struct usb_pipe *p = &d->in;
	struct usb_hid *h = &d->as_hid;
	const uint8_t *b = d->buffer.page + DEVICE_BUFFER;

	if (p->state == PIPE_DONE) {
		if (u->keys_put - u->keys_taken > USB_KEYS - REPORT_KEYS)
			return; /* goes on when they have been taken */
		p->state = PIPE_IDLE;
		u->progress = 1;
		h->errors = (uint8_t)(p->result < 0 ? h->errors + 1 : 0);
		if (h->errors > ERRORS || p->is_stuck) {
			usb_fail(u, d, "a keyboard that no longer answers");
			return;
		}
		if (p->result >= 0 && p->got > 2)
			report_take(u, d, b, p->got);
	}
	/* A report may take several packets. */
	if (p->state == PIPE_IDLE)
		xhci_transfer(u, d, p, d->buffer.address + DEVICE_BUFFER,
			h->layout.bytes > d->endpoint_packet ? h->layout.bytes : d->endpoint_packet, 0);
}

/* True: the request is over, for good or ill. */
static int ask(struct usb *u, struct usb_device *d, unsigned type_request, unsigned value, unsigned size)
{
	int r = usb_ask(u, d, type_request, value, d->interface, size);

	if (r < 0 && r != -EPIPE)
		usb_fail(u, d, "a keyboard that does not answer");
	return r > 0 || r == -EPIPE;
}

static void lamps_step(struct usb *u, struct usb_device *d)
{
	struct usb_hid *h = &d->as_hid;
	size_t size = 1;

	if (d->control.state == PIPE_IDLE) {
		if (h->leds == u->leds)
			return;
		h->setting = (uint8_t)u->leds;
		size = hid_lamps(&h->layout, u->leds, d->buffer.page);
		if (!size) {
			h->leds = h->setting;
			return;
		}
	}
	if (ask(u, d, SET_REPORT, OUTPUT | h->layout.lamp_id, (unsigned)size)) {
		h->leds = h->setting;
		u->progress = 1;
	}
}

/* What it says of its reports. Another of its interfaces may be the keyboard. */
static void descriptor_step(struct usb *u, struct usb_device *d)
{
	struct usb_hid *h = &d->as_hid;

	if (!ask(u, d, GET_DESCRIPTOR, DESCRIPTOR_REPORT, d->report_size))
		return;
	if (d->control.result < 0 || !hid_layout_read(&h->layout, d->buffer.page, d->control.got)) {
		d->which++;
		usb_go(u, d, D_DROP);
		return;
	}
	h->phase = PHASE_IDLE;
	u->progress = 1;
}

static void protocol_step(struct usb *u, struct usb_device *d)
{
	struct usb_hid *h = &d->as_hid;

	if (!d->is_boot) {
		h->phase = PHASE_DESCRIPTOR;
		u->progress = 1;
	} else if (ask(u, d, SET_PROTOCOL, 0, 0)) {
		/* One that refuses goes on as it began, by its own descriptor (7.2.6). */
		h->layout = hid_boot;
		d->is_boot = d->control.result >= 0;
		h->phase = d->is_boot ? PHASE_IDLE : PHASE_DESCRIPTOR;
		u->progress = 1;
	}
}

void hid_step(struct usb *u, struct usb_device *d)
{
	struct usb_hid *h = &d->as_hid;
	char place[USB_PLACE];

	switch (h->phase) {
	case PHASE_PROTOCOL: protocol_step(u, d); return;
	case PHASE_DESCRIPTOR: descriptor_step(u, d); return;
	case PHASE_IDLE: /* 7.2.4: reports only of changes; many refuse */
		if (!ask(u, d, SET_IDLE, 0, 0))
			return;
		usb_place(u, d, place);
		rt_log("usb: %s: %04x:%04x a keyboard%s", place, d->vendor, d->product,
			d->is_boot ? "" : ", by its own reports");
		h->phase = PHASE_WORK;
		h->leds = 0xff;
		u->keyboards++;
		u->progress = 1;
		return;
	case PHASE_WORK:
		reports_read(u, d);
		if (d->state == D_RUNS)
			lamps_step(u, d);
	}
}
