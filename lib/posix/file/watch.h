/* SPDX-License-Identifier: MIT */
/* Private to the files that tell of others: what becomes of watches when the watched file goes. epoll.c */
#ifndef POSIX_WATCH_H
#define POSIX_WATCH_H
struct file;
void watches_drop(struct file *f);
#endif
