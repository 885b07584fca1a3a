/* SPDX-License-Identifier: MIT */
/* epoll: a list of watched files that is asked through whenever anything in the family was woken, as poll does. Edges are told apart by the number that
 * file_ops.events gives. A watch goes with its file. */
#include <asm/poll.h>
#include <linux/eventpoll.h>
#include <linux/time_types.h>
#include <fs/files.h>
#include <fs/poll.h>
#include "watch.h"

#define EVENTS_MAX 1024
#define NESTING    5

struct watch {
	struct watch *next;            /* of the epoll, in the order in which they are told */
	struct watch *file_next;       /* of the file */
	struct watch **at, **file_at;  /* what points here in those two lists: one of many thousands leaves at once */
	struct epoll *epoll;
	struct file *file;
	int fd;
	uint32_t events, told;         /* told: mask of the last report, for edges */
	uint64_t data, seen;           /* seen: file_ops.events at that time */
	int is_told;
};

struct epoll { struct watch *first, **end; };

static long epoll_no_read(struct file *f, struct io *io, uint64_t at)
{
	(void)f;
	(void)io;
	(void)at;
	return -EINVAL;
}

static uint32_t ready_of(struct watch *w)
{
	int mask = w->file->ops->poll ? w->file->ops->poll(w->file) : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

	return (uint32_t)mask & (w->events | EPOLLERR | EPOLLHUP);
}

/* What a wait would report of this watch now. */
static uint32_t news_of(struct watch *w)
{
	uint32_t ready = w->events & ~(EPOLLONESHOT | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE) ? ready_of(w) : 0;

	if (!(w->events & EPOLLET))
		return ready;
	if (w->is_told && !(ready & ~w->told) && (!w->file->ops->events || w->file->ops->events(w->file) == w->seen)) {
		w->told &= ready;
		return 0;
	}
	return ready;
}

static void told_set(struct watch *w, uint32_t ready)
{
	w->told = ready;
	w->is_told = 1;
	w->seen = w->file->ops->events ? w->file->ops->events(w->file) : 0;
	if (w->events & EPOLLONESHOT)
		w->events &= EPOLLONESHOT | EPOLLET;
}

static int epoll_poll(struct file *f)
{
	struct epoll *e = f->own;

	for (struct watch *w = e->first; w; w = w->next)
		if (news_of(w))
			return POLLIN | POLLRDNORM;
	return 0;
}

static void watch_free(struct watch *w)
{
	*w->at = w->next;
	*(w->next ? &w->next->at : &w->epoll->end) = w->at;
	*w->file_at = w->file_next;
	if (w->file_next)
		w->file_next->file_at = w->file_at;
	family_progress();
	fam_free(w);
}

void watches_drop(struct file *f)
{
	while (f->watches)
		watch_free(f->watches);
}

static void epoll_release(struct file *f)
{
	struct epoll *e = f->own;

	while (e->first)
		watch_free(e->first);
	fam_free(e);
}

static const struct file_ops epoll_ops = { .read = epoll_no_read, .write = epoll_no_read, .poll = epoll_poll, .release = epoll_release };

static long make(unsigned flags)
{
	struct epoll *e;

	if (flags & ~(unsigned)O_CLOEXEC)
		return -EINVAL;
	e = fam_alloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->end = &e->first;
	return anon_fd("[eventpoll]", 0600, &epoll_ops, e, O_RDWR | flags);
}

CALL1(epoll_create, size) { return (int)size <= 0 ? -EINVAL : make(0); }
CALL1(epoll_create1, flags) { return make((unsigned)flags); }

/* Would f, watched by `by`, watch by itself in the end, or stand too deep? */
static int is_loop(const struct file *f, const struct epoll *by, int depth)
{
	const struct epoll *e = f->own;

	if (f->ops != &epoll_ops)
		return 0;
	if (e == by || depth == NESTING)
		return 1;
	for (const struct watch *w = e->first; w; w = w->next)
		if (is_loop(w->file, by, depth + 1))
			return 1;
	return 0;
}

