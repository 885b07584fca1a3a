/* SPDX-License-Identifier: MIT */
/* Private to the USB driver (xhci*.c, usb*.c): a controller, what it shares with its memory, and the devices behind it.
 * Sections: xHCI 1.2, USB 2.0, HID 1.11, USB Mass Storage Class Bulk-Only Transport 1.0 (BOT). */
#ifndef DEV_USB_CORE_H
#define DEV_USB_CORE_H
#include <asm/errno.h>
#include <base/fmt.h>
#include <base/string.h>
#include <rt/log.h>
#include "fat.h"
#include "hid_report.h"
#include "mmio.h"
#include "pci.h"
#include "usb.h"

#define USB_MS      1000000ul
#define USB_DEVICES 32
#define USB_PORTS   64
#define USB_KEYS    64
#define USB_DISKS   4
#define USB_PLACE   48 /* characters of a device's name */
#define HUB_PORTS   15 /* as many as a route has numbers for (8.9) */

/* 4.11, 6.4 */
struct trb { uint64_t parameter; uint32_t status, control; };
enum { TRB_NORMAL = 1, TRB_SETUP, TRB_DATA, TRB_STATUS, TRB_LINK = 6, TRB_ENABLE_SLOT = 9, TRB_DISABLE_SLOT,
	TRB_ADDRESS,
	TRB_CONFIGURE, TRB_EVALUATE, TRB_RESET_ENDPOINT, TRB_STOP_ENDPOINT, TRB_SET_DEQUEUE,
	TRB_TRANSFER_EVENT = 32, TRB_COMMAND_EVENT, TRB_PORT_EVENT, TRB_CONTROLLER_EVENT = 37 };
enum { CODE_SUCCESS = 1, CODE_BABBLE = 3, CODE_TRANSACTION = 4, CODE_STALL = 6, CODE_SHORT = 13, CODE_STOPPED = 26,
	CODE_STOPPED_SHORT = 28, CODE_SPLIT = 36 };
#define TRB(type) ((uint32_t)(type) << 10)

struct usb_page { uint8_t *page; uint64_t address; };
struct usb_ring { struct usb_page page; uint16_t at; uint8_t cycle; };

/* One command that was given, and its answer. */
struct usb_command { enum { COMMAND_NONE, COMMAND_BUSY, COMMAND_DONE } state; uint8_t code, slot; };

/* An endpoint: one transfer at a time. */
struct usb_pipe {
	struct usb_ring ring;
	struct usb_command command;
	/* BEHIND: it points before what failed */
	enum { PIPE_IDLE, PIPE_BUSY, PIPE_HALTED, PIPE_BEHIND, PIPE_DONE } state;
	uint8_t place;              /* of its context in the device's */
	uint8_t is_stuck;           /* what was given is with the controller still */
	int result;                 /* of PIPE_DONE: 0, -EPIPE refused, -EIO, -ETIMEDOUT */
	uint16_t size, got;         /* bytes wanted and moved */
	uint64_t first, data, last; /* the transfer's TRBs, as events name them */
	uint64_t until;             /* 0: it may take for ever */
};

enum usb_state {
	D_FREE,
	D_SETTLE,   /* plugged in; the contacts bounce */
	D_RESET, D_RECOVER, D_SLOT, D_ADDRESS,
	D_DEVICE8, D_EVALUATE, D_DEVICE, D_CONFIG9, D_CONFIG,
	D_ENDPOINT, D_SET,
	D_RUNS,     /* usb_hub.c's, usb_hid.c's or usb_disk.c's */
	D_DROP,     /* its slot is given back: it failed, or is gone */
	D_DISABLE,  /* its port is switched off */
	D_LEFT,     /* nobody's, until it is pulled out */
};
enum usb_speed { SPEED_FULL = 1, SPEED_LOW, SPEED_HIGH, SPEED_SUPER };
enum usb_kind { KIND_NONE, KIND_HUB, KIND_KEYBOARD, KIND_DISK };

struct usb_hub {
	uint8_t phase, ports, job, port, bit, think;
	uint16_t status, change;    /* of the port that is looked at */
	uint32_t news, good_ms;     /* ports to look at; how long power takes */
	uint64_t look_at;
};
struct usb_hid {
	uint8_t phase, errors, leds, setting, keys; /* keys: how many are down, beside modifiers */
	uint32_t down[HID_USAGES / 32];
	struct hid_layout layout;
};

struct usb_out { uint8_t endpoint; uint16_t packet; }; /* of a disk, beside the one that brings things in */

