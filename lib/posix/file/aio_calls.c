/* SPDX-License-Identifier: MIT */
/* Asynchronous I/O as libaio asks for it (io_submit(2)). Each request but a poll (aio_poll.c) is done in the call, as
 * Linux does those of cached files and of pipes. */
#include <linux/time_types.h>
#include <fs/files.h>
#include <fs/poll.h>
#include <posix/file/eventfd.h>
#include <posix/process/task.h>
#include <posix/posix.h>
#include "aio_context.h"

#define AIO_MAX   65536u /* events that all contexts together may be made for */
#define NR_WRONG  (0x10000000u / (uint32_t)sizeof(struct io_event))
#define EVENTS_LEAST 4u  /* as on one CPU */
#define RING_MAGIC 0xa10a10a1u
#define RING_FEATURES 1u
#define ERESTART_FIRST 512
#define ERESTART_LAST 516

/* A ring for at least so many events, in the caller's memory: 0 or -errno. */
static int ring_make(struct aio_context *c)
{
	uint32_t events = (c->asked > EVENTS_LEAST ? c->asked : EVENTS_LEAST) * 2 + 2;
	struct ring ring = { .magic = RING_MAGIC, .features = RING_FEATURES, .header = sizeof ring };
	long at;

	c->bytes = (sizeof ring + events * sizeof(struct io_event) + PAGE - 1) / PAGE * PAGE;
	if (limit_reached(c->bytes))
		return -ENOMEM;
	at = map_new(0, c->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, NULL);
	if (at < 0)
		return -ENOMEM;
	c->at = (uint64_t)at;
	c->size = ring.size = (uint32_t)(c->bytes / sizeof(struct io_event)) - 1;
	return user_write(c->at, &ring, sizeof ring);
}

CALL2(io_setup, events, to)
{
	struct aio_context *c;
	uint64_t was;
	int e;

	if (user_read(&was, to, sizeof was))
		return -EFAULT;
	if (was || !(uint32_t)events || (uint32_t)events > NR_WRONG)
		return -EINVAL;
	if ((uint32_t)events > AIO_MAX || aio_count() + (uint32_t)events > AIO_MAX)
		return -EAGAIN;
	c = fam_alloc(sizeof *c);
	if (!c)
		return -ENOMEM;
	c->asked = (uint32_t)events;
	e = ring_make(c);
	if (!e && user_write(to, &c->at, sizeof c->at))
		e = -EFAULT;
	if (e) {
		if (c->at)
			(void)map_remove(c->at, c->at + c->bytes);
		fam_free(c);
		return e;
	}
	c->next = current_task()->aio;
	current_task()->aio = c;
	return 0;
}

CALL1(io_destroy, id)
{
	struct aio_context **at = aio_context_at(id), *c = *at;

	if (!c)
		return -EINVAL;
	aio_polls_drop(c);
	at = aio_context_at(id); /* others may have gone meanwhile */
	*at = c->next;
	wake_up(current_task()); /* who waits for its events finds it gone */
	(void)map_remove(c->at, c->at + c->bytes);
	fam_free(c);
	return 0;
}

/* A read or a write, of a vector or not: 0 with *result, or -errno when it is none. */
static int transfer(struct file *f, const struct iocb *b, int writes, int vector, int64_t *result)
{
	unsigned mode = f->flags & O_ACCMODE;
	int seeks = f->ops->seek != SEEK_NONE, e = 0;
	uint64_t at = (uint64_t)b->aio_offset;
	struct io io;

	if (mode == (writes ? O_RDONLY : O_WRONLY))
		return -EBADF;
	if (writes ? !f->ops->write : !f->ops->read)
		return -EINVAL;
	if (vector)
		e = io_vector(&io, b->aio_buf, b->aio_nbytes);
	else
		io_user(&io, b->aio_buf, b->aio_nbytes);
	if (e)
		return e;
	if (seeks && b->aio_offset < 0)
		e = -EINVAL;
	else
		*result = move_with(f, &io, seeks ? &at : NULL, writes, (uint32_t)b->aio_rw_flags);
	if (vector)
		io_end(&io);
	if (!e && *result == -EOPNOTSUPP)
		e = -EOPNOTSUPP;
	if (e)
		return e;
	io_note(writes, *result);
	if (*result <= -ERESTART_FIRST && *result >= -ERESTART_LAST)
		*result = -EINTR; /* it cannot be made again */
	return 0;
}

static int request_do(struct file *f, const struct iocb *b, int64_t *result)
{
	switch (b->aio_lio_opcode) {
	case IOCB_CMD_PREAD: return transfer(f, b, 0, 0, result);
	case IOCB_CMD_PWRITE: return transfer(f, b, 1, 0, result);
	case IOCB_CMD_PREADV: return transfer(f, b, 0, 1, result);
	case IOCB_CMD_PWRITEV: return transfer(f, b, 1, 1, result);
	case IOCB_CMD_FSYNC: case IOCB_CMD_FDSYNC:
		if (b->aio_buf || b->aio_offset || b->aio_nbytes || b->aio_rw_flags || !f->ops->is_regular)
			return -EINVAL;
		*result = 0; /* what is written is where it stays */
		return 0;
	}
	return -EINVAL;
}