static long watch_add(struct epoll *e, struct file *f, int fd, const struct epoll_event *event)
{
	struct watch *w;

	if (is_loop(f, e, 0))
		return -ELOOP;
	w = fam_alloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct watch){ .epoll = e, .file = f, .fd = fd, .events = event->events, .data = event->data,
		.at = e->end, .file_at = &f->watches, .file_next = f->watches };
	if (w->file_next)
		w->file_next->file_at = &w->file_next;
	f->watches = w;
	*e->end = w;
	e->end = &w->next;
	wake_up(e);
	return 0;
}

static long control(struct file *ep, struct file *f, int op, int fd, uint64_t from)
{
	struct epoll *e = ep->own;
	struct epoll_event event = { 0, 0 };
	struct watch *w;

	if (op != EPOLL_CTL_DEL && user_read(&event, from, sizeof(event)) < 0)
		return -EFAULT;
	if (ep->ops != &epoll_ops || ep == f)
		return -EINVAL;
	if (!f->ops->poll) /* files that are always ready cannot be watched */
		return -EPERM;
	for (w = e->first; w && (w->file != f || w->fd != fd);)
		w = w->next;
	switch (op) {
	case EPOLL_CTL_ADD:
		return w ? -EEXIST : watch_add(e, f, fd, &event);
	case EPOLL_CTL_MOD:
		if (!w)
			return -ENOENT;
		w->events = event.events;
		w->data = event.data;
		w->is_told = 0;
		wake_up(e);
		return 0;
	case EPOLL_CTL_DEL:
		if (!w)
			return -ENOENT;
		watch_free(w);
		return 0;
	}
	return -EINVAL;
}

CALL4(epoll_ctl, epfd, op, fd, event)
{
	struct file *ep = fd_file((int)epfd), *f = fd_file((int)fd);
	long result = ep && f ? control(ep, f, (int)op, (int)fd, event) : -EBADF;

	if (ep)
		file_put(ep);
	if (f)
		file_put(f);
	return result;
}

/* What stands behind w comes first from now on: where more is ready than is asked for, all have their turn. */
static void turn(struct epoll *e, struct watch *w)
{
	if (!w->next)
		return;
	*e->end = e->first;
	e->first->at = e->end;
	e->first = w->next;
	e->first->at = &e->first;
	w->next = NULL;
	e->end = &w->next;
}

static long collect(struct epoll *e, uint64_t to, int max)
{
	struct watch *w, *last = NULL;
	int count = 0;

	for (w = e->first; w && count < max; w = w->next) {
		uint32_t ready = news_of(w);
		struct epoll_event event = { ready, w->data };

		family_progress(); /* it may be one of many */
		if (!ready)
			continue;
		if (user_write(to + (uint64_t)count * sizeof(event), &event, sizeof(event)) < 0)
			return count ? count : -EFAULT;
		told_set(w, ready);
		last = w;
		count++;
	}
	if (count == max)
		turn(e, last);
	return count;
}

static long wait(uint64_t epfd, uint64_t to, int max, uint64_t deadline)
{
	struct file *f;
	long result;

	if (max <= 0 || max > (int)(INT32_MAX / sizeof(struct epoll_event)))
		return -EINVAL;
	f = fd_file((int)epfd);
	if (!f)
		return -EBADF;
	if (f->ops != &epoll_ops) {
		file_put(f);
		return -EINVAL;
	}
	while (!(result = collect(f->own, to, max)) && deadline && (deadline == NEVER || clock_ns() < deadline))
		if (sleep_on(POLL_CHANNEL, deadline == NEVER ? 0 : deadline) == -EINTR) {
			result = collect(f->own, to, max) ?: -ERESTARTNOHAND;
			break;
		}
	file_put(f);
	return result;
}

CALL4(epoll_wait, fd, to, max, timeout) { return wait(fd, to, (int)max, poll_deadline_ms((int)timeout)); }

CALL6(epoll_pwait, fd, to, max, timeout, mask, size)
{
	int set, error = mask_begin(mask, size, &set);

	return error ? error : mask_end(set, wait(fd, to, (int)max, poll_deadline_ms((int)timeout)));
}

CALL6(epoll_pwait2, fd, to, max, timeout, mask, size)
{
	uint64_t deadline;
	int set, error = timespec_deadline(timeout, &deadline);

	if (!error)
		error = mask_begin(mask, size, &set);
	return error ? error : mask_end(set, wait(fd, to, (int)max, deadline));
}
