/* SPDX-License-Identifier: MIT */
/* A kind of file system for tests, `mount -t slow FOLDER PLACE`: it shows a folder of the tree in memory, and writes
 * it, and sleeps in every operation. Who links it says how. */
#ifndef TEST_SLOW_H
#define TEST_SLOW_H
#include <fs/files.h>

enum slow_op { SLOW_MAKE, SLOW_LOOKUP, SLOW_READ_DIR, SLOW_LINK_TEXT, SLOW_CREATE, SLOW_LINK, SLOW_REMOVE, SLOW_RENAME,
	SLOW_CHANGE, SLOW_REFRESH, SLOW_OPEN, SLOW_READ, SLOW_WRITE, SLOW_SYNC, SLOW_SYNC_DATA,
	SLOW_END /* the volume goes: nobody may sleep */ };

#pragma GCC visibility push(hidden)
/* Sleeps before the operation does what it does. 0, or what it answers instead. */
int slow_nap(struct volume *v, enum slow_op op);
extern const struct fs_ops slow_kind;
#pragma GCC visibility pop
#endif
