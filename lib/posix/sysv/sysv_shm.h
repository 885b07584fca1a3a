/* SPDX-License-Identifier: MIT */
/* Private to sysv_shm.c and sysv_attach.c: a shared memory segment. */
#ifndef POSIX_SYSV_SHM_H
#define POSIX_SYSV_SHM_H
#include "sysv.h"

struct segment {
	struct ipc ipc;
	struct inode *file; /* a reference is held until it is removed */
	uint64_t size;
	long atime, dtime, ctime;
	int creator, last;
};
#endif
