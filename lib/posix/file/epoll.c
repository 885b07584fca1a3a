/* SPDX-License-Identifier: MIT */
/* epoll(7): its calls. What an epoll is as a file, its watches, and which of them may have news, are epoll_list.c's. */
#include <linux/time_types.h>
#include <fs/poll.h>
#include "epoll.h"

/* epoll_ctl(2): what may stand beside EPOLLEXCLUSIVE. */
#define EXCLUSIVE_EVENTS (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

static long make(unsigned flags)
{
	struct epoll *e;

	if (flags & ~(unsigned)O_CLOEXEC)
		return -EINVAL;
	e = fam_alloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->ready_end = &e->ready;
	e->file = anon_file("[eventpoll]", 0600, &epoll_ops, e, O_RDWR);
	if (!e->file) {
		fam_free(e);
		return -ENFILE;
	}
	return fd_new(current_files(), e->file, 0, !!(flags & O_CLOEXEC));
}

CALL1(epoll_create, size) { return (int)size <= 0 ? -EINVAL : make(0); }
CALL1(epoll_create1, flags) { return make((unsigned)flags); }

static long watch_add(struct epoll *e, struct file *f, int fd, const struct epoll_event *event)
{
	int below = epolls_below(f, e), above = epolls_above(e);
	struct watch *w;

	if (below && below + above >= NESTING)
		return -ELOOP;
	if ((below || above) && epolls_to_file(f) + 1 + above > NESTING_OF_FILES)
		return -EINVAL;
	w = watch_new(e, f, fd);
	if (!w)
		return -ENOMEM;
	w->data = event->data;
	watch_arm(w, event->events);
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
	w = watch_find(e, f, fd);
	if (event.events & EPOLLEXCLUSIVE && (op == EPOLL_CTL_MOD || event.events & ~EXCLUSIVE_EVENTS ||
		f->ops == &epoll_ops))
		return -EINVAL;
	switch (op) {
	case EPOLL_CTL_ADD:
		return w ? -EEXIST : watch_add(e, f, fd, &event);
	case EPOLL_CTL_MOD:
		if (!w)
			return -ENOENT;
		if (w->waiter.is_exclusive)
			return -EINVAL;
		w->data = event.data;
		watch_arm(w, event.events);
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

/* Those that may have news are asked in turn, each once: who has none leaves the list, who goes on having some comes
 * behind all others. */
static long collect(struct epoll *e, uint64_t to, int max)
{
	struct watch *again = NULL, *w; /* again: the first that is asked a second time */
	int count = 0;

	while ((w = e->ready) && w != again && count < max) {
		uint32_t ready = news_of(w);
		struct epoll_event event = { ready, w->data };

		family_progress(); /* it may be one of many */
		if (ready && user_write(to + (uint64_t)count * sizeof(event), &event, sizeof(event)) < 0)
			return count ? count : -EFAULT;
		ready_leave(w);
		if (!ready)
			continue;
		told_set(w, ready);
		if (!(w->events & (EPOLLET | EPOLLONESHOT))) {
			ready_join(w);
			again = again ? again : w;
		}
		count++;
	}
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
		if (sleep_on(f->own, deadline == NEVER ? 0 : deadline) == -EINTR) {
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