/* Done, with its event in the ring, or under way; or -errno. */
static int request_begin(uint64_t id, struct file *f, struct file *tells, const struct iocb *b, struct io_event *event)
{
	struct aio_context *c = *aio_context_at(id);
	int e;

	if (b->aio_lio_opcode == IOCB_CMD_POLL) {
		e = aio_poll_begin(c, f, tells, b, event);
		if (e <= 0)
			return e;
		event->res = e;
	} else {
		e = request_do(f, b, (int64_t *)&event->res);
		if (e)
			return e;
		c = *aio_context_at(id); /* it may have gone meanwhile */
	}
	if (c)
		aio_event_put(c, event);
	if (tells)
		eventfd_signal(tells);
	return 0;
}

static int request_take(uint64_t id, uint64_t at)
{
	struct io_event event;
	struct file *f, *tells = NULL;
	const uint32_t key = 0;
	struct iocb b;
	int e = 0;

	if (user_read(&b, at, sizeof b))
		return -EFAULT;
	if (b.aio_reserved2 || (int64_t)b.aio_nbytes < 0)
		return -EINVAL;
	if (aio_is_full(*aio_context_at(id)))
		return -EAGAIN;
	event = (struct io_event){ .data = b.aio_data, .obj = at };
	f = fd_file((int)b.aio_fildes);
	if (!f)
		return -EBADF;
	if (b.aio_flags & IOCB_FLAG_RESFD) {
		tells = fd_file((int)b.aio_resfd);
		if (!tells || !is_eventfd(tells))
			e = tells ? -EINVAL : -EBADF;
	}
	if (!e && user_write(at + offsetof(struct iocb, aio_key), &key, sizeof key))
		e = -EFAULT;
	if (!e)
		e = request_begin(id, f, tells, &b, &event);
	if (tells)
		file_put(tells);
	file_put(f);
	return e;
}

CALL3(io_submit, id, count, list)
{
	int64_t n = (int64_t)count, done = 0;
	int e = 0;

	if (n < 0 || !*aio_context_at(id))
		return -EINVAL;
	for (; done < n && *aio_context_at(id); done++) {
		uint64_t at;

		e = user_read(&at, list + (uint64_t)done * sizeof at, sizeof at) ? -EFAULT : request_take(id, at);
		if (e)
			break;
		family_progress();
	}
	return done ? done : e;
}

CALL3(io_cancel, id, request, result)
{
	struct aio_context *c = *aio_context_at(id);
	uint32_t key;
	int e;

	(void)result; /* the event comes by the ring */
	if (user_read(&key, request + offsetof(struct iocb, aio_key), sizeof key))
		return -EFAULT;
	if (key || !c)
		return -EINVAL;
	e = aio_poll_cancel(c, request);
	return e ? e : -EINPROGRESS;
}

static long events_get(uint64_t id, uint64_t least, uint64_t most, uint64_t to, uint64_t timeout)
{
	int64_t done = 0, part;
	uint64_t ns = 1, deadline = 0;
	struct aio_context *c;
	int e = 0;

	if (timeout) {
		struct __kernel_timespec t;

		if (user_read(&t, timeout, sizeof t))
			return -EFAULT;
		ns = t.tv_sec < 0 ? 0 : time_of((uint64_t)t.tv_sec, (uint64_t)t.tv_nsec);
		deadline = clock_deadline(ns, 0, 0);
	}
	if (!*aio_context_at(id) || (int64_t)least < 0 || (int64_t)least > (int64_t)most)
		return -EINVAL;
	for (;;) {
		c = *aio_context_at(id);
		part = c ? aio_events_take(c, to + (uint64_t)done * sizeof(struct io_event), (int64_t)most - done) : -EINVAL;
		if (part < 0)
			return done ? done : part;
		done += part;
		if (done >= (int64_t)least || e)
			break;
		e = ns ? sleep_on(current_task(), deadline) : -ETIMEDOUT;
	}
	return done || e != -EINTR ? done : -EINTR;
}

CALL5(io_getevents, id, least, most, to, timeout) { return events_get(id, least, most, to, timeout); }

/* The same under another mask, a struct __aio_sigset. */
CALL6(io_pgetevents, id, least, most, to, timeout, from)
{
	struct { uint64_t mask, size; } of = { 0, 0 };
	int set = 0, error = 0;
	long result;

	if (from && user_read(&of, from, sizeof of))
		return -EFAULT;
	if (from)
		error = mask_begin(of.mask, of.size, &set);
	if (error)
		return error;
	result = events_get(id, least, most, to, timeout);
	return mask_end(set, result == -EINTR ? -ERESTARTNOHAND : result);
}
