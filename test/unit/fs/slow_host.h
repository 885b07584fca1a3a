/* SPDX-License-Identifier: MIT */
/* The kind of file system that sleeps (test/guest/slowfs), on the host: while an operation sleeps, a test does what
 * others could do meanwhile. AddressSanitizer sees who used what had gone. */
#ifndef FS_SLOW_HOST_H
#define FS_SLOW_HOST_H
#include "calls.h"

extern void (*meanwhile)(void); /* once: what happens while an operation sleeps; NULL when it has happened */
extern int naps;                /* operations that slept since the start */
extern int synced;              /* syncs of data and all, and 100 for each of data only */
extern int refuse_open;         /* what the kind answers who opens a file */
extern int volumes_ended;       /* whose last inode is gone */

/* A family with /tmp/under, which the kind shows at /tmp/slow: the file in/file ("text") and `link` to it. */
void slow_start(void);
/* In the nth operation from now on that happens: the next is 1. */
void while_in(int nth, void (*others)(void));

/* What others do. */
void unmount(void);      /* lazily */
void others_remove(void); /* the file, and its folder */
#endif
