/* SPDX-License-Identifier: MIT */
/* A pipe's state, shared by moving its bytes (pipe.c), its size and packets (pipe_ring.c), opening its ends (pipe_open.c) and splicing (splice.c). */
#ifndef POSIX_PIPE_H
#define POSIX_PIPE_H
#include "files.h"

#define PIPE_PAGES 16u                 /* of a pipe whose size nobody set */
#define PIPE_BUF   4096u

/* Bytes that were written together to an end with O_DIRECT, and are read alone. */
struct packet { uint64_t start, end; };

struct pipe {
	uint64_t head, tail;           /* bytes ever put, ever taken */
	char **page;                   /* the ring, taken as it fills: `first`, or one of another size */
	uint32_t pages;                /* of the ring: a power of two */
	uint32_t packet_head, packet_tail; /* packets ever put, ever taken */
	struct packet *packet;         /* a ring of as many; NULL: there never was one */
	char *first[PIPE_PAGES];
	char *spare;                   /* the page that was emptied last, for the next to be filled */
	struct wait_list waits;        /* at either end */
	struct inode *ip;              /* not held: the inode owns the pipe */
	uint32_t readers, writers;     /* open files, and init's own end */
	uint32_t lost;                 /* a page of it was gone when it was filled */
	uint32_t closes, reader_opens, writer_opens; /* rise with each open: a fifo's open waits for a change */
};

/* ---- pipe.c. Move what there is, or what fits: bytes, or -errno when none were. */
long pipe_push_some(struct pipe *p, struct io *io, size_t max);
static inline long pipe_push(struct pipe *p, struct io *io) { return pipe_push_some(p, io, io->total); }
long pipe_pull(struct pipe *p, struct io *io);
char *pipe_bytes(struct pipe *p, uint64_t at, size_t *n); /* those that lie together from there on, at most *n */
void pipe_drop(struct pipe *p, uint64_t to);              /* the bytes below that position are taken */
long pipe_wait_bytes(struct file *f, int dontwait);       /* 1: there are some, 0: the end, or -errno */
long pipe_wait_room(struct file *f, size_t room, int dontwait); /* 0, or -errno; SIGPIPE sent with -EPIPE */

/* ---- pipe_ring.c */
void pipe_init(struct pipe *p, struct inode *ip);
void pipe_rings_free(struct pipe *p);
long pipe_resize(struct pipe *p, uint64_t bytes);         /* the new size, or -EINVAL -EBUSY -ENOMEM */
long packet_push(struct pipe *p, struct io *io);          /* as pipe_push, but at most PIPE_BUF bytes, which are a packet then */
struct packet *packet_first(struct pipe *p);              /* NULL: no packet waits */

static inline uint64_t pipe_size(const struct pipe *p) { return p->pages * PAGE; }
static inline int pipe_has_packet_room(const struct pipe *p) { return p->packet_head - p->packet_tail < p->pages; }

static inline int file_reads(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}

static inline int file_writes(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

#endif
