/* SPDX-License-Identifier: MIT */
/* What calls about files and what is shown of them need of lease.c. Family lock held. */
#ifndef POSIX_LEASE_H
#define POSIX_LEASE_H
#include <fs/files.h>

long lease_fcntl(struct file *f, int fd, int command, uint64_t arg); /* F_SETLEASE, F_GETLEASE */
void lease_drop(struct file *f);                  /* it goes, and so does the lease that it has */
/* Of an inode with `extra`, as locks_text: how many lines. */
size_t leases_text(const struct inode *ip, size_t number, char *to, size_t max, size_t *used);
#endif
