/* SPDX-License-Identifier: MIT */
/* All devices that one env drives, by the rows of drivers.def: who takes them, when, and what becomes of their
 * interrupts and deadlines. What they give is taken from each driver itself. */
#ifndef DEV_DRIVERS_H
#define DEV_DRIVERS_H
#include "screen.h"
#include "serial.h"
#include "usb.h"
#include "virtio_9p.h"
#include "virtio_rng.h"
#include "virtio_serial.h"
#include "wants.h"

enum driver {
#define DRIVER(name, ...) DRIVER_##name,
#include "drivers.def"
#undef DRIVER
	DRIVERS
};

/* So many addresses, and in which order, all drivers have for their pages. */
struct driver_spaces {
#define DRIVER(name, state, most, space, ...) uint8_t name[most][space];
#include "drivers.def"
#undef DRIVER
};

#define DRIVER_MOST 8 /* devices of one row */
struct drivers {
	struct driver_wants wants;
	uint64_t va; /* sizeof(struct driver_spaces) bytes from there on are nobody else's; on a 2 MiB boundary */
	int is_new;  /* what drivers_list says has changed */
	struct { unsigned count; const volatile struct exo_pci *function[DRIVER_MOST]; } held[DRIVERS];
	/* Each row's devices, by its name. */
#define DRIVER(name, state, most, ...) state name[most];
#include "drivers.def"
#undef DRIVER
};

/* Takes what devices there are for that row, as many as it drives; wants and va are set. 0: one at least; -ENODEV:
 * there is none; other errors of the row's open. */
int drivers_open(struct drivers *d, enum driver n);
/* After any of irq_bits, before their bytes are taken. */
void drivers_interrupt(struct drivers *d, uint32_t irq);
/* Takes all steps that are due; never waits. True: drivers_list has something else to say. */
int drivers_step(struct drivers *d);
/* When the next step is due, ns of rt_now; 0 = not before an event. */
uint64_t drivers_deadline(const struct drivers *d);
/* Who drives what: lines. Length, at most max. */
size_t drivers_list(const struct drivers *d, char *to, size_t max);
#endif
