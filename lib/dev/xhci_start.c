/* SPDX-License-Identifier: MIT */
/* From a PCI function to an xHCI controller that runs: registers, the firmware's claim, reset, memory, root ports
 * (xHCI 1.2, 4.2, 4.22.1, 5 and 7). */
#include "usb_core.h"

enum { HCSPARAMS1 = 0x04, HCSPARAMS2 = 0x08, HCCPARAMS1 = 0x10, DBOFF = 0x14, RTSOFF = 0x18 };
enum { USBCMD = 0x00, USBSTS = 0x04, PAGESIZE = 0x08, CRCR = 0x18, DCBAAP = 0x30, CONFIG = 0x38, PORTS = 0x400 };
enum { CMD_RUN = 1, CMD_RESET = 2, CMD_INTERRUPTS = 4, STS_HALTED = 1, STS_FATAL = 1 << 2, STS_NOT_READY = 1 << 11,
	STS_ERROR = 1 << 12 };
enum { IMAN = 0x20, IMOD = 0x24, ERSTSZ = 0x28, ERSTBA = 0x30, ERDP = 0x38 };
enum { CAP_LEGACY = 1, FIRMWARE_OWNS = 1 << 16, SYSTEM_OWNS = 1 << 24, LEGACY_CONTROL = 4 };
#define SMI_KEEP  0x001f1feeu /* 7.1.2: reserved bits; all SMI enables off */
#define SMI_CLEAR 0xe0000000u
#define PORT_KEEP 0x0e00c200u /* 5.4.8: power, indicator, wake enables; all else acts when it is written as one */

#define FIRMWARE_NS (1000 * USB_MS)
#define HALT_NS     (100 * USB_MS) /* 5.4.1: 16 ms */
#define RESET_NS    (1000 * USB_MS)
#define LOOK_NS     (1 * USB_MS)
#define POWER_NS    (100 * USB_MS)
#define POLL_NS     (8 * USB_MS)   /* without messages */
#define RESTARTS    3
#define SCRATCHPADS 512u           /* numbers on one page */

static uint32_t op_read(struct usb *u, unsigned at) { return mmio_read(u->x.op + at); }
static void op_write(struct usb *u, unsigned at, uint32_t v) { mmio_write(u->x.op + at, v); }

static void wide_write(volatile uint8_t *at, uint64_t v)
{
	mmio_write(at, (uint32_t)v);
	mmio_write(at + 4, (uint32_t)(v >> 32));
}

static void say(struct usb *u, const char *what)
{
	uint32_t id = pci_config32(&u->x.pci, 0);
	char place[USB_PLACE];

	u->version++;
	usb_place(u, NULL, place);
	rt_log("usb: %s: xHCI %04x:%04x %s", place, id & 0xffff, id >> 16, what);
}

uint32_t port_read(struct usb *u, unsigned port) { return op_read(u, PORTS + 16 * (port - 1)); }

void port_write(struct usb *u, unsigned port, uint32_t bits)
{
	op_write(u, PORTS + 16 * (port - 1), (port_read(u, port) & PORT_KEEP) | bits);
}

/* ---- memory and registers */

static int page_open(struct usb *u, struct usb_page *p)
{
	p->page = pci_page(&u->x.pci, &p->address);
	if (!p->page || (u->x.is_narrow && p->address >> 32))
		return -ENOMEM;
	return 0;
}

/* What the controller keeps for itself: an array of the addresses of pages (4.20). */
static int scratch_open(struct usb *u)
{
	struct usb_page p;

	if (!u->x.scratchpads)
		return 0;
	if (u->x.scratchpads > SCRATCHPADS || page_open(u, &u->x.scratch))
		return -ENOMEM;
	for (unsigned i = 0; i < u->x.scratchpads; i++) {
		if (page_open(u, &p))
			return -ENOMEM;
		((uint64_t *)u->x.scratch.page)[i] = p.address;
	}
	return 0;
}

static int memory_open(struct usb *u)
{
	struct xhci *x = &u->x;
	int r = page_open(u, &x->table) | page_open(u, &x->input) | page_open(u, &x->events) | page_open(u, &x->segments) |
		page_open(u, &x->commands.page) | scratch_open(u);

	for (struct usb_device *d = u->device; !r && d < u->device + USB_DEVICES; d++)
		r = page_open(u, &d->context) | page_open(u, &d->buffer) | page_open(u, &d->control.ring.page) |
			page_open(u, &d->in.ring.page);
	for (struct usb_disk *k = u->disk; !r && k < u->disk + USB_DISKS; k++)
		r = page_open(u, &k->data) | page_open(u, &k->out.ring.page);
	return r;
}

