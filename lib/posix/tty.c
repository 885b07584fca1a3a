/* SPDX-License-Identifier: MIT */
/* The console terminal as a file: opening, reading, writing, job control. Its bytes' meaning is tty_line.c's. */
#include <asm/poll.h>
#include <asm/signal.h>
#include "tty.h"

static int session_lives(int session)
{
	for (struct task *t = task_first(); t; t = task_next(t)) {
		struct task_view view;

		task_look(t, &view);
		if (view.session == session && view.state != 'Z')
			return 1;
	}
	return 0;
}

/* A terminal that no living session owns falls to the first one that asks. */
static void tty_adopt(struct tty *t)
{
	int session = current_session();

	if (t->session == session || session <= 0 || (t->session && session_lives(t->session)))
		return;
	t->session = session;
	t->pgrp = current_pgrp();
}

int tty_is_ours(void)
{
	struct tty *t = the_tty();

	return t->session && t->session == current_session();
}

int tty_foreground(void)
{
	return the_tty()->pgrp;
}

int tty_check(struct tty *t, int sig)
{
	int pgrp = current_pgrp();

	if (!tty_is_ours() || !t->pgrp || pgrp == t->pgrp)
		return 0;
	if (signal_is_ignored_or_blocked(sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (group_is_orphaned(pgrp))
		return -EIO;
	(void)signal_group(pgrp, sig);
	return -ERESTARTSYS;
}

int tty_open(struct inode *ip, unsigned flags, struct file **out)
{
	struct tty *t = the_tty();

	if (ip->rdev == DEVICE(5, 0)) {
		if (!tty_is_ours())
			return -ENXIO;
	} else if (!(flags & O_NOCTTY) && current_pid() == current_session()) {
		tty_adopt(t);
	}
	*out = file_new(ip, &tty_ops, flags);
	return *out ? 0 : -ENOMEM;
}

/* Without lines: VMIN bytes wanted, VTIME tenths of a second for the first (VMIN 0) or between bytes. */
static long raw_wait(struct tty *t, struct file *f, size_t max)
{
	unsigned min = t->mode.c_cc[VMIN], tenths = t->mode.c_cc[VTIME];
	unsigned want = min ? (unsigned)min_u64(min, max) : 1;
	uint32_t seen = t->head;
	uint64_t deadline = tenths && !min ? clock_ns() + tenths * 100000000ul : 0;

	while (!MODE_L(t, ICANON) && !line_ready(t, want) && !t->ended) {
		int result;

		if (!min && !tenths)
			return 0;
		if (f->flags & O_NONBLOCK)
			return t->head == t->tail ? -EAGAIN : 0;
		if (min && tenths && t->head != t->tail && (t->head != seen || !deadline)) {
			seen = t->head;
			deadline = clock_ns() + tenths * 100000000ul;
		}
		result = sleep_on(&t->head, deadline);
		if (result == -ETIMEDOUT)
			return 0;
		if (result == -EINTR)
			return t->head == t->tail ? -ERESTARTSYS : 0;
		result = tty_check(t, SIGTTIN);
		if (result)
			return result;
	}
	return 0;
}

static long line_wait(struct tty *t, struct file *f)
{
	while (MODE_L(t, ICANON) && !line_ready(t, 1) && !t->ended) {
		int result;

		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_on(&t->head, 0) == -EINTR)
			return -ERESTARTSYS;
		result = tty_check(t, SIGTTIN);
		if (result)
			return result;
	}
	return 0;
}

static long tty_read(struct file *f, struct io *io, uint64_t at)
{
	struct tty *t = the_tty();
	uint8_t chunk[256];
	size_t done = 0, n;
	long result = tty_check(t, SIGTTIN);

	(void)at;
	if (!result && io->total)
		result = MODE_L(t, ICANON) ? line_wait(t, f) : raw_wait(t, f, io->total);
	if (result)
		return result;
	/* One line may need several chunks; a line's end is a chunk's last byte. */
	while (io->total && line_ready(t, 1)) {
		uint32_t before = t->tail;

		n = line_take(t, chunk, min_u64(io->total, sizeof(chunk)));
		if (n && io_put(io, chunk, n) < 0)
			return done ? (long)done : -EFAULT;
		done += n;
		if (MODE_L(t, ICANON) && (n < sizeof(chunk) || t->tail - before != n || t->canon == t->tail || chunk[n - 1] == '\n'))
			break;
	}
	if (done) {
		inode_touch(f->ip, TOUCH_A);
		wake_up(&t->tail); /* there is room for more keys */
	}
	return (long)done;
}

static long tty_write(struct file *f, struct io *io, uint64_t at)
{
	struct tty *t = the_tty();
	uint8_t chunk[256];
	size_t done = 0;

	(void)at;
	if (MODE_L(t, TOSTOP)) {
		int result = tty_check(t, SIGTTOU);

		if (result)
			return result;
	}
	while (io->total) {
		size_t n = min_u64(io->total, sizeof(chunk)), i = 0;

		if (io_get(io, chunk, n) < 0) {
			if (!done)
				return -EFAULT;
			break;
		}
		while (i < n) {
			if (line_output(t, chunk[i], TTY_ECHO)) {
				i++;
				continue;
			}
			wake_up(&t->out_head);
			if (f->flags & O_NONBLOCK)
				return done + i ? (long)(done + i) : -EAGAIN;
			if (sleep_on(&t->out_tail, 0) == -EINTR)
				return done + i ? (long)(done + i) : -ERESTARTSYS;
		}
		done += n;
	}
	if (done) {
		wake_up(&t->out_head);
		inode_touch(f->ip, TOUCH_M);
	}
	return (long)done;
}

static int tty_poll(struct file *f)
{
	struct tty *t = the_tty();
	unsigned want = t->mode.c_cc[VTIME] || !t->mode.c_cc[VMIN] ? 1 : t->mode.c_cc[VMIN];
	int mask = 0;

	(void)f;
	if (line_ready(t, want) || t->ended)
		mask |= POLLIN | POLLRDNORM;
	if (t->ended)
		mask |= POLLHUP;
	if (tty_room(t) > TTY_ECHO + 256)
		mask |= POLLOUT | POLLWRNORM;
	return mask;
}

const struct file_ops tty_ops = { .read = tty_read, .write = tty_write, .ioctl = tty_ioctl, .poll = tty_poll };

int files_open_tty(struct file_state *fs)
{
	struct file *f = file_new(the_tty()->console, &tty_ops, O_RDWR);

	if (!f)
		return -ENOMEM;
	for (int i = 0; i < 3; i++) {
		int fd;

		if (i)
			file_get(f);
		fd = fd_new(fs, f, 0, 0);
		if (fd < 0)
			return fd;
	}
	return 0;
}

/* ---- job control calls of tty_ioctl.c */
long tty_set_group(struct tty *t, int pgrp)
{
	int result, found = 0;

	tty_adopt(t);
	if (!tty_is_ours())
		return -ENOTTY;
	result = tty_check(t, SIGTTOU);
	if (result)
		return result;
	if (pgrp < 0)
		return -EINVAL;
	for (struct task *i = task_first(); i; i = task_next(i)) {
		struct task_view view;

		task_look(i, &view);
		if (view.pgrp != pgrp)
			continue;
		if (view.session != current_session())
			return -EPERM;
		found = 1;
	}
	if (!found)
		return -ESRCH;
	t->pgrp = pgrp;
	return 0;
}

long tty_get_group(struct tty *t, int *pgrp)
{
	tty_adopt(t);
	if (!tty_is_ours())
		return -ENOTTY;
	*pgrp = t->pgrp;
	return 0;
}

long tty_claim(struct tty *t, int steal)
{
	if (tty_is_ours())
		return 0;
	if (current_pid() != current_session())
		return -EPERM;
	if (steal)
		t->session = 0;
	tty_adopt(t);
	return tty_is_ours() ? 0 : -EPERM;
}

long tty_disown(struct tty *t)
{
	if (!tty_is_ours())
		return -ENOTTY;
	if (current_pid() == current_session()) {
		if (t->pgrp) {
			(void)signal_group(t->pgrp, SIGHUP);
			(void)signal_group(t->pgrp, SIGCONT);
		}
		t->session = t->pgrp = 0;
	}
	return 0;
}
