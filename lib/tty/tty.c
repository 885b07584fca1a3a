/* SPDX-License-Identifier: MIT */
/* A terminal as a file, the console or a pseudo-terminal's slave: opening, reading, writing. Its bytes' meaning is
 * tty_line.c's. */
#include <asm/poll.h>
#include <asm/signal.h>
#include "tty.h"

int tty_open(struct inode *ip, unsigned flags, struct file **out)
{
	struct tty *t = the_tty();

	if (ip->rdev == DEVICE(5, 0)) {
		t = tty_of_session(current_session());
		if (!t)
			return -ENXIO;
	} else if (!(flags & O_NOCTTY) && current_pid() == current_session()) {
		tty_adopt(t);
	}
	*out = tty_file(t, ip, flags);
	return *out ? 0 : -ENOMEM;
}

struct file *tty_file(struct tty *t, struct inode *ip, unsigned flags)
{
	struct file *f = file_new(ip, &tty_ops, flags);

	if (f) {
		f->own = t;
		t->slaves++;
		t->slave_opens++;
	}
	return f;
}

/* Without lines: VMIN bytes wanted, VTIME tenths of a second for the first (VMIN 0) or between bytes. */
static long raw_wait(struct tty *t, struct file *f, size_t max)
{
	unsigned min = t->mode.c_cc[VMIN], tenths = t->mode.c_cc[VTIME];
	unsigned want = min ? (unsigned)min_u64(min, max) : 1;
	uint32_t seen = t->head;
	uint64_t deadline = tenths && !min ? clock_after(tenths * 100000000ul) : 0;

	while (!MODE_L(t, ICANON) && !line_ready(t, want) && !t->ended) {
		int result;

		if (!min && !tenths)
			return 0;
		if (f->flags & O_NONBLOCK)
			return t->head == t->tail ? -EAGAIN : 0;
		if (min && tenths && t->head != t->tail && (t->head != seen || !deadline)) {
			seen = t->head;
			deadline = clock_after(tenths * 100000000ul);
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
	struct tty *t = f->own;
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
		tty_wake(t, &t->tail); /* there is room for more keys */
	}
	return (long)done;
}

static long tty_write(struct file *f, struct io *io, uint64_t at)
{
	struct tty *t = f->own;
	uint8_t chunk[256];
	size_t done = 0;

	(void)at;
	if (t->number != NO_PTS && !t->has_master)
		return -EIO;
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
			tty_wake(t, &t->out_head);
			if (f->flags & O_NONBLOCK)
				return done + i ? (long)(done + i) : -EAGAIN;
			if (t->number != NO_PTS && !t->has_master)
				return -EIO;
			if (sleep_on(&t->out_tail, 0) == -EINTR)
				return done + i ? (long)(done + i) : -ERESTARTSYS;
		}
		done += n;
	}
	if (done) {
		tty_wake(t, &t->out_head);
		inode_touch(f->ip, TOUCH_M);
	}
	return (long)done;
}

static int tty_poll(struct file *f)
{
	struct tty *t = f->own;
	unsigned want = t->mode.c_cc[VTIME] || !t->mode.c_cc[VMIN] ? 1 : t->mode.c_cc[VMIN];
	int mask = 0;

	if (line_ready(t, want) || t->ended)
		mask |= POLLIN | POLLRDNORM;
	if (t->ended)
		mask |= POLLHUP;
	if (tty_room(t) > TTY_ECHO + 256)
		mask |= POLLOUT | POLLWRNORM;
	return mask;
}

struct wait_list *tty_waits(struct file *f) { return &((struct tty *)f->own)->waits; }

/* Bytes typed, and room made. */
static uint64_t tty_events(struct file *f)
{
	struct tty *t = f->own;

	return (uint64_t)t->head + t->out_tail;
}

static void tty_release(struct file *f)
{
	struct tty *t = f->own;

	t->slaves--;
	if (t->number != NO_PTS)
		pty_close_slave(t);
}

const struct file_ops tty_ops = { .read = tty_read, .write = tty_write, .ioctl = tty_ioctl, .poll = tty_poll,
	.waits = tty_waits, .events = tty_events, .release = tty_release };

int files_open_tty(struct file_state *fs)
{
	struct file *f = tty_file(the_tty(), the_tty()->console, O_RDWR);

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

int terminal_open(struct inode *ip, unsigned flags, struct file **out)
{
	if (ip->rdev == DEVICE(5, 2))
		return pty_open_master(ip, flags, out);
	return ip->rdev >> 8 == 136 ? pty_open_slave(ip, flags, out) : tty_open(ip, flags, out);
}
