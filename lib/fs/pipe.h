/* SPDX-License-Identifier: MIT */
/* A pipe's state, shared by moving its bytes (pipe.c) and opening its ends (pipe_open.c). */
#ifndef POSIX_PIPE_H
#define POSIX_PIPE_H
#include "files.h"

#define PIPE_PAGES 16u
#define PIPE_SIZE  (PIPE_PAGES * PAGE)
#define PIPE_BUF   4096u

struct pipe {
	uint64_t head, tail;           /* bytes ever put, ever taken */
	char *page[PIPE_PAGES];
	char *spare;                   /* the page that was emptied last, for the next to be filled */
	struct inode *ip;              /* not held: the inode owns the pipe */
	uint32_t readers, writers;     /* open files, and init's own end */
	uint32_t closes, reader_opens, writer_opens; /* rise with each open: a fifo's open waits for a change */
};

static inline int file_reads(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}

static inline int file_writes(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

#endif
