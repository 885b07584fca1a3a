/* SPDX-License-Identifier: MIT */
/* The states of a device, from the plug to its driver, and back: each takes its step when it is due (USB 2.0, 9;
 * xHCI 1.2, 4.3). Believes nothing that a device says of lengths. */
#include "usb_core.h"

enum { GET_DESCRIPTOR = 0x0680, SET_CONFIGURATION = 0x0900 };
enum { DESCRIPTOR_DEVICE = 1, DESCRIPTOR_CONFIGURATION, DESCRIPTOR_INTERFACE = 4, DESCRIPTOR_ENDPOINT,
	DESCRIPTOR_HID = 0x21 };
enum { CLASS_HID = 3, CLASS_HUB = 9 };
#define RESET_NS   (1000 * USB_MS)
#define RECOVER_NS (10 * USB_MS)
#define LOOK_NS    (10 * USB_MS)
#define AGAIN_NS   (300 * USB_MS)
#define TRIES      3
#define INTERFACES 4 /* that are asked what their reports mean */

int usb_ask(struct usb *u, struct usb_device *d, unsigned type_request, unsigned value, unsigned index, unsigned size)
{
	struct usb_pipe *p = &d->control;

	if (p->state == PIPE_DONE) {
		p->state = PIPE_IDLE;
		return p->result < 0 ? p->result : 1;
	}
	if (p->is_stuck)
		return -EIO;
	if (p->state == PIPE_IDLE)
		xhci_control(u, d, type_request | value << 16 | (uint64_t)index << 32 | (uint64_t)size << 48, (uint16_t)size);
	return 0;
}

static int descriptor_get(struct usb *u, struct usb_device *d, unsigned type, unsigned size)
{
	int r = usb_ask(u, d, GET_DESCRIPTOR, type << 8, 0, size);

	if (r > 0 && (d->control.got < size || d->buffer.page[1] != type))
		return -EIO;
	return r;
}

/* What the interface at `at` is to us. With is_boot, hubs and keyboards that offer the boot protocol (HID 1.11, 4.2 and
 * 4.3); else whatever else may have keys, but for mice. */
static enum usb_kind kind_of(const uint8_t *at, int is_boot)
{
	enum { CLASS = 5, SUBCLASS, PROTOCOL, BOOT = 1, KEYBOARD = 1, MOUSE = 2 };
	int has_keys = at[CLASS] == CLASS_HID && at[SUBCLASS] == BOOT && at[PROTOCOL] == KEYBOARD;

	if (at[3])
		return KIND_NONE; /* another setting of the same */
	if (is_boot && at[CLASS] == CLASS_HUB)
		return KIND_HUB;
	if (!is_boot)
		has_keys = at[CLASS] == CLASS_HID && at[PROTOCOL] != MOUSE;
	return has_keys ? KIND_KEYBOARD : KIND_NONE;
}

/* Takes the first interface of such a kind, after `skip` of them. Of what a device says of itself, lengths are the
 * device's word too: nothing beyond `size` is looked at. */
static void interface_find(struct usb_device *d, const uint8_t *at, unsigned size, int is_boot, unsigned skip)
{
	const uint8_t *end = at + size;
	enum usb_kind kind = KIND_NONE;
	unsigned interface = 0, report_size = 0, packet;

	for (; end - at >= 2 && at[0] >= 2 && at[0] <= end - at && !d->kind; at += at[0]) {
		if (at[1] == DESCRIPTOR_INTERFACE && at[0] >= 9) {
			interface = at[2];
			report_size = 0;
			kind = kind_of(at, is_boot);
		} else if (at[1] == DESCRIPTOR_HID && at[0] >= 9) {
			report_size = at[7] | (unsigned)at[8] << 8;
		} else if (at[1] == DESCRIPTOR_ENDPOINT && at[0] >= 7 && kind && at[2] & 0x80 && at[2] & 15 &&
			(at[3] & 3) == 3) {
			packet = (at[4] | (unsigned)at[5] << 8) & 0x7ff;
			if (!packet || packet > 1024)
				continue;
			if (skip) {
				skip--;
				kind = KIND_NONE;
				continue;
			}
			d->kind = kind;
			d->interface = (uint8_t)interface;
			d->endpoint = at[2] & 15;
			d->endpoint_packet = (uint16_t)packet;
			d->interval = at[6];
			d->report_size = (uint16_t)(report_size < DEVICE_BUFFER ? report_size : DEVICE_BUFFER);
		}
	}
}

/* Who offers the boot protocol first; then, one after the other, interfaces that have to be asked what their reports
 * mean. */
static void configuration_read(struct usb_device *d, const uint8_t *at, unsigned size)
{
	d->configuration = at[5];
	if (!d->which)
		interface_find(d, at, size, 1, 0);
	if (!d->which && !d->kind)
		disk_find(d, at, size);
	d->is_boot = d->kind == KIND_KEYBOARD;
	if (d->kind || d->which > INTERFACES)
		return;
	d->which += !d->which;
	interface_find(d, at, size, 0, d->which - 1u);
}

