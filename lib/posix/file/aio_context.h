/* SPDX-License-Identifier: MIT */
/* Private to aio*.c: a context, with its requests that are under way. */
#ifndef POSIX_AIO_CONTEXT_H
#define POSIX_AIO_CONTEXT_H
#include <linux/aio_abi.h>
#include <posix/file/aio.h>
#include <stddef.h>
#include <stdint.h>

struct aio_poll;
struct file;

struct aio_context {
	struct aio_context *next;
	uint64_t at, bytes;              /* its ring in the program's memory: at is its number, too */
	uint32_t asked, size, tail;
	uint32_t poll_count;             /* each has a place in the ring that is free still */
	struct aio_poll *polls;
	struct aio_poll *told, **told_end;
};

/* The ring in the program's memory; the context is known by its address. head is the program's to move, too. */
struct ring { uint32_t id, size, head, tail, magic, features, others, header; };
#define RING(c, field) ((c)->at + offsetof(struct ring, field))
_Static_assert(sizeof(struct ring) == sizeof(struct io_event), "the events lie behind it like others");

#pragma GCC visibility push(hidden)
/* aio.c: where the caller's context with that number is named, or the next one would be. */
struct aio_context **aio_context_at(uint64_t id);
int aio_is_full(const struct aio_context *c); /* no more requests, until events are taken */
/* Events that are there, n at most, to `to`: how many, or -EFAULT with none. */
int64_t aio_events_take(struct aio_context *c, uint64_t to, int64_t n);
/* Where its program's ring is no more, events are lost. */
void aio_event_put(struct aio_context *c, const struct io_event *event);

/* aio_poll.c: IOCB_CMD_POLL of f: -errno, or what f is ready for (POLL bits), or 0: it is under way, and both files are
 * kept for it. tells: NULL, or an eventfd. event: its obj and data. */
int  aio_poll_begin(struct aio_context *c, struct file *f, struct file *tells, const struct iocb *b,
	const struct io_event *event);
int  aio_poll_cancel(struct aio_context *c, uint64_t obj); /* 0: its event has come; -EINVAL: none such is under way */
void aio_polls_drop(struct aio_context *c);                /* without events */
#pragma GCC visibility pop
#endif
