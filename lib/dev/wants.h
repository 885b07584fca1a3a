/* SPDX-License-Identifier: MIT */
/* What whoever has devices driven wants of them; each driver looks at its own. */
#ifndef DEV_WANTS_H
#define DEV_WANTS_H
#include <stdint.h>
#include "keyboard.h"

/* A 16550, as exo/facts.h has it: its first port or physical address, 0: there is none. */
struct serial_place { uint64_t base; uint32_t step, divisor; };

struct driver_wants {
	const char *port_name;       /* of a virtio serial device: the port that is ours */
	struct serial_place serial;  /* the 16550 */
	enum keyboard_layout layout;
	int font;                    /* screen pixels a font pixel, 0: as the screen's height wants */
};
#endif