/* 6.2.3.6: as a power of two of 125 us. */
static uint8_t interval(const struct usb_device *d)
{
	unsigned n = 3;

	if (d->speed >= SPEED_HIGH)
		return (uint8_t)(d->interval ? (d->interval - 1) & 15 : 0);
	while (n < 10 && 2u << (n - 3) <= d->interval)
		n++;
	return (uint8_t)n;
}

/* ---- steps */

static void settle_step(struct usb *u, struct usb_device *d)
{
	if (u->now < d->until) {
		wake_by(u, d->until);
		return;
	}
	if (u->at_zero)
		return; /* one at a time answers to address 0 */
	u->at_zero = d;
	d->is_reset = d->is_asked = 0;
	d->until = u->now + RESET_NS;
	if (!d->hub && !(port_read(u, d->port) & PORT_ENABLED)) /* at USB 3 speed it is by itself */
		port_write(u, d->port, PORT_RESET);
	usb_go(u, d, D_RESET);
}

static void reset_step(struct usb *u, struct usb_device *d)
{
	uint32_t v = d->hub ? 0 : port_read(u, d->port);

	if (v & PORT_ENABLED && !(v & PORT_RESET)) {
		d->is_reset = 1;
		d->speed = v >> 10 & 15;
	}
	if (d->is_reset) {
		d->until = u->now + RECOVER_NS;
		usb_go(u, d, D_RECOVER);
	} else if (u->now >= d->until) {
		usb_fail(u, d, "its port does not come on");
	} else {
		wake_by(u, u->now + LOOK_NS);
	}
}

static void recover_step(struct usb *u, struct usb_device *d)
{
	static const uint16_t packet[] = { 8, 8, 8, 64, 512 };
	const struct usb_device *above = d->hub;

	if (u->now < d->until) {
		wake_by(u, d->until);
		return;
	}
	d->packet = packet[d->speed <= SPEED_SUPER ? d->speed : SPEED_SUPER];
	/* Who is slower than its hub's upstream side is served by that hub's translator, or by one above it. */
	if (above && d->speed < SPEED_HIGH) {
		d->tt_slot = above->speed == SPEED_HIGH ? above->slot : above->tt_slot;
		d->tt_port = above->speed == SPEED_HIGH ? d->port : above->tt_port;
	}
	d->want_slot = 1;
	usb_go(u, d, D_SLOT);
}

static int slot_take(struct usb *u, struct usb_device *d)
{
	unsigned slot = d->command.slot;

	d->want_slot = 0;
	if (!slot || slot > u->x.slots || u->by_slot[slot])
		return -EIO;
	d->slot = (uint8_t)slot;
	u->by_slot[slot] = d;
	memset(d->context.page, 0, EXO_PAGE_SIZE);
	((uint64_t *)u->x.table.page)[slot] = d->context.address;
	ring_start(&d->control.ring);
	ring_start(&d->in.ring);
	d->control.place = 1;
	return 1;
}

static void slot_step(struct usb *u, struct usb_device *d)
{
	int r = xhci_command(u, &d->command, 0, TRB(TRB_ENABLE_SLOT));

	if (r > 0)
		r = slot_take(u, d);
	if (r > 0)
		usb_go(u, d, D_ADDRESS);
	else if (r < 0)
		usb_fail(u, d, "the controller has no slot for it");
}

int usb_input_command(struct usb *u, struct usb_device *d, uint32_t add, unsigned type)
{
	if (d->command.state == COMMAND_NONE && !u->x.asked)
		xhci_input(u, d, add);
	return xhci_command(u, &d->command, u->x.input.address, TRB(type) | (uint32_t)d->slot << 24);
}

static void step_end(struct usb *u, struct usb_device *d, int r, enum usb_state next, const char *why)
{
	if (r > 0)
		usb_go(u, d, next);
	else if (r < 0)
		usb_fail(u, d, why);
}

static void device8_step(struct usb *u, struct usb_device *d)
{
	int r = descriptor_get(u, d, DESCRIPTOR_DEVICE, 8);
	unsigned packet = d->buffer.page[7];

	if (r <= 0 || d->speed >= SPEED_SUPER || packet == d->packet) {
		step_end(u, d, r, D_DEVICE, "does not say what it is");
	} else if (d->speed == SPEED_FULL && (packet == 16 || packet == 32 || packet == 64)) {
		d->packet = (uint16_t)packet;
		usb_go(u, d, D_EVALUATE);
	} else {
		usb_fail(u, d, "says nonsense of its packets");
	}
}

static void device_step18(struct usb *u, struct usb_device *d)
{
	const uint8_t *b = d->buffer.page;
	int r = descriptor_get(u, d, DESCRIPTOR_DEVICE, 18);

	if (r > 0) {
		d->vendor = (uint16_t)(b[8] | b[9] << 8);
		d->product = (uint16_t)(b[10] | b[11] << 8);
	}
	step_end(u, d, r, D_CONFIG9, "does not say what it is");
}

