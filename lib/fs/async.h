/* SPDX-License-Identifier: MIT */
/* Signals that tell of a file's events (O_ASYNC): what files and the calls about them need of async.c. Include asm/siginfo.h for the bands. */
#ifndef POSIX_ASYNC_H
#define POSIX_ASYNC_H
#include <asm/siginfo.h>
#include "files.h"

int  async_can(const struct file *f);               /* a pipe, a socket, a terminal */
int  async_set(struct file *f, int fd, int on);     /* O_ASYNC: 0 or -ENOMEM. fd: what si_fd will be */
/* A lease of a file, not O_ASYNC: the caller's process is told unless somebody else is to be: 0 or -ENOMEM; it is told;
 * nobody is any more. */
int  async_own(struct file *f, int fd);
void async_event(struct file *f, int band);
void async_disown(struct file *f);
long async_fcntl(struct file *f, int command, uint64_t arg); /* F_SETOWN, F_SETSIG and their kin; -EINVAL: another command */

/* Something came to a pipe, socket or terminal (POLL_IN), or went (POLL_OUT), or its other side is gone (POLL_HUP). */
static inline void async_notify(const void *object, int band)
{
	if (fs_family()->asyncs)
		async_tell(object, band);
}
#endif
