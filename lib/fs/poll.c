/* SPDX-License-Identifier: MIT */
/* Waiting for several files: poll, select and their kin stand in the list of each, and ask all again when one of those
 * has told them something. */
#include <asm/poll.h>
#include <linux/personality.h>
#include <linux/time_types.h>
#include "files.h"
#include "poll.h"
#include <posix/process/task.h>

#define FIRST_POLLS 32  /* descriptors that fit on the stack */

/* Absent in asm/poll.h's view of what may be reported unasked. */
#define POLL_ALWAYS (POLLERR | POLLHUP)

static int fd_poll(int fd)
{
	struct file *f = fd_at(current_files(), (uint32_t)fd);

	if (!f || (f->flags & O_PATH))
		return POLLNVAL;
	return f->ops->poll ? f->ops->poll(f) : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

static int poll_once(struct pollfd *fds, uint64_t n)
{
	int ready = 0;

	for (uint64_t i = 0; i < n; i++) {
		int mask;

		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		family_progress(); /* it may be one of many */
		mask = fd_poll(fds[i].fd);
		fds[i].revents = (short)(mask & (fds[i].events | POLL_ALWAYS | POLLNVAL));
		ready += fds[i].revents != 0;
	}
	return ready;
}

/* The caller stands in the list of each. */
static int poll_begin(const struct pollfd *fds, uint64_t n)
{
	uint64_t wanted = 0;
	int error;

	for (uint64_t i = 0; i < n; i++)
		wanted += fds[i].fd >= 0;
	error = waits_begin(wanted);
	for (uint64_t i = 0; i < n && !error; i++) {
		struct file *f = fd_at(current_files(), (uint32_t)fds[i].fd); /* none where fd is negative */

		family_progress();
		if (f && f->ops->waits)
			waits_add(f->ops->waits(f), (uint16_t)fds[i].events);
	}
	return error;
}

/* One sleep: 0, -ETIMEDOUT, -EINTR, -ENOMEM. A list may have gone with its object: then all are made anew. */
static int poll_sleep(const struct pollfd *fds, uint64_t n, uint64_t deadline)
{
	struct thread *th = current_thread();
	int error;

	if (th->waits_for && th->waits_for->is_stale)
		waits_end(th);
	error = th->waits_for ? 0 : poll_begin(fds, n);
	if (error)
		return error;
	return waits_sleep(deadline == NEVER ? 0 : deadline);
}

/* deadline: ns of clock_ns, 0 = do not wait, NEVER. */
static int poll_wait(struct pollfd *fds, uint64_t n, uint64_t deadline)
{
	int ready, error = 0;

	while (!(ready = poll_once(fds, n)) && !error && deadline && (deadline == NEVER || clock_ns() < deadline)) {
		error = poll_sleep(fds, n, deadline);
		if (error == -ETIMEDOUT)
			error = 0;
	}
	waits_end(current_thread());
	if (ready || !error)
		return ready;
	return error == -EINTR ? -ERESTARTNOHAND : error;
}

int file_wait_once(struct file *f, uint32_t events)
{
	int error = waits_begin(1);

	if (!error) {
		waits_add(f->ops->waits(f), events);
		error = waits_sleep(0);
		waits_end(current_thread());
	}
	return error;
}

static long do_poll(uint64_t user, uint64_t n, uint64_t deadline)
{
	struct pollfd few[FIRST_POLLS], *fds = few;
	long result;

	if (n > (uint64_t)fd_limit())
		return -EINVAL;
	if (n > FIRST_POLLS && !(fds = fam_alloc(n * sizeof(*fds))))
		return -ENOMEM;
	result = user_read(fds, user, n * sizeof(*fds));
	if (!result) {
		result = poll_wait(fds, n, deadline);
		if (result >= 0 && user_write(user, fds, n * sizeof(*fds)) < 0)
			result = -EFAULT;
	}
	if (fds != few)
		fam_free(fds);
	return result;
}

static uint64_t deadline_in(uint64_t ns)
{
	return ns ? clock_after(ns) : 0;
}

int timespec_deadline(uint64_t user, uint64_t *deadline)
{
	uint64_t ns;
	int error;

	*deadline = NEVER;
	if (!user)
		return 0;
	error = timespec_read(user, &ns);
	if (!error)
		*deadline = deadline_in(ns);
	return error;
}

int mask_begin(uint64_t user, uint64_t size, int *set)
{
	struct thread_signals *s = &current_thread()->signals;
	uint64_t mask;

	*set = 0;
	if (!user)
		return 0;
	if (size != 8)
		return -EINVAL;
	if (user_read(&mask, user, 8) < 0)
		return -EFAULT;
	s->restore_mask = s->blocked;
	s->restore = 1;
	s->blocked = mask & ~(SIGNAL_BIT(9) | SIGNAL_BIT(19));
	*set = 1;
	return 0;
}

long mask_end(int set, long result)
{
	struct thread_signals *s = &current_thread()->signals;

	if (set && result != -ERESTARTNOHAND) {
		s->blocked = s->restore_mask;
		s->restore = 0;
	}
	return result;
}

uint64_t poll_deadline_ms(int ms)
{
	return ms < 0 ? NEVER : deadline_in((uint64_t)ms * 1000000);
}

CALL3(poll, fds, n, timeout)
{
	return do_poll(fds, n & 0xffffffffu, poll_deadline_ms((int)timeout));
}

/* Linux tells how much of the time was left, in seconds and so many ns. */
static void left_tell(uint64_t timeout, uint64_t deadline, uint64_t unit)
{
	uint64_t now, left;
	long tell[2];

	if (!timeout || !deadline || deadline == NEVER || current_thread()->personality & STICKY_TIMEOUTS)
		return;
	now = clock_ns();
	left = deadline > now ? deadline - now : 0;
	tell[0] = (long)(left / NS);
	tell[1] = (long)(left % NS / unit);
	(void)user_write(timeout, tell, sizeof(tell));
}

CALL5(ppoll, fds, n, timeout, mask, mask_size)
{
	uint64_t deadline;
	long result;
	int set, error = timespec_deadline(timeout, &deadline);

	if (!error)
		error = mask_begin(mask, mask_size, &set);
	if (error)
		return error;
	result = do_poll(fds, n & 0xffffffffu, deadline);
	left_tell(timeout, deadline, 1);
	return mask_end(set, result);
}

/* Linux's sets: what each of them asks, and what answers it. */
static const short set_asks[3] = { POLLIN, POLLOUT, POLLPRI };
static const short set_means[3] = {
	POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR, POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR, POLLPRI,
};

/* The first n bits of each set, with what is asked of each descriptor, in family memory. */
struct select {
	uint64_t *sets[3], bytes; /* of one set, whole words */
	struct pollfd *fds;
	int n;
};

static long select_begin(struct select *s, int n, const uint64_t user[3])
{
	if (n < 0)
		return -EINVAL;
	s->n = (int)min_u64((uint64_t)n, current_files()->size); /* as Linux: no descriptor beyond can be open */
	s->bytes = ((uint64_t)s->n + 63) / 64 * 8;
	s->fds = fam_alloc(3 * s->bytes + (size_t)s->n * sizeof(*s->fds) + 1);
	if (!s->fds)
		return -ENOMEM;
	for (int k = 0; k < 3; k++) {
		s->sets[k] = (uint64_t *)(s->fds + s->n) + (uint64_t)k * s->bytes / 8;
		if (user[k] && user_read(s->sets[k], user[k], s->bytes) < 0)
			return -EFAULT;
	}
	for (int fd = 0; fd < s->n; fd++) {
		s->fds[fd].fd = -1;
		for (int k = 0; k < 3; k++)
			if (s->sets[k][fd / 64] >> (fd % 64) & 1) {
				s->fds[fd].fd = fd;
				s->fds[fd].events |= set_asks[k];
			}
		if (s->fds[fd].fd >= 0 && fd_poll(fd) & POLLNVAL)
			return -EBADF;
	}
	return 0;
}

/* What is not ready leaves its set: how many bits are left in all. */
static long select_answer(struct select *s, const uint64_t user[3])
{
	long result = 0;

	for (int k = 0; k < 3; k++) {
		for (int fd = 0; fd < s->n; fd++) {
			uint64_t bit = 1ul << (fd % 64);

			if (!(s->sets[k][fd / 64] & bit))
				continue;
			if (s->fds[fd].revents & set_means[k])
				result++;
			else
				s->sets[k][fd / 64] &= ~bit;
		}
	}
	for (int k = 0; k < 3; k++)
		if (user[k] && user_write(user[k], s->sets[k], s->bytes) < 0)
			result = -EFAULT;
	return result;
}

static long do_select(int n, const uint64_t user[3], uint64_t deadline)
{
	struct select s = { .fds = NULL };
	long result = select_begin(&s, n, user);

	if (!result)
		result = poll_wait(s.fds, (uint64_t)s.n, deadline);
	if (result >= 0)
		result = select_answer(&s, user);
	fam_free(s.fds);
	return result;
}

CALL5(select, n, in, out, except, timeout)
{
	const uint64_t user[3] = { in, out, except };
	uint64_t deadline = NEVER;
	long tv[2], result;

	if (timeout) {
		if (user_read(tv, timeout, sizeof(tv)) < 0)
			return -EFAULT;
		if (tv[0] < 0 || tv[1] < 0)
			return -EINVAL;
		deadline = deadline_in(time_after(time_of(tv[0], 0), time_of(tv[1] / 1000000, tv[1] % 1000000 * 1000)));
	}
	result = do_select((int)n, user, deadline);
	left_tell(timeout, deadline, 1000);
	return result;
}

CALL6(pselect6, n, in, out, except, timeout, mask)
{
	const uint64_t user[3] = { in, out, except };
	uint64_t deadline, pair[2] = { 0, 0 };
	long result;
	int set, error = timespec_deadline(timeout, &deadline);

	if (!error && mask)
		error = user_read(pair, mask, sizeof(pair));
	if (!error)
		error = mask_begin(pair[0], pair[1], &set);
	if (error)
		return error;
	result = do_select((int)n, user, deadline);
	left_tell(timeout, deadline, 1);
	return mask_end(set, result);
}
