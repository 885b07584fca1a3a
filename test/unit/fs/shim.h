/* SPDX-License-Identifier: MIT */
/* What the tests of the file half see of the host's stand-in for the process half. */
#ifndef FS_SHIM_H
#define FS_SHIM_H
#include <linux/stat.h> /* before libc, which would leave its S_ names out */
#include "../check.h"
#include <posix/posix.h>
#include <posix/process/task.h>

#define SHIM_TASKS 4
extern struct task shim_task[SHIM_TASKS]; /* pids 1.., each a live process while pid is set */
extern int shim_current;                  /* index of the one that calls */
extern int (*shim_sleep)(void *channel, uint64_t deadline); /* what happens while the caller sleeps; NULL: -EINTR */
extern int shim_signals[65], shim_group_of[65];             /* how often each was sent, and to which group last */
extern int shim_blocked, shim_orphaned;   /* signal ignored or blocked; group is orphaned */
extern long shim_allocations, shim_pages; /* live */
extern long shim_page_limit;              /* fam_pages refuses beyond */
extern uint64_t shim_clock;

/* System with image FS_IMAGE mounted and one process, pid 100, session and group 100. */
void shim_start(void);
/* Another process with a copy of the caller's files: its index. */
int  shim_fork(void);
#endif
