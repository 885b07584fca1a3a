/* SPDX-License-Identifier: MIT */
/* One named port of a virtio serial device (virtio 1.2, 5.3): bytes in and out, never waiting once it is open. */
#ifndef DEV_VIRTIO_SERIAL_H
#define DEV_VIRTIO_SERIAL_H
#include "virtio.h"
#include "wants.h"

#define VSERIAL_PORTS 4  /* of the device's that are looked at */
#define VSERIAL_OUT   64 /* pages in each direction; VIRTQUEUE_SIZE at most */
#define VSERIAL_IN    64
#define VSERIAL_CONTROL 8
#define VSERIAL_SPACE (2ul << 20) /* of addresses */

struct vserial {
	struct virtio virtio;
	struct virtqueue control_in, control_out, in[VSERIAL_PORTS], out[VSERIAL_PORTS];
	unsigned ports, port;         /* that it has; the one that is ours */
	int found, broken;
	int line;                     /* of msi_bits; negative: the device sends no messages */
	int silent;                   /* it does not send them: whoever waits has to look now and then */
	int streams;                  /* it is asked for none, since so much comes */
	uint16_t heard;               /* so many buffers had come back at the last look */
	uint64_t unheard;             /* since when something is here that no message told of; 0: nothing is */
	/* run: of the first page of a buffer that the device has, how many pages it is; 0: of any other. */
	struct { uint8_t *page; uint64_t address; uint32_t size, run; int busy; } put[VSERIAL_OUT], got[VSERIAL_IN], saying,
		control[VSERIAL_CONTROL];
	unsigned filling, busy;       /* page that is being filled; how many are full or the device's */
	unsigned giving, full;        /* first page that is full and not yet the device's, and how many there are */
	uint16_t told, told_back;     /* so many buffers were given when it was told last, either way */
	unsigned reading, read_at, readable; /* page that is being read, from where on; there is one */
};

/* A row's open (drivers.def). Finds the port that is wanted: 0; -ENODEV: there is none of that name; other errors as
 * of virtio_open. Waits for the device's first word a second at most, and a quarter of one for each further. */
int vserial_open(struct vserial *s, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w);
/* True: vserial_write takes n bytes now. */
int vserial_has_room(struct vserial *s, size_t n);
/* As much as there is room for. */
size_t vserial_write(struct vserial *s, const void *from, size_t n);
/* Gives the device what was written. */
void vserial_flush(struct vserial *s);
/* True when all that was given has left. */
int vserial_idle(struct vserial *s);
/* Another number each time that something has left. */
uint32_t vserial_sent(struct vserial *s);
size_t vserial_read(struct vserial *s, void *to, size_t max);
/* After each look at what has come. messages: msi_bits that were set since the last one; now: ns. True: look again
 * soon, since its messages do not come, or may not. Of those that are lost one alone costs the time to the next look
 * for another reason; from then on they are not relied on. */
int vserial_watch(struct vserial *s, uint64_t messages, uint64_t now);
#endif