/* A command that goes over bulk pipes. */
struct usb_bulk {
	uint8_t phase, is_again;    /* is_again: its status was refused once */
	uint32_t tag, got;          /* got: bytes that moved */
};
/* One of the few disks that there may be. Its pages stay. */
struct usb_disk {
	struct usb_device *of;      /* NULL: free */
	struct usb_page data;       /* one block, or some of the report */
	struct usb_pipe out;
	struct usb_bulk bulk;
	uint8_t phase, failures, is_sensing, key, code; /* key, code: of the last failure (SPC-2, 7.23) */
	uint8_t is_wanted, is_written; /* a report is to be written, and not over; it was */
	uint32_t block, at, size;   /* at, size: bytes of the report's file: written, and that are on their way */
	uint64_t blocks, until, look_at;
	const char *why;            /* it was not */
	struct fat_search search;
};

struct usb_device {
	enum usb_state state;
	enum usb_kind kind;
	struct usb_device *hub;     /* NULL: at a root port */
	uint8_t port, root_port, tier, slot, speed, tries, gone, is_reset, is_asked, tt_slot, tt_port;
	uint8_t configuration, interface, endpoint, interval, want_slot, is_dropping;
	uint8_t is_boot, which;     /* speaks the boot protocol; which interface is looked at (configuration_read) */
	uint16_t packet, endpoint_packet, vendor, product, config_size, report_size;
	uint32_t route;
	uint64_t until, look_at;
	struct usb_page context, buffer;
	struct usb_command command;
	struct usb_pipe control, in; /* in: its interrupt endpoint, of a disk the bulk one */
	struct usb_disk *disk;      /* its place, as long as the controller may know of it */
	union { struct usb_hub as_hub; struct usb_hid as_hid; struct usb_out as_disk; };
};

struct xhci {
	struct pci pci;
	volatile uint8_t *cap, *op, *runtime, *doorbell, *legacy;
	unsigned slots, ports, context_size, scratchpads;
	enum { X_OWNER, X_HALT, X_RESET, X_RUNS, X_DEAD } state;
	uint8_t restarts, has_message, is_narrow, is_wild;
	uint64_t limit;             /* of this state */
	struct usb_page table, input, events, segments, scratch;
	struct usb_ring commands;
	uint16_t event_at;
	uint8_t event_cycle;
	struct usb_command *asked;  /* whose command is under way */
	uint64_t asked_trb, asked_until;
};

struct usb {
	struct xhci x;
	uint64_t now, wake;
	int progress;
	unsigned keyboards, leds, version;
	struct usb_device *at_zero; /* who has, or is about to have, address 0 */
	uint8_t news[USB_PORTS + 1];
	uint64_t ports_at;          /* when all ports are looked at */
	struct { struct usb_device *by; struct keyboard_event key; uint64_t at; } repeat;
	struct keyboard_event keys[USB_KEYS];
	unsigned keys_put, keys_taken;
	struct usb_disk disk[USB_DISKS];
	struct {
		enum { REPORT_NONE, REPORT_WAITS, REPORT_RUNS, REPORT_DONE } state;
		int result;             /* of REPORT_DONE, as usb_report_end has it */
		struct usb_report what;
		unsigned disk, version; /* which one is asked; u->version when it was last seen to change */
		uint64_t quiet_at, until;
		size_t size;            /* of the text */
		char place[USB_PLACE], text[USB_REPORT_TEXT]; /* place: of the disk that is asked */
	} report;
	struct usb_device device[USB_DEVICES];
	struct usb_device *by_slot[256];
};

static inline void wake_by(struct usb *u, uint64_t at)
{
	if (!u->wake || at < u->wake)
		u->wake = at;
}

/* ---- xhci_start.c */
/* Memory and registers: 0 or negative, with a line. */
int xhci_open(struct usb *u);
/* Takes it from the firmware, resets and starts it: true once it runs. */
int xhci_bring_up(struct usb *u);
/* Something is wrong with the controller itself: it is reset, some times; then left. All devices are forgotten. */
void xhci_fail(struct usb *u, const char *why);
/* Register of a port: read; write one out of PORT_ (the others stay). */
enum { PORT_CONNECTED = 1, PORT_ENABLED = 2, PORT_OVER_CURRENT = 8, PORT_RESET = 0x10, PORT_POWER = 0x200,
	PORT_CONNECT_CHANGE = 1 << 17, PORT_CURRENT_CHANGE = 1 << 20, PORT_CHANGES = 0xfe0000 };
uint32_t port_read(struct usb *u, unsigned port);
void port_write(struct usb *u, unsigned port, uint32_t bits);

/* ---- xhci.c */
void ring_start(struct usb_ring *r);
/* Gives a command in its turn. 0: under way; 1: done, c->slot is its slot; negative: refused, c->code says why. */
int xhci_command(struct usb *u, struct usb_command *c, uint64_t parameter, uint32_t control);
/* The input context for d: its slot's, and, with `add` bit 1, endpoint 0's, with the bits of its other pipes' places
 * theirs. Those of a device that runs are dropped and added anew. */
