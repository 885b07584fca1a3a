/* SPDX-License-Identifier: MIT */
/* What is on the USB: controllers, their root ports, who comes and goes; and what others ask of it. */
#include <rt/gate.h>
#include "usb_core.h"

#define SETTLE_NS  (100 * USB_MS) /* USB 2.0, 7.1.7.3 */
#define ROUNDS     64
#define TIERS      5 /* hubs behind one another */

void usb_place(const struct usb *u, const struct usb_device *d, char to[USB_PLACE])
{
	unsigned bdf = u->x.pci.record->bdf;
	size_t n = (size_t)fmt(to, USB_PLACE, "%02x:%02x.%x", bdf >> 8, bdf >> 3 & 31, bdf & 7);

	if (!d)
		return;
	n += (size_t)fmt(to + n, USB_PLACE - n, " port %u", d->root_port);
	for (unsigned i = 0; i < d->tier; i++)
		n += (size_t)fmt(to + n, USB_PLACE - n, ".%u", d->route >> 4 * i & 15);
}

void usb_say(const struct usb *u, const struct usb_device *d, const char *what)
{
	char place[USB_PLACE];

	usb_place(u, d, place);
	if (d->vendor || d->product)
		rt_log("usb: %s: %04x:%04x %s", place, d->vendor, d->product, what);
	else
		rt_log("usb: %s: %s", place, what);
}

void usb_go(struct usb *u, struct usb_device *d, enum usb_state state)
{
	d->state = state;
	u->progress = 1;
	u->version++;
}

struct usb_device *usb_child(struct usb *u, const struct usb_device *hub, unsigned port)
{
	for (struct usb_device *d = u->device; d < u->device + USB_DEVICES; d++)
		if (d->state != D_FREE && d->hub == hub && d->port == port)
			return d;
	return NULL;
}

void usb_renew(struct usb_device *d, const struct usb_device *fresh)
{
	const struct usb_device old = *d;

	*d = *fresh;
	d->context = old.context;
	d->buffer = old.buffer;
	d->control.ring.page = old.control.ring.page;
	d->in.ring.page = old.in.ring.page;
}

void usb_attach(struct usb *u, struct usb_device *hub, unsigned port)
{
	struct usb_device *d = u->device;
	struct usb_device fresh = { .state = D_SETTLE, .hub = hub, .port = (uint8_t)port, .root_port = (uint8_t)port };

	while (d < u->device + USB_DEVICES && d->state != D_FREE)
		d++;
	if (d == u->device + USB_DEVICES || (hub && hub->tier == TIERS)) {
		char place[USB_PLACE];

		usb_place(u, hub, place);
		rt_log("usb: %s: what is plugged into port %u is left alone: %s", place, port,
			hub && hub->tier == TIERS ? "too many hubs before it" : "too many devices");
		return;
	}
	if (hub) {
		fresh.root_port = hub->root_port;
		fresh.tier = (uint8_t)(hub->tier + 1);
		fresh.route = hub->route | port << 4 * hub->tier;
	}
	fresh.until = u->now + SETTLE_NS;
	usb_renew(d, &fresh);
	u->progress = 1;
}

/* Its driver, if it has one, ends. */
static void driver_end(struct usb *u, struct usb_device *d)
{
	if (d->state == D_RUNS && d->kind == KIND_KEYBOARD)
		hid_release(u, d);
	for (struct usb_device *c = u->device; c < u->device + USB_DEVICES && d->kind == KIND_HUB; c++)
		if (c->state != D_FREE && c->hub == d && !c->gone)
			usb_gone(u, c);
}

void usb_gone(struct usb *u, struct usb_device *d)
{
	driver_end(u, d);
	if (d->vendor || d->product)
		usb_say(u, d, "is gone");
	d->gone = 1;
	usb_go(u, d, D_DROP);
}

void usb_fail(struct usb *u, struct usb_device *d, const char *why)
{
	driver_end(u, d);
	usb_say(u, d, why);
	d->tries++;
	usb_go(u, d, D_DROP);
}

void usb_free(struct usb *u, struct usb_device *d)
{
	if (u->at_zero == d)
		u->at_zero = NULL;
	if (d->hub && d->hub->state == D_RUNS)
		d->hub->as_hub.news |= 1u << d->port;
	else if (!d->hub)
		u->news[d->port] = 1;
	usb_go(u, d, D_FREE);
}

/* ---- root ports */