/* 7.1: the chain of extended capabilities. */
static void legacy_find(struct usb *u, uint32_t first)
{
	uint64_t at = first * 4ul, mapped = 0;
	volatile uint8_t *page = NULL;

	for (int i = 0; at && i < 64; i++) {
		if (!page || at - at % EXO_PAGE_SIZE != mapped) {
			mapped = at - at % EXO_PAGE_SIZE;
			page = pci_map(&u->x.pci, 0, mapped, 8);
		}
		if (!page || at % EXO_PAGE_SIZE > EXO_PAGE_SIZE - 8)
			return;
		uint32_t head = mmio_read(page + at % EXO_PAGE_SIZE);
		if ((head & 0xff) == CAP_LEGACY) {
			u->x.legacy = page + at % EXO_PAGE_SIZE;
			return;
		}
		at = head >> 8 & 0xff ? at + (head >> 8 & 0xff) * 4 : 0;
	}
}

static int registers_open(struct usb *u)
{
	struct xhci *x = &u->x;
	uint32_t head, one, two, caps;

	x->cap = pci_map(&x->pci, 0, 0, 0x20);
	if (!x->cap || (head = mmio_read(x->cap)) == UINT32_MAX)
		return -ENODEV;
	one = mmio_read(x->cap + HCSPARAMS1);
	two = mmio_read(x->cap + HCSPARAMS2);
	caps = mmio_read(x->cap + HCCPARAMS1);
	x->slots = one & 0xff;
	x->ports = one >> 24 < USB_PORTS ? one >> 24 : USB_PORTS;
	x->context_size = caps & 4 ? 64 : 32;
	x->is_narrow = !(caps & 1);
	x->scratchpads = (two >> 21 & 31) << 5 | two >> 27;
	x->op = pci_map(&x->pci, 0, head & 0xff, PORTS + 16 * x->ports);
	x->runtime = pci_map(&x->pci, 0, mmio_read(x->cap + RTSOFF) & ~31u, 0x40);
	x->doorbell = pci_map(&x->pci, 0, mmio_read(x->cap + DBOFF) & ~3u, 4 * (x->slots + 1));
	if (!x->op || !x->runtime || !x->doorbell || !x->slots || !x->ports)
		return -ENODEV;
	legacy_find(u, caps >> 16);
	return op_read(u, PAGESIZE) & 1 ? 0 : -ENODEV;
}

int xhci_open(struct usb *u)
{
	int r = registers_open(u);

	if (r)
		say(u, "is left alone: its registers cannot be used");
	else if ((r = memory_open(u)) != 0)
		say(u, "is left alone: no memory that it can reach");
	if (r)
		return r;
	u->x.has_message = pci_message(&u->x.pci, 0) >= 0;
	u->x.state = X_OWNER;
	if (u->x.legacy)
		mmio_write(u->x.legacy, mmio_read(u->x.legacy) | SYSTEM_OWNS);
	u->x.limit = u->now + FIRMWARE_NS;
	return 0;
}

/* ---- bringing it up */

static void halt(struct usb *u)
{
	op_write(u, USBCMD, op_read(u, USBCMD) & ~(uint32_t)(CMD_RUN | CMD_INTERRUPTS));
	u->x.state = X_HALT;
	u->x.limit = u->now + HALT_NS;
}

static void dead(struct usb *u, const char *why)
{
	say(u, why);
	u->x.state = X_DEAD;
}

