/* SPDX-License-Identifier: MIT */
/* Pseudo-terminals: /dev/ptmx makes one, whose slave stands in /dev/pts as long as its master is open. The slave is a terminal as the console is (tty.c); here is
 * the master: what it writes is typed there, what is written there it reads. pts(4). */
#include <asm/poll.h>
#include <asm/signal.h>
#include "tty.h"

#define PTS_MAX 64

static struct tty *pty_by_number(unsigned number)
{
	struct tty *t = fs_family()->ptys;

	while (t && (t->number != (int)number || !t->has_master))
		t = t->next;
	return t;
}

static void pty_free(struct tty *t)
{
	struct tty **at = &fs_family()->ptys;

	if (t->has_master || t->slaves)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	waiters_end(&t->waits);
	fam_pages_free(t, TTY_PAGES);
}

static size_t pts_name(char to[8], int number)
{
	return (size_t)fmt(to, 8, "%d", number);
}

static int pts_add(int number)
{
	struct inode *ip = inode_make(fs_family()->pts->volume, S_IFCHR | 0620);
	char name[8];
	int error;

	if (!ip)
		return -ENOMEM;
	ip->rdev = DEVICE(136, number);
	ip->gid = 5; /* Debian's tty */
	error = entry_add(fs_family()->pts, name, pts_name(name, number), ip);
	inode_put(ip);
	return error;
}

static void pts_remove(int number)
{
	char name[8];
	struct entry *e = entry_find(fs_family()->pts, name, pts_name(name, number));

	if (e)
		entry_remove(e);
}

static long master_read(struct file *f, struct io *io, uint64_t at)
{
	struct tty *t = f->own;
	uint8_t chunk[256];
	size_t done = 0;

	(void)at;
	while (io->total && !tty_output_waits(t) && !(t->packets && t->news)) {
		if (!t->slaves && t->slave_opens)
			return -EIO;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_on(&t->out_head, 0) == -EINTR)
			return -ERESTARTSYS;
	}
	if (t->packets && io->total) {
		uint8_t news = t->news;

		if (io_put(io, &news, 1) < 0)
			return -EFAULT;
		t->news = 0;
		done = 1;
		if (news)
			return 1;
	}
	while (io->total && tty_output_waits(t)) {
		size_t n = tty_output_take(t, chunk, min_u64(io->total, sizeof(chunk)));

		if (io_put(io, chunk, n) < 0)
			return done ? (long)done : -EFAULT;
		done += n;
	}
	return (long)done;
}

static long master_write(struct file *f, struct io *io, uint64_t at)
{
	struct tty *t = f->own;
	uint8_t chunk[64];
	size_t done = 0;

	(void)at;
	while (io->total) {
		size_t n = min_u64(min_u64(io->total, sizeof(chunk)), tty_keys_room(t));

		if (!n) {
			if (f->flags & O_NONBLOCK || done)
				return done ? (long)done : -EAGAIN;
			if (sleep_on(&t->tail, 0) == -EINTR)
				return -ERESTARTSYS;
			continue;
		}
		if (io_get(io, chunk, n) < 0)
			return done ? (long)done : -EFAULT;
		tty_keys(t, chunk, n);
		done += n;
	}
	return (long)done;
}

static int master_poll(struct file *f)
{
	struct tty *t = f->own;
	int mask = tty_keys_room(t) ? POLLOUT | POLLWRNORM : 0;

	if (tty_output_waits(t))
		mask |= POLLIN | POLLRDNORM;
	if (t->packets && t->news)
		mask |= POLLPRI | POLLIN | POLLRDNORM;
	if (!t->slaves && t->slave_opens)
		mask |= POLLHUP;
	return mask;
}

static uint64_t master_events(struct file *f)
{
	struct tty *t = f->own;

	return (uint64_t)t->out_head + t->tail + t->slave_opens;
}

/* The line is cut: the session is told, readers of the slave find the end. */
static void master_release(struct file *f)
{
	struct tty *t = f->own;

	t->has_master = 0;
	pts_remove(t->number);
	if (t->session)
		(void)signal_send(t->session, SIGHUP);
	if (t->pgrp) {
		(void)signal_group(t->pgrp, SIGHUP);
		(void)signal_group(t->pgrp, SIGCONT);
	}
	t->session = t->pgrp = 0;
	tty_end(t);
	tty_wake(t, &t->out_tail);
	pty_free(t);
}

