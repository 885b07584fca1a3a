/* SPDX-License-Identifier: MIT */
/* System calls that move bytes, and the position at which they do. */
#include <linux/fs.h>
#include <fs/tell.h>
#include <posix/file/eventfd.h>

typedef long transfer(struct file *f, struct io *io, uint64_t *at);

/* What lies in memory, a pipe, a socket or an eventfd waits for nothing but for what O_NONBLOCK says. */
static int never_waits(const struct file *f)
{
	return f->ops == &regular_ops || f->ops == &pipe_ops || IS(f->ip, S_IFSOCK) || is_eventfd(f);
}

/* Behind all that the file has, whatever the position. MAY SLEEP. */
static long append(struct file *f, struct io *io, uint64_t *at)
{
	uint64_t end;
	long result = inode_refresh(f->ip);

	if (result)
		return result;
	end = f->ip->size;
	result = file_write(f, io, &end);
	if (!at && result > 0)
		f->pos = end;
	return result;
}

long move_with(struct file *f, struct io *io, uint64_t *at, int writes, uint32_t flags)
{
	const struct fs_ops *ops = f->ip->kind == KIND_OPS ? f->ip->volume->ops : NULL;
	unsigned own = f->flags & O_NONBLOCK;
	int appends = writes && flags & RWF_APPEND && f->ops->seek == SEEK_FILE;
	long result;

	if (flags & ~(uint32_t)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	if (flags & RWF_NOWAIT && !never_waits(f))
		return -EOPNOTSUPP;
	if (flags & RWF_NOWAIT)
		f->flags |= O_NONBLOCK;
	if (appends)
		result = append(f, io, at);
	else
		result = writes ? file_write(f, io, at) : file_read(f, io, at);
	if (flags & RWF_NOWAIT)
		f->flags = (f->flags & ~(unsigned)O_NONBLOCK) | own;
	if (writes && result > 0 && flags & (RWF_DSYNC | RWF_SYNC) && ops && ops->sync)
		(void)ops->sync(f->ip, !(flags & RWF_SYNC));
	return result;
}

static long move_user(uint64_t fd, uint64_t base, uint64_t n, uint64_t *at, transfer *move)
{
	struct file *f = fd_file((int)fd);
	struct io io;
	long result;

	if (!f)
		return -EBADF;
	if ((int64_t)n < 0) {
		file_put(f);
		return -EINVAL;
	}
	io_user(&io, base, n);
	result = at && (int64_t)*at < 0 ? -EINVAL : move(f, &io, at);
	io_note(move == file_write, result);
	file_put(f);
	return result;
}

static long move_vector(uint64_t fd, uint64_t vector, uint64_t count, uint64_t *at, transfer *move, uint64_t flags)
{
	struct file *f = fd_file((int)fd);
	struct io io;
	long result;

	if (!f)
		return -EBADF;
	result = at && (int64_t)*at < 0 ? -EINVAL : io_vector(&io, vector, count);
	if (!result) {
		if (flags && io.total)
			result = move_with(f, &io, at, move == file_write, (uint32_t)flags);
		else
			result = move(f, &io, at);
		io_note(move == file_write, result);
		io_end(&io);
	}
	file_put(f);
	return result;
}

CALL3(read, fd, base, n) { return move_user(fd, base, n, NULL, file_read); }
CALL3(write, fd, base, n) { return move_user(fd, base, n, NULL, file_write); }
CALL4(pread64, fd, base, n, at) { return move_user(fd, base, n, &at, file_read); }
CALL4(pwrite64, fd, base, n, at) { return move_user(fd, base, n, &at, file_write); }
CALL3(readv, fd, vector, count) { return move_vector(fd, vector, count, NULL, file_read, 0); }
CALL3(writev, fd, vector, count) { return move_vector(fd, vector, count, NULL, file_write, 0); }
CALL4(preadv, fd, vector, count, at) { return move_vector(fd, vector, count, &at, file_read, 0); }
CALL4(pwritev, fd, vector, count, at) { return move_vector(fd, vector, count, &at, file_write, 0); }

CALL6(preadv2, fd, vector, count, at, high, flags)
{
	(void)high;
	return move_vector(fd, vector, count, (int64_t)at == -1 ? NULL : &at, file_read, flags);
}

CALL6(pwritev2, fd, vector, count, at, high, flags)
{
	(void)high;
	return move_vector(fd, vector, count, (int64_t)at == -1 ? NULL : &at, file_write, flags);
}

enum whence { FROM_START, FROM_HERE, FROM_END, TO_DATA, TO_HOLE };

/* First offset from `at` on that is data (or a hole; the end of the file counts as one). MAY SLEEP. */
static int64_t data_seek(struct inode *ip, int64_t at, int hole)
{
	int error = inode_refresh(ip);

	if (error)
		return error;
	if (at < 0 || (uint64_t)at >= ip->size)
		return -ENXIO;
	if (!IS(ip, S_IFREG) || ip->kind != KIND_TREE)
		return hole ? (int64_t)ip->size : at;
	while ((uint64_t)at < ip->size && (page_find(ip, (uint64_t)at / PAGE) == NULL) != hole)
		at = (int64_t)(((uint64_t)at / PAGE + 1) * PAGE);
	if ((uint64_t)at < ip->size)
		return at;
	return hole ? (int64_t)ip->size : -ENXIO;
}

/* MAY SLEEP. */
static int64_t end_of(struct inode *ip)
{
	int error = inode_refresh(ip);

	return error ? error : (int64_t)ip->size;
}

static long file_seek(struct file *f, int64_t offset, int whence)
{
	int64_t base = 0;

	if (f->ops->seek == SEEK_NONE)
		return -ESPIPE;
	if (whence < FROM_START || whence > TO_HOLE)
		return -EINVAL;
	if (f->ops->seek == SEEK_ZERO)
		return 0;
	if (whence >= TO_DATA) {
		offset = data_seek(f->ip, offset, whence == TO_HOLE);
		if (offset < 0)
			return offset;
	} else {
		base = whence == FROM_HERE ? (int64_t)f->pos : 0;
		if (whence == FROM_END)
			base = f->ops->end ? f->ops->end(f) : end_of(f->ip);
		if (base < 0)
			return base;
	}
	if (offset > 0 && base > INT64_MAX - offset)
		return -EOVERFLOW;
	if (base + offset < 0)
		return -EINVAL;
	f->pos = (uint64_t)(base + offset);
	return (long)f->pos;
}

CALL3(lseek, fd, offset, whence)
{
	struct file *f = fd_file((int)fd);
	long result;

	if (!f)
		return -EBADF;
	result = file_seek(f, (int64_t)offset, (int)whence);
	file_put(f);
	return result;
}

/* Bytes of a plain file that are to go into `out`: at most max, none of them behind the page. How many, 0 at the file's
 * end, or -errno. Only who takes them at once is shown the file's own page, since that goes when the file is cut; who
 * may sleep gets them in *copy, which is made when it is NULL and is the caller's to free. MAY SLEEP. */
static long part_get(struct file *in, uint64_t at, size_t max, const struct file *out, char **copy, char **from)
{
	struct io io;

	max = min_u64(max, PAGE - at % PAGE);
	if (in->ops == &regular_ops && out->ops == &regular_ops) {
		char *page = page_find(in->ip, at / PAGE);

		if (at >= in->ip->size)
			return 0;
		if (page) {
			*from = page + at % PAGE;
			return (long)min_u64(max, in->ip->size - at);
		}
	}
	if (!*copy && !(*copy = fam_pages(1)))
		return -ENOMEM;
	*from = *copy;
	io_lib(&io, *copy, max);
	return in->ops->read(in, &io, at);
}

/* Copies between files inside the library, a page at a time; what the target does not take is not consumed. */
static long files_copy(struct file *in, uint64_t *in_at, struct file *out, uint64_t *out_at, uint64_t n)
{
	char *copy = NULL, *from;
	uint64_t done = 0;
	long part, moved = 0;

	n = min_u64(n, RW_MAX);
	do {
		struct io io;

		part = n > done ? part_get(in, *in_at, n - done, out, &copy, &from) : 0;
		if (part <= 0) {
			moved = part;
			break;
		}
		if (!done)
			inode_tell(in->ip, IN_ACCESS);
		io_lib(&io, from, (size_t)part);
		moved = file_write(out, &io, out_at);
		if (moved > 0) {
			*in_at += (uint64_t)moved;
			done += (uint64_t)moved;
		}
	} while (moved == part);
	if (copy)
		fam_pages_free(copy, 1);
	return done ? (long)done : moved;
}

static int is_plain(const struct file *f)
{
	return f->ops->is_regular;
}

CALL4(sendfile, out_fd, in_fd, offset, n)
{
	struct file *in = fd_file((int)in_fd), *out = fd_file((int)out_fd);
	uint64_t at = 0;
	long result = 0;

	if (!in || !out || (in->flags & O_ACCMODE) == O_WRONLY || (out->flags & O_ACCMODE) == O_RDONLY)
		result = -EBADF;
	else if (offset && in->ops->seek == SEEK_NONE)
		result = -ESPIPE;
	else if (!is_plain(in) || (out->flags & O_APPEND) || (int64_t)n < 0)
		result = -EINVAL;
	else if (offset)
		result = user_read(&at, offset, 8);
	else
		at = in->pos;
	if (!result && (int64_t)at < 0)
		result = -EINVAL;
	if (!result)
		result = files_copy(in, &at, out, NULL, n);
	if (result >= 0 && offset && user_write(offset, &at, 8) < 0)
		result = -EFAULT;
	if (result >= 0 && !offset)
		in->pos = at;
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return result;
}

static long copy_range(struct file *in, uint64_t in_offset, struct file *out, uint64_t out_offset, uint64_t n)
{
	uint64_t from = in->pos, to = out->pos;
	long result;

	if ((in->flags & O_ACCMODE) == O_WRONLY || (out->flags & O_ACCMODE) == O_RDONLY || (out->flags & O_APPEND))
		return -EBADF;
	if (IS(in->ip, S_IFDIR) || IS(out->ip, S_IFDIR))
		return -EISDIR;
	if (!is_plain(in) || !is_plain(out))
		return -EINVAL;
	if ((in_offset && user_read(&from, in_offset, 8) < 0) || (out_offset && user_read(&to, out_offset, 8) < 0))
		return -EFAULT;
	if ((int64_t)from < 0 || (int64_t)to < 0 || (in->ip == out->ip && from < to + n && to < from + n))
		return -EINVAL;
	result = files_copy(in, &from, out, &to, n);
	if (result <= 0)
		return result;
	if (!in_offset)
		in->pos = from;
	else if (user_write(in_offset, &from, 8) < 0)
		return -EFAULT;
	if (!out_offset)
		out->pos = to;
	else if (user_write(out_offset, &to, 8) < 0)
		return -EFAULT;
	return result;
}

CALL6(copy_file_range, in_fd, in_offset, out_fd, out_offset, n, flags)
{
	struct file *in = fd_file((int)in_fd), *out = fd_file((int)out_fd);
	long result = !in || !out ? -EBADF : flags ? -EINVAL : copy_range(in, in_offset, out, out_offset, n);

	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return result;
}
