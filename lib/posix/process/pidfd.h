/* SPDX-License-Identifier: MIT */
/* What processes' records and waiting need of pidfd.c. Family lock held. */
#ifndef POSIX_PIDFD_H
#define POSIX_PIDFD_H

struct task;

int  pidfd_new(struct task *t, unsigned flags); /* a descriptor that is closed at exec, or -errno. flags: O_NONBLOCK or 0 */
/* Its process: NULL with *error, -EBADF or (it has been waited for) -ESRCH. *flags: the open file's */
struct task *pidfd_task(int fd, int *error, unsigned *flags);
int  pidfd_pid(int fd, int *no_wait);           /* -EBADF when it is none, -ECHILD when its process has been waited for */
void pidfd_undo(const struct task *t);          /* the same child was not made after all: closed */
void pidfds_wake(struct task *t);               /* it has ended */
int  pidfd_find(const struct task *t);          /* the caller's descriptor of a child that it has just made, or -1 */
void pidfds_leave(struct task *t);              /* its record goes */
#endif
