/* SPDX-License-Identifier: MIT */
/* What poll, select and epoll share: time limits and signal masks of a wait. poll.c */
#ifndef POSIX_POLL_H
#define POSIX_POLL_H
#include <stdint.h>

#define NEVER (~0ul) /* a deadline; 0: do not wait */

uint64_t poll_deadline_ms(int ms);                            /* negative: NEVER */
int  timespec_deadline(uint64_t user, uint64_t *deadline);    /* a struct timespec at that user address, 0: NEVER; 0, -EFAULT, -EINVAL */
/* The mask at user address (0: none) holds while the call sleeps; after an interruption it holds until the handler's frame has taken the old one. */
int  mask_begin(uint64_t user, uint64_t size, int *set);      /* 0, -EINVAL, -EFAULT */
long mask_end(int set, long result);                          /* result */
/* Sleeps until something of f that poll asks for by these bits may have come: 0, -EINTR, -ENOMEM. */
struct file;
int  file_wait_once(struct file *f, uint32_t events);
#endif
