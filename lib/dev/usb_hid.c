/* SPDX-License-Identifier: MIT */
/* Keyboards that speak the boot protocol (HID 1.11, appendices B and F): reports become keys that go down and up, named
 * as the i8042 names them; held keys repeat; lamps. */
#include "usb_core.h"

enum { SET_REPORT = 0x0921, SET_IDLE = 0x0a21, SET_PROTOCOL = 0x0b21, OUTPUT = 2 << 8 };
enum { PHASE_PROTOCOL, PHASE_IDLE, PHASE_WORK };
enum { REPORT = 8, USAGE_ERRORS = 3, ERRORS = 3, REPORT_KEYS = 8 + 6 + 6 };
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

static int has(const uint8_t keys[6], uint8_t usage)
{
	int any = 0;

	for (int i = 0; i < 6; i++)
		any |= keys[i] == usage;
	return any;
}

static void report_take(struct usb *u, struct usb_device *d, uint8_t modifiers, const uint8_t keys[6])
{
	struct usb_hid *h = &d->as_hid;

	for (int i = 0; i < 8; i++)
		if ((modifiers ^ h->modifiers) >> i & 1)
			key_put(u, modifier_code[i], modifiers >> i & 1);
	h->modifiers = modifiers;
	if (keys[0] && keys[0] <= USAGE_ERRORS)
		return; /* more keys than it can tell: those that were down stay so */
	for (int i = 0; i < 6; i++)
		if (h->keys[i] && !has(keys, h->keys[i]))
			key_change(u, d, h->keys[i], 0);
	for (int i = 0; i < 6; i++)
		if (keys[i] && !has(h->keys, keys[i]))
			key_change(u, d, keys[i], 1);
	memcpy(h->keys, keys, 6);
}

void hid_release(struct usb *u, struct usb_device *d)
{
	static const uint8_t none[6];

	if (d->as_hid.phase != PHASE_WORK)
		return;
	report_take(u, d, 0, none);
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
	struct usb_pipe *p = &d->interrupt;
	struct usb_hid *h = &d->as_hid;
	const uint8_t *b = d->buffer.page + DEVICE_BUFFER;

	if (p->state == PIPE_DONE) {
		uint8_t keys[6] = { 0 };

		if (u->keys_put - u->keys_taken > USB_KEYS - REPORT_KEYS)
			return; /* goes on when they have been taken */
		p->state = PIPE_IDLE;
		u->progress = 1;
		h->errors = (uint8_t)(p->result < 0 ? h->errors + 1 : 0);
		if (h->errors > ERRORS || p->is_stuck) {
			usb_fail(u, d, "a keyboard that no longer answers");
			return;
		}
		for (unsigned i = 2; i < p->got && i < REPORT; i++)
			keys[i - 2] = b[i];
		if (p->result >= 0 && p->got > 2)
			report_take(u, d, b[0], keys);
	}
	if (p->state == PIPE_IDLE)
		xhci_interrupt(u, d, d->endpoint_packet);
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

	if (d->control.state == PIPE_IDLE) {
		if (h->leds == u->leds)
			return;
		h->setting = (uint8_t)u->leds;
		d->buffer.page[0] = h->setting;
	}
	if (ask(u, d, SET_REPORT, OUTPUT, 1)) {
		h->leds = h->setting;
		u->progress = 1;
	}
}

void hid_step(struct usb *u, struct usb_device *d)
{
	struct usb_hid *h = &d->as_hid;
	char place[USB_PLACE];

	switch (h->phase) {
	case PHASE_PROTOCOL: /* one that refuses speaks nothing else, or will be seen to */
		if (ask(u, d, SET_PROTOCOL, 0, 0))
			h->phase = PHASE_IDLE, u->progress = 1;
		return;
	case PHASE_IDLE: /* 7.2.4: reports only of changes; many refuse */
		if (!ask(u, d, SET_IDLE, 0, 0))
			return;
		usb_place(u, d, place);
		rt_log("usb: %s: %04x:%04x a keyboard", place, d->vendor, d->product);
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
