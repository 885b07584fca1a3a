/* SPDX-License-Identifier: MIT */
/* A server of 9P2000.L on the host, for the kind "9p": its root has file ("aaaaaaaa"), folder with the same in it, and
 * link to file; folder has sub, a folder with file and link, and way, a link to sub. */
#ifndef FS_P9_HOST_H
#define FS_P9_HOST_H
#include "calls.h"
#include <fs/p9.h>

/* Changes an answer of `size` bytes before it is given; *said: how many are given, at most SHARE_MESSAGE. */
extern void (*p9_mangle)(uint8_t *reply, uint32_t size, uint32_t *said);
extern unsigned p9_asked[256];  /* messages of each type since the start */
extern unsigned p9_slots_taken; /* and not given back */
extern unsigned p9_fids;        /* that the server knows */
extern uint64_t p9_made_in;     /* number of the folder in which something was made last */
extern int p9_gone;             /* the server has lost the path of `file` */
#endif
