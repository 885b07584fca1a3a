/* SPDX-License-Identifier: MIT */
/* One named port of a virtio serial device (virtio 1.2, 5.3): bytes in and out, never waiting once it is open. */
#ifndef DEV_VIRTIO_SERIAL_H
#define DEV_VIRTIO_SERIAL_H
#include "virtio.h"

#define VSERIAL_PORTS 4  /* of the device's that are looked at */
#define VSERIAL_OUT   64 /* pages in each direction */
#define VSERIAL_IN    16
#define VSERIAL_CONTROL 8
#define VSERIAL_SPACE (2ul << 20) /* of addresses */

struct vserial {
	struct virtio virtio;
	struct virtqueue control_in, control_out, in[VSERIAL_PORTS], out[VSERIAL_PORTS];
	unsigned ports, port;         /* that it has; the one that is ours */
	int found, broken;
	struct { uint8_t *page; uint64_t address; uint32_t size; int busy; } put[VSERIAL_OUT], got[VSERIAL_IN], saying,
		control[VSERIAL_CONTROL];
	unsigned filling, busy;       /* page that is being filled; how many the device has */
	uint16_t told;                /* so many were given when it was told last */
	unsigned reading, read_at, readable; /* page that is being read, from where on; there is one */
};

/* Finds the port, in pages of [va, va + VSERIAL_SPACE): 0; -ENODEV: there is none of that name; other errors as of
 * virtio_open. Waits for the device's first word a second at most, and a quarter of one for each further. */
int vserial_open(struct vserial *s, const char *name, uint64_t va);
/* As much as there is room for. */
size_t vserial_room(struct vserial *s);
size_t vserial_write(struct vserial *s, const void *from, size_t n);
/* Gives the device what was written. */
void vserial_flush(struct vserial *s);
/* True when all that was given has left. */
int vserial_idle(struct vserial *s);
size_t vserial_read(struct vserial *s, void *to, size_t max);
#endif
