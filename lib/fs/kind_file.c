/* SPDX-License-Identifier: MIT */
/* Regular files of kinds that bring operations of their own: what all of these kinds have in common. Bytes pass
 * through library memory, so that no operation ever meets a program's; writers of one file come in turn. */
#include "files.h"

#define PIECE_PAGES 16 /* at most so many move with one operation */

/* Whoever writes a file, or cuts it, is the only one. The caller holds it. */
static int turn_take(struct inode *ip)
{
	while (ip->marks & INODE_TURN) {
		ip->marks |= INODE_TURN_WANTED;
		if (sleep_on(&ip->marks, 0))
			return -ERESTARTSYS;
	}
	ip->marks |= INODE_TURN;
	return 0;
}

static void turn_end(struct inode *ip)
{
	int wanted = ip->marks & INODE_TURN_WANTED;

	ip->marks &= (uint8_t)~(INODE_TURN | INODE_TURN_WANTED);
	if (wanted)
		wake_up(&ip->marks);
}

int kind_change(struct inode *ip, const struct fs_change_of *what)
{
	const struct fs_ops *ops = ip->volume->ops;
	int error, in_turn = what->which & CHANGE_SIZE;

	if (!ops->change)
		return -EPERM;
	error = in_turn ? turn_take(ip) : 0;
	if (error)
		return error;
	error = ops->change(ip, what);
	if (in_turn)
		turn_end(ip);
	return error;
}

int kind_open(struct inode *ip, unsigned flags)
{
	const struct fs_ops *ops = ip->volume->ops;
	int error = ops->open ? ops->open(ip, flags) : 0;

	/* It may be run since. */
	return !error && ip->writers < 0 && flags & (O_ACCMODE | O_TRUNC) ? -ETXTBSY : error;
}

/* Room for what is moved: *pages of it. NULL: no memory. */
static char *piece_make(size_t n, size_t *pages)
{
	char *p;

	*pages = min_u64(n / PAGE + !!(n % PAGE), PIECE_PAGES);
	p = fam_pages(*pages);
	if (!p && *pages > 1)
		p = fam_pages(*pages = 1);
	return p;
}

static long kind_read(struct file *f, struct io *io, uint64_t at)
{
	const struct fs_ops *ops = f->ip->volume->ops;
	size_t pages, n, done = 0;
	long got = 0;
	char *piece;

	if (!ops->read)
		return -EINVAL;
	if (!io->total)
		return 0;
	piece = piece_make(io->total, &pages);
	if (!piece)
		return -ENOMEM;
	do {
		size_t before = io->total;

		n = min_u64(before, pages * PAGE);
		got = ops->read(f->ip, piece, n, at + done);
		if (got > 0 && io_put(io, piece, (size_t)got))
			got = -EFAULT;
		done += before - io->total;
	} while (io->total && got == (long)n);
	fam_pages_free(piece, pages);
	return done ? (long)done : got;
}

/* Adds to *done what was written. 0 or -errno. */
static int piece_write(struct inode *ip, const char *piece, size_t n, uint64_t at, size_t *done)
{
	while (n) {
		long put = ip->volume->ops->write(ip, piece, n, at);

		if (put <= 0)
			return put ? (int)put : -EIO;
		*done += (size_t)put;
		at += (uint64_t)put;
		piece += put;
		n -= (size_t)put;
	}
	return 0;
}

/* The caller has the turn. */
static long pieces_write(struct inode *ip, struct io *io, uint64_t at)
{
	size_t pages, done = 0;
	char *piece = piece_make(io->total, &pages);
	int fault = 0, error = 0;

	if (!piece)
		return -ENOMEM;
	while (io->total && !fault && !error) {
		size_t before = io->total;

		fault = io_get(io, piece, min_u64(before, pages * PAGE));
		/* So much came before a page that cannot be read. */
		error = piece_write(ip, piece, before - io->total, at + done, &done);
	}
	fam_pages_free(piece, pages);
	error = error ? error : fault;
	return done ? (long)done : error;
}

static long kind_write(struct file *f, struct io *io, uint64_t at)
{
	struct inode *ip = f->ip;
	long result;

	if (!ip->volume->ops->write)
		return -EINVAL;
	if (!io->total)
		return 0;
	result = turn_take(ip);
	if (result)
		return result;
	if (f->flags & O_APPEND) {
		result = inode_refresh(ip);
		at = ip->size;
	}
	if (!result && at >= FILE_LIMIT)
		result = -EFBIG;
	if (!result)
		result = write_allowed(io, at);
	if (!result)
		result = pieces_write(ip, io, at);
	turn_end(ip);
	return result;
}

const struct file_ops kind_file_ops = { .read = kind_read, .write = kind_write, .seek = SEEK_FILE, .is_regular = 1 };