static long slave_open(struct tty *t, unsigned flags)
{
	char name[8];
	struct entry *e = entry_find(fs_family()->pts, name, pts_name(name, t->number));
	struct file *f;
	int error;

	if (!e)
		return -EIO;
	error = pty_open_slave(e->inode, flags, &f);
	return error ? error : fd_new(current_files(), f, 0, !!(flags & O_CLOEXEC));
}

static long master_ioctl(struct file *f, unsigned request, uint64_t arg)
{
	struct tty *t = f->own;
	int value;

	switch (request) {
	case TIOCGPTN:
		return user_write(arg, &t->number, sizeof(t->number));
	case TIOCSPTLCK:
		if (user_read(&value, arg, sizeof(value)) < 0)
			return -EFAULT;
		t->locked = value != 0;
		return 0;
	case TIOCGPTLCK:
		value = t->locked;
		return user_write(arg, &value, sizeof(value));
	case TIOCGPTPEER:
		return slave_open(t, (unsigned)arg);
	case TIOCPKT:
		if (user_read(&value, arg, sizeof(value)) < 0)
			return -EFAULT;
		if (value && !t->packets)
			t->news = 0;
		t->packets = value != 0;
		return 0;
	case TIOCGPKT:
		value = t->packets;
		return user_write(arg, &value, sizeof(value));
	case FIONREAD:
		value = (int)tty_output_waits(t);
		return user_write(arg, &value, sizeof(value));
	case TIOCGPGRP: /* the master may look, whosever the terminal is */
		return user_write(arg, &t->pgrp, sizeof(t->pgrp));
	case TIOCGSID:
		return t->session ? user_write(arg, &t->session, sizeof(t->session)) : -ENOTTY;
	case TIOCEXCL: case TIOCNXCL: case TIOCGEXCL:
		return tty_exclusive(&t->exclusive[1], request, arg);
	case TIOCSCTTY:
	case TIOCNOTTY:
		return -ENOTTY;
	}
	return tty_ioctl(f, request, arg);
}

static const struct file_ops master_ops = {
	.read = master_read, .write = master_write, .ioctl = master_ioctl, .poll = master_poll,
	.waits = tty_waits, .events = master_events, .release = master_release,
};

int pty_open_master(struct inode *ip, unsigned flags, struct file **out)
{
	struct fs_family *fs = fs_family();
	struct tty *t;
	int number = 0, error;

	while (pty_by_number((unsigned)number))
		if (++number == PTS_MAX)
			return -ENOSPC;
	t = tty_new(number);
	if (!t)
		return -ENOMEM;
	error = pts_add(number);
	*out = error ? NULL : file_new(ip, &master_ops, flags);
	if (!*out) {
		pts_remove(number);
		fam_pages_free(t, TTY_PAGES);
		return error ? error : -ENOMEM;
	}
	t->locked = t->has_master = 1;
	t->next = fs->ptys;
	fs->ptys = t;
	(*out)->own = t;
	return 0;
}

int pty_open_slave(struct inode *ip, unsigned flags, struct file **out)
{
	struct tty *t = pty_by_number(ip->rdev & 255);

	if (!t || t->locked)
		return -EIO;
	if (!(flags & O_NOCTTY) && current_pid() == current_session())
		tty_adopt(t);
	*out = tty_file(t, ip, flags);
	return *out ? 0 : -ENOMEM;
}

void pty_tell(struct tty *t, unsigned news)
{
	const unsigned pairs[][2] = { { TIOCPKT_STOP, TIOCPKT_START }, { TIOCPKT_NOSTOP, TIOCPKT_DOSTOP } };

	if (!t->packets)
		return;
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 2; k++)
			if (news & pairs[i][k])
				t->news &= (uint8_t)~pairs[i][!k];
	t->news |= (uint8_t)news;
	tty_wake(t, &t->out_head);
}

void tty_stop(struct tty *t, int on)
{
	if (t->stopped != !!on)
		pty_tell(t, on ? TIOCPKT_STOP : TIOCPKT_START);
	t->stopped = !!on;
}

void pty_close_slave(struct tty *t)
{
	if (t->slaves)
		return;
	tty_wake(t, &t->out_head); /* the master sees that nobody is left */
	pty_free(t);
}
