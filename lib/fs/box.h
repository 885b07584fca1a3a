/* SPDX-License-Identifier: MIT */
/* /dev/box, as programs see it: each open file stands for one box that is to be, and ends it with the last close. What
 * is read and written, when it is there, are frames of the channel that its monitor speaks (apps/linux/monitor_run.c);
 * a read gives 0 and a write EPIPE when it has ended. */
#ifndef FS_BOX_H
#define FS_BOX_H
#include <stdint.h>

#define BOX_NAME_SIZE 16
#define BOX_PLACES 64 /* of boxes, of one family */
/* What a box is to have: pages of memory, environments (processes and some more), homes of addresses beside those of
 * its memory, percent of the time that the caller's family was given (a slice at least, of which a machine has 64).
 * app: whose first env it has instead of this library OS's, of /aril in the root image; BOX_APP_SENT: its ELF file
 * comes before the settings, as frames B to an empty one; empty: this one's. */
#define BOX_APP_SENT "."
struct box_wants { char name[BOX_NAME_SIZE], app[BOX_NAME_SIZE]; uint32_t frames, envs, homes, percent; };
/* What is known of one: state 0 there is none yet, 1 it runs, 2 it has ended, and why. limit, used: frames, envs,
 * homes, slices, of the box and of all boxes in it; slices: of the family's; env: the name of its first one; taken:
 * pages that it did not give back in time. */
struct box_tells {
	char name[BOX_NAME_SIZE];
	uint64_t env;
	uint32_t state, limit[4], used[4], slices, taken;
	char why[104];
};
/* The memory that one shall have, pages, at most as many as it began with; it has so many ms to give back what it uses
 * of the rest. */
struct box_sizes { char name[BOX_NAME_SIZE]; uint32_t frames, within_ms; };

/* ioctl: 0; EBUSY there is one, EEXIST another has that name, EAGAIN no place for another, ENOMEM not so much is left,
 * EINVAL too little to begin with. */
#define BOX_MAKE _IOW('X', 1, struct box_wants)
/* Of this file's; ENXIO before it is made. */
#define BOX_TELL _IOR('X', 2, struct box_tells)
/* The end of the box with that name, of the caller's family: 0 or ESRCH. */
#define BOX_KILL _IOW('X', 3, char[BOX_NAME_SIZE])
/* The n-th of the family's, from 0 on, n in state: ENXIO, there is none in that place. */
#define BOX_LIST _IOWR('X', 4, struct box_tells)
/* 0 when it has that size; ESRCH: there is no such box of the family, or it has ended meanwhile; EINVAL: too little, or
 * more than it began with; ENOMEM: not so much is left. */
#define BOX_SIZE _IOW('X', 5, struct box_sizes)
#endif