static void port_look(struct usb *u, unsigned port)
{
	uint32_t v = port_read(u, port);
	struct usb_device *d = usb_child(u, NULL, port);

	u->news[port] = 0;
	if (v & PORT_CHANGES)
		port_write(u, port, v & PORT_CHANGES);
	if (v & PORT_CURRENT_CHANGE && v & PORT_OVER_CURRENT) {
		char place[USB_PLACE];

		usb_place(u, NULL, place);
		rt_log("usb: %s port %u: draws too much current", place, port);
	}
	if (d && d->gone)
		return; /* looked at again when it has left */
	if (d && (!(v & PORT_CONNECTED) || (v & PORT_CONNECT_CHANGE && d->state != D_SETTLE)))
		usb_gone(u, d);
	else if (d && v & PORT_CONNECT_CHANGE)
		d->until = u->now + SETTLE_NS;
	else if (!d && v & PORT_CONNECTED)
		usb_attach(u, NULL, port);
}

static void ports_look(struct usb *u)
{
	int all = u->ports_at && u->now >= u->ports_at;

	if (u->ports_at && !all)
		wake_by(u, u->ports_at);
	for (unsigned i = 1; i <= u->x.ports; i++)
		if (all || u->news[i])
			port_look(u, i);
	if (all)
		u->ports_at = 0;
}

/* ---- what others call */

int usb_open(struct usb **to, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w)
{
	struct pci pci;
	struct usb *u;
	int error = pci_open(&pci, f, va, USB_SPACE);

	(void)w;
	if (error)
		return error;
	u = *to = pci_memory(&pci, (sizeof *u + EXO_PAGE_SIZE - 1) / EXO_PAGE_SIZE);
	if (!u) {
		rt_log("usb: no memory for a controller");
		return -ENOMEM;
	}
	u->x.pci = pci;
	u->now = rt_now();
	u->progress = 1;
	if (xhci_open(u))
		u->x.state = X_DEAD;
	return 0;
}

void usb_pump(struct usb *u, uint64_t now)
{
	int rounds = 0;

	if (!u->progress && !(u->wake && now >= u->wake) && !(u->x.state == X_RUNS && xhci_has_event(u)))
		return;
	u->now = now;
	do {
		u->wake = 0;
		u->progress = 0;
		if (!xhci_bring_up(u))
			return; /* not yet, or not any more */
		xhci_events(u);
		if (u->x.state != X_RUNS)
			continue;
		ports_look(u);
		for (struct usb_device *d = u->device; d < u->device + USB_DEVICES && u->x.state == X_RUNS; d++)
			usb_step(u, d);
		hid_repeat(u);
		report_step(u);
	} while (u->progress && ++rounds < ROUNDS);
	if (u->progress)
		wake_by(u, now); /* who keeps us busy for so long does not keep the machine */
}

int usb_serve(struct usb *const *its)
{
	struct usb *u = *its;
	const unsigned before = u->version;

	usb_pump(u, rt_now());
	return u->version != before;
}

uint64_t usb_deadline(struct usb *const *u) { return (*u)->wake; }

int usb_key(struct usb *u, struct keyboard_event *e)
{
	if (u->keys_taken == u->keys_put)
		return 0;
	*e = u->keys[u->keys_taken++ % USB_KEYS];
	u->progress = 1;
	return 1;
}

void usb_leds(struct usb *u, unsigned leds)
{
	u->progress |= u->leds != leds;
	u->leds = leds;
}

static const char *driver_of(const struct usb_device *d, char text[USB_PLACE])
{
	if (d->state == D_LEFT)
		return d->tries ? "left alone, it misbehaves" : "driven by nobody";
	if (d->state != D_RUNS)
		return "on its way";
	if (d->kind == KIND_HUB)
		return "hub";
	if (d->kind == KIND_DISK) {
		disk_text(d->disk, text, USB_PLACE);
		return text;
	}
	return d->is_boot ? "keyboard, boot protocol" : "keyboard, by its own reports";
}

size_t usb_list(struct usb *const *its, char *to, size_t max)
{
	const struct usb *u = *its;
	static const char *const state[] = { "starting", "starting", "starting", "driven", "left alone" };
	static const char *const speed[] = { "", "full speed", "low speed", "high speed", "SuperSpeed" };
	char place[USB_PLACE], text[USB_PLACE];
	size_t n = 0;

	usb_place(u, NULL, place);
	n = (size_t)fmt(to, max, "USB:       %s xHCI, %s%s, %u ports\n", place, state[u->x.state],
		u->x.state != X_RUNS || u->x.has_message ? "" : " without messages", u->x.ports);
	for (const struct usb_device *d = u->device; d < u->device + USB_DEVICES && n < max; d++) {
		if (d->state == D_FREE || d->gone)
			continue;
		usb_place(u, d, place);
		n += (size_t)fmt(to + n, max - n, "  %s  %04x:%04x %s, %s\n", place, d->vendor, d->product,
			d->speed <= SPEED_SUPER ? speed[d->speed] : speed[SPEED_SUPER], driver_of(d, text));
	}
	return n < max ? n : max - 1;
}