static void run(struct usb *u)
{
	struct xhci *x = &u->x;
	const char *how = "without messages";

	memset(x->table.page, 0, EXO_PAGE_SIZE);
	if (x->scratchpads)
		*(uint64_t *)x->table.page = x->scratch.address;
	memset(x->events.page, 0, EXO_PAGE_SIZE);
	x->event_at = 0;
	x->event_cycle = 1;
	x->asked = NULL;
	ring_start(&x->commands);
	((uint64_t *)x->segments.page)[0] = x->events.address; /* 6.5 */
	((uint64_t *)x->segments.page)[1] = EXO_PAGE_SIZE / sizeof(struct trb);
	if (pci_master(&x->pci)) {
		dead(u, "is left alone: it may not reach memory");
		return;
	}
	op_write(u, CONFIG, x->slots);
	wide_write(x->op + DCBAAP, x->table.address);
	wide_write(x->op + CRCR, x->commands.page.address | 1);
	mmio_write(x->runtime + ERSTSZ, 1);
	wide_write(x->runtime + ERDP, x->events.address);
	wide_write(x->runtime + ERSTBA, x->segments.address);
	mmio_write(x->runtime + IMOD, 0);
	mmio_write(x->runtime + IMAN, 3);
	op_write(u, USBCMD, CMD_RUN | CMD_INTERRUPTS);
	x->state = X_RUNS;
	for (unsigned i = 1; i <= x->ports; i++)
		port_write(u, i, PORT_POWER);
	u->ports_at = u->now + POWER_NS;
	if (x->has_message)
		how = x->pci.record->msix ? "by MSI-X" : "by MSI";
	char what[96];
	(void)fmt(what, sizeof what, "is driven %s: %u ports, %u slots, contexts of %u bytes, %u scratchpads", how,
		x->ports, x->slots, x->context_size, x->scratchpads);
	say(u, what);
}

static void owner_step(struct usb *u)
{
	volatile uint8_t *legacy = u->x.legacy;

	if (legacy && mmio_read(legacy) & FIRMWARE_OWNS) {
		if (u->now < u->x.limit)
			return;
		say(u, "is not let go by the firmware, and taken all the same");
		mmio_write(legacy, (mmio_read(legacy) & ~(uint32_t)FIRMWARE_OWNS) | SYSTEM_OWNS);
	}
	if (legacy)
		mmio_write(legacy + LEGACY_CONTROL, (mmio_read(legacy + LEGACY_CONTROL) & SMI_KEEP) | SMI_CLEAR);
	halt(u);
}

static void reset_step(struct usb *u)
{
	if (u->x.state == X_HALT) {
		if (op_read(u, USBSTS) & STS_HALTED) {
			op_write(u, USBCMD, CMD_RESET);
			u->x.state = X_RESET;
			u->x.limit = u->now + RESET_NS;
		} else if (u->now >= u->x.limit) {
			dead(u, "is left alone: it does not halt");
		}
		return; /* 4.2: after the bit, nothing is read for a millisecond (Intel's need that) */
	}
	if (!(op_read(u, USBCMD) & CMD_RESET) && !(op_read(u, USBSTS) & STS_NOT_READY))
		run(u);
	else if (u->now >= u->x.limit)
		dead(u, "is left alone: its reset does not end");
}

static void forget(struct usb *u)
{
	for (struct usb_device *d = u->device; d < u->device + USB_DEVICES; d++) {
		if (d->kind == KIND_KEYBOARD && d->state == D_RUNS)
			hid_release(u, d);
		disk_release(d);
		d->state = D_FREE;
	}
	u->keyboards = 0;
	u->at_zero = NULL;
	u->x.asked = NULL;
	memset(u->by_slot, 0, sizeof u->by_slot);
	memset(u->news, 0, sizeof u->news);
}

void xhci_fail(struct usb *u, const char *why)
{
	forget(u);
	say(u, why);
	if (u->x.restarts++ < RESTARTS)
		halt(u);
	else
		dead(u, "is left alone: it fails again and again");
}

int xhci_bring_up(struct usb *u)
{
	struct xhci *x = &u->x;

	if (x->state != X_DEAD && op_read(u, USBSTS) == UINT32_MAX) {
		forget(u);
		dead(u, "is gone");
	}
	if (x->state == X_RUNS && op_read(u, USBSTS) & (STS_FATAL | STS_ERROR))
		xhci_fail(u, "reports an error of its own");
	if (x->state == X_RUNS && x->asked && u->now >= x->asked_until)
		xhci_fail(u, "does not answer a command");
	if (x->state == X_OWNER)
		owner_step(u);
	else if (x->state == X_HALT || x->state == X_RESET)
		reset_step(u);
	if (x->state < X_RUNS)
		wake_by(u, u->now + LOOK_NS);
	if (x->state == X_RUNS && x->asked)
		wake_by(u, x->asked_until);
	if (x->state == X_RUNS && !x->has_message)
		wake_by(u, u->now + POLL_NS);
	return x->state == X_RUNS;
}
