/* SPDX-License-Identifier: MIT */
/* eventfd(2): a counter that is read and written as a file. */
#include <asm/poll.h>
#include <fs/files.h>
#include <posix/file/eventfd.h>

#define EFD_SEMAPHORE 1u
#define COUNT_MAX     (~0ul - 1)

struct eventfd { uint64_t count, writes; struct wait_list waits; int semaphore; };

static long event_read(struct file *f, struct io *io, uint64_t at)
{
	struct eventfd *e = f->own;
	uint64_t value;

	(void)at;
	if (io->total < 8)
		return -EINVAL;
	while (!e->count) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_on(e, 0) == -EINTR)
			return -ERESTARTSYS;
	}
	value = e->semaphore ? 1 : e->count;
	if (io_put(io, &value, 8) < 0)
		return -EFAULT;
	e->count -= value;
	wake_up(e);
	waiters_tell(&e->waits, WAIT_OUT);
	return 8;
}

static long event_write(struct file *f, struct io *io, uint64_t at)
{
	struct eventfd *e = f->own;
	uint64_t value;

	(void)at;
	if (io->total < 8)
		return -EINVAL;
	if (io_get(io, &value, 8) < 0)
		return -EFAULT;
	if (value == ~0ul)
		return -EINVAL;
	while (e->count > COUNT_MAX - value) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_on(e, 0) == -EINTR)
			return -ERESTARTSYS;
	}
	e->count += value;
	e->writes++;
	wake_up(e);
	waiters_tell(&e->waits, WAIT_IN);
	return 8;
}

static int event_poll(struct file *f)
{
	struct eventfd *e = f->own;

	return (e->count ? POLLIN | POLLRDNORM : 0) | (e->count < COUNT_MAX ? POLLOUT | POLLWRNORM : 0);
}

static uint64_t event_events(struct file *f)
{
	return ((struct eventfd *)f->own)->writes;
}

static struct wait_list *event_waits(struct file *f) { return &((struct eventfd *)f->own)->waits; }

static void event_release(struct file *f)
{
	waiters_end(event_waits(f));
	fam_free(f->own);
}

static const struct file_ops eventfd_ops = { .read = event_read, .write = event_write, .poll = event_poll,
	.waits = event_waits, .events = event_events, .release = event_release };

int is_eventfd(const struct file *f) { return f->ops == &eventfd_ops; }

void eventfd_signal(struct file *f)
{
	struct eventfd *e = f->own;

	if (e->count < ~0ul)
		e->count++;
	e->writes++;
	wake_up(e);
	waiters_tell(&e->waits, WAIT_IN);
}

static long make(uint64_t count, uint64_t flags)
{
	struct eventfd *e;

	if (flags & ~(uint64_t)(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	e = fam_alloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->count = count & 0xffffffffu;
	e->semaphore = (flags & EFD_SEMAPHORE) != 0;
	return anon_fd("[eventfd]", 0600, &eventfd_ops, e, O_RDWR | ((unsigned)flags & (O_CLOEXEC | O_NONBLOCK)));
}

CALL1(eventfd, count) { return make(count, 0); }
CALL2(eventfd2, count, flags) { return make(count, flags); }