void xhci_input(struct usb *u, struct usb_device *d, uint32_t add);
/* Gives a transfer: with the setup packet, then size bytes of d->buffer; or of another pipe, so many bytes at that
 * address, which may take `patience` ns, 0: for ever. */
void xhci_control(struct usb *u, struct usb_device *d, uint64_t setup, uint16_t size);
void xhci_transfer(struct usb *u, struct usb_device *d, struct usb_pipe *p, uint64_t address, uint16_t size,
	uint64_t patience);
/* What a failed transfer leaves behind, and those that take too long. */
void pipe_step(struct usb *u, struct usb_device *d, struct usb_pipe *p);
int xhci_has_event(const struct usb *u);
void xhci_events(struct usb *u);

/* ---- usb.c */
void usb_place(const struct usb *u, const struct usb_device *d, char to[USB_PLACE]);
void usb_say(const struct usb *u, const struct usb_device *d, const char *what);
void usb_go(struct usb *u, struct usb_device *d, enum usb_state state);
/* Names it, gives it back, tries again or leaves it. */
void usb_fail(struct usb *u, struct usb_device *d, const char *why);
void usb_attach(struct usb *u, struct usb_device *hub, unsigned port);
/* Begins anew as *fresh says; the pages stay this place's. */
void usb_renew(struct usb_device *d, const struct usb_device *fresh);
/* It was pulled out, and so is what hangs on it. */
void usb_gone(struct usb *u, struct usb_device *d);
struct usb_device *usb_child(struct usb *u, const struct usb_device *hub, unsigned port);
/* Its place is free for another. */
void usb_free(struct usb *u, struct usb_device *d);

/* ---- usb_device.c */
/* One step of a device. */
void usb_step(struct usb *u, struct usb_device *d);
/* A request to endpoint 0 (USB 2.0, 9.3; type in the low byte, request in the high). 0: under way; 1: done, with
 * d->control.got bytes in the buffer; negative: as usb_pipe.result. */
int usb_ask(struct usb *u, struct usb_device *d, unsigned type_request, unsigned value, unsigned index, unsigned size);
/* A command that reads the input context, which is filled for the device that gives it now (xhci_input's add): as
 * xhci_command. */
int usb_input_command(struct usb *u, struct usb_device *d, uint32_t add, unsigned type);
#define DEVICE_BUFFER 2048 /* bytes for requests; the interrupt endpoint's, or a disk's short messages, follow */
_Static_assert(DEVICE_BUFFER + HID_BYTES <= EXO_PAGE_SIZE, "both lie on one page");

/* ---- usb_hub.c, usb_hid.c, usb_disk.c: a step of D_RUNS */
void hub_step(struct usb *u, struct usb_device *d);
void hid_step(struct usb *u, struct usb_device *d);
void disk_step(struct usb *u, struct usb_device *d);
/* Its ports are on, and looked at. */
int hub_is_settled(const struct usb_device *d);
/* All its keys come up. */
void hid_release(struct usb *u, struct usb_device *d);
void hid_repeat(struct usb *u);

/* ---- usb_disk.c */
/* Takes the first interface of a configuration that is a disk by the bulk-only transport, for d. */
void disk_find(struct usb_device *d, const uint8_t *at, unsigned size);
/* A place for it among the disks: false when there is none. */
int disk_take(struct usb *u, struct usb_device *d);
/* The controller no longer knows of it. */
void disk_release(struct usb_device *d);
/* What it is, for the list. */
void disk_text(const struct usb_disk *k, char *to, size_t max);
/* It knows what it is, or that it is nothing to us. */
int disk_is_settled(const struct usb_disk *k);
/* Begins to write u->report into the file on it: over when k->is_wanted falls. */
void disk_report(struct usb *u, struct usb_disk *k);

/* ---- usb_bulk.c */
#define BULK_SHORT (DEVICE_BUFFER + 256) /* in d->buffer: short answers to commands, behind what goes around them */
/* size, address: of the data, on its way out of memory or into it. */
struct bulk_command { const uint8_t *cdb; uint8_t cdb_size, is_out; uint16_t size; uint64_t address; };
/* One command, the same until it is over. 0: under way; 1: done, k->bulk.got bytes moved; -EPIPE: the device says that
 * it failed; -EIO: the way there failed, and was made anew; -ENODEV: and could not be. */
int bulk_ask(struct usb *u, struct usb_device *d, const struct bulk_command *c);

/* ---- usb_report.c */
void report_step(struct usb *u);
#endif
