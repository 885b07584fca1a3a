/* SPDX-License-Identifier: MIT */
/* Contexts of asynchronous I/O, for who ends a process or tells of them. Family lock held. */
#ifndef POSIX_AIO_H
#define POSIX_AIO_H
#include <stdint.h>

struct task;

#pragma GCC visibility push(hidden)
void aio_drop(struct task *t);  /* all of a process, whose memory goes */
uint64_t aio_count(void);       /* events that all contexts were made for */
void aio_serve(struct task *t); /* aio_poll.c: the caller's process: requests that were told of something */
#pragma GCC visibility pop
#endif
