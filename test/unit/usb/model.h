/* SPDX-License-Identifier: MIT */
/* A model of an xHCI controller and what is plugged into it: it takes what the driver writes at its word, and fails the
 * test where that names memory that was not given to it. */
#ifndef UNIT_USB_MODEL_H
#define UNIT_USB_MODEL_H
#include <dev/usb_core.h>
#include "../check.h"
#include "stick.h"

#define M_PORTS 4

/* Something with a plug. */
struct thing {
	int is_hub, speed, configured, boot, silent; /* silent: takes requests and never answers */
	int depth, warm_resets; /* of a hub at SuperSpeed: 1 + what it was told; how often it did so */
	int address;
	uint8_t device[18], config[64];
	unsigned config_size;
	int refuses_boot;
	const uint8_t *descriptor; /* of its reports */
	unsigned descriptor_size;
	uint8_t report[16], lamps[8];
	unsigned report_size, lamps_size;
	int has_report;
	struct stick *stick; /* it is one, and no keyboard */
	struct thing *behind[M_PORTS + 1];
	uint16_t status[M_PORTS + 1], change[M_PORTS + 1];
};

struct model {
	int is_deaf; /* takes commands and never answers */
	int wide, scratchpads, firmware, dead_port, random; /* a reset of dead_port never ends; random: replies by seed */
	int is_lenient; /* events are made up: what is told wrongly on their account is nobody's fault */
	uint32_t legacy, command, status, portsc[M_PORTS + 1];
	uint64_t table, ring, erst, dequeue, event_at;
	int cycle, event_cycle;
	uint64_t now;
	struct thing *root[M_PORTS + 1];
	/* at, cycle, halted, toggle: of endpoint 0, of what comes in, of what goes out */
	struct {
		int on, cycle[4], halted[4], toggle[4];
		uint64_t at[4];
		struct thing *of;
		uint32_t context[4];
	} slot[9];
	char log[65536];
};
extern struct model M;

struct usb *model_start(void);
void model_run(struct usb *u, unsigned ms);
/* All pages that were given. */
void model_free(void);
void thing_make(struct thing *t, int is_hub, int speed);
/* A thing that is a stick. */
void thing_stick(struct thing *t, int speed, struct stick *s);
void plug(struct thing *hub, unsigned port, struct thing *t);
void unplug(struct thing *hub, unsigned port);
/* The link of a hub's port at SuperSpeed fails; a warm reset mends it. */
void strand(struct thing *hub, unsigned port);
/* A report of its own. */
void tell(struct thing *t, const uint8_t *report, unsigned size);
void press(struct thing *t, uint8_t modifiers, uint8_t usage);
void model_event(uint64_t parameter, uint32_t status, uint32_t control);
#endif
