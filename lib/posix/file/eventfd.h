/* SPDX-License-Identifier: MIT */
/* eventfd(2), for who tells of something by one. Family lock held. */
#ifndef POSIX_EVENTFD_H
#define POSIX_EVENTFD_H

struct file;

#pragma GCC visibility push(hidden)
int  is_eventfd(const struct file *f);
void eventfd_signal(struct file *f); /* counts one more, unless it is full; f is one */
#pragma GCC visibility pop
#endif