static void config_step(struct usb *u, struct usb_device *d)
{
	const uint8_t *b = d->buffer.page;
	unsigned size = d->state == D_CONFIG9 ? 9 : d->config_size;
	int r = descriptor_get(u, d, DESCRIPTOR_CONFIGURATION, size);

	if (r > 0 && d->state == D_CONFIG9) {
		d->config_size = (uint16_t)(b[2] | b[3] << 8);
		if (d->config_size > DEVICE_BUFFER)
			d->config_size = DEVICE_BUFFER;
		r = d->config_size < 9 ? -EIO : 1;
	} else if (r > 0) {
		configuration_read(d, b, size);
		if (d->kind == KIND_DISK && !disk_take(u, d))
			usb_say(u, d, "is left alone: too many disks");
		else if (!d->kind)
			usb_say(u, d, "nobody drives it");
		d->in.place = (uint8_t)(2 * d->endpoint + 1);
		d->interval = interval(d);
	}
	enum usb_state next = d->kind ? D_ENDPOINT : D_LEFT;
	step_end(u, d, r, d->state == D_CONFIG9 ? D_CONFIG : next, "its configuration cannot be read");
}

static void drop_step(struct usb *u, struct usb_device *d)
{
	if (d->command.state == COMMAND_BUSY || d->control.command.state == COMMAND_BUSY ||
		d->in.command.state == COMMAND_BUSY || (d->disk && d->disk->out.command.state == COMMAND_BUSY))
		return; /* its answer first */
	if (!d->is_dropping) {
		if (d->want_slot && d->command.state == COMMAND_DONE && d->command.code == CODE_SUCCESS)
			(void)slot_take(u, d);
		d->command.state = COMMAND_NONE;
		d->is_dropping = 1;
	}
	if (d->slot) {
		int r = xhci_command(u, &d->command, 0, TRB(TRB_DISABLE_SLOT) | (uint32_t)d->slot << 24);

		if (!r)
			return;
		u->by_slot[d->slot] = NULL;
		((uint64_t *)u->x.table.page)[d->slot] = 0;
		d->slot = 0;
		if (r < 0) {
			xhci_fail(u, "does not let go of a device");
			return;
		}
	}
	disk_release(d);
	d->is_asked = 0;
	d->until = u->now + RESET_NS;
	if (d->gone)
		usb_free(u, d);
	else
		usb_go(u, d, D_DISABLE);
}

/* A device that answers to address 0 would disturb the next one. */
static void disable_step(struct usb *u, struct usb_device *d)
{
	if (d->hub && d->is_asked != 2 && u->now < d->until) {
		wake_by(u, d->until);
		return; /* usb_hub.c does it */
	}
	if (!d->hub)
		port_write(u, d->port, PORT_ENABLED);
	if (u->at_zero == d)
		u->at_zero = NULL;
	usb_renew(d, &(struct usb_device){ .state = D_SETTLE, .hub = d->hub, .port = d->port, .root_port = d->root_port,
		.tier = d->tier, .route = d->route, .tries = d->tries, .which = d->which, .until = u->now + AGAIN_NS,
		.vendor = d->vendor, .product = d->product });
	u->version++;
	if (d->tries >= TRIES) {
		usb_say(u, d, "is left alone");
		d->state = D_LEFT;
	}
	u->progress = 1;
}

void usb_step(struct usb *u, struct usb_device *d)
{
	int r;

	if (d->state == D_FREE)
		return;
	pipe_step(u, d, &d->control);
	pipe_step(u, d, &d->in);
	if (d->disk)
		pipe_step(u, d, &d->disk->out);
	switch (d->state) {
	case D_FREE: case D_LEFT: return;
	case D_SETTLE: settle_step(u, d); return;
	case D_RESET: reset_step(u, d); return;
	case D_RECOVER: recover_step(u, d); return;
	case D_SLOT: slot_step(u, d); return;
	case D_ADDRESS:
		r = usb_input_command(u, d, 3, TRB_ADDRESS);
		if (r > 0)
			u->at_zero = NULL;
		step_end(u, d, r, D_DEVICE8, "takes no address");
		return;
	case D_DEVICE8: device8_step(u, d); return;
	case D_EVALUATE:
		step_end(u, d, usb_input_command(u, d, 2, TRB_EVALUATE), D_DEVICE, "its packets are refused");
		return;
	case D_DEVICE: device_step18(u, d); return;
	case D_CONFIG9: case D_CONFIG: config_step(u, d); return;
	case D_ENDPOINT:
		r = usb_input_command(u, d, 1 | 1u << d->in.place | (d->disk ? 1u << d->disk->out.place : 0), TRB_CONFIGURE);
		step_end(u, d, r, D_SET, "the controller has no room for it");
		return;
	case D_SET:
		r = usb_ask(u, d, SET_CONFIGURATION, d->configuration, 0, 0);
		step_end(u, d, r, D_RUNS, "takes no configuration");
		return;
	case D_RUNS:
		if (d->kind == KIND_HUB)
			hub_step(u, d);
		else if (d->kind == KIND_KEYBOARD)
			hid_step(u, d);
		else
			disk_step(u, d);
		return;
	case D_DROP: drop_step(u, d); return;
	case D_DISABLE: disable_step(u, d); return;
	}
}
