/* SPDX-License-Identifier: MIT */
/* What whoever has devices driven wants of them; each driver looks at its own. */
#ifndef DEV_WANTS_H
#define DEV_WANTS_H
#include <stdint.h>
#include "keyboard.h"

struct driver_wants {
	const char *port_name;       /* of a virtio serial device: the port that is ours */
	uint16_t com;                /* the 16550's first port */
	enum keyboard_layout layout;
	int font;                    /* screen pixels a font pixel, 0: as the screen's height wants */
};
#endif
