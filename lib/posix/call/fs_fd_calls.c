/* SPDX-License-Identifier: MIT */
/* System calls that copy, close and tune descriptors. */
#include <asm/ioctls.h>
#include <fs/files.h>
#include <fs/async.h>
#include <fs/pipe.h>
#include <posix/file/lease.h>

#define O_SETTABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

CALL1(close, fd)
{
	struct file_state *fs = current_files();

	if (!fd_at(fs, (uint32_t)fd))
		return -EBADF;
	fd_close(fs, (int)fd);
	return 0;
}

CALL3(close_range, first, last, flags)
{
	uint32_t a = (uint32_t)first, b = (uint32_t)last;
	struct file_state *fs;
	int e;

	/* CLOSE_RANGE_UNSHARE: threads of a process always share their table. */
	if (flags & ~(uint64_t)6 || a > b || (flags & 2 && current_threads() > 1))
		return -EINVAL;
	if (flags & 2 && (e = files_unshare()))
		return e;
	fs = current_files();
	for (int fd = fd_next(fs, a); fd >= 0 && (uint32_t)fd <= b; fd = fd_next(fs, (uint32_t)fd + 1)) {
		if (flags & 4) /* CLOSE_RANGE_CLOEXEC */
			fd_cloexec_set(fs, (uint32_t)fd, 1);
		else
			fd_close(fs, fd);
	}
	return 0;
}

static long dup_from(uint64_t fd, uint64_t from, int cloexec)
{
	struct file *f;

	if (from >= (uint64_t)fd_limit())
		return -EINVAL;
	f = fd_any((int)fd);
	return f ? fd_new(current_files(), f, (int)from, cloexec) : -EBADF;
}

static long dup_to(uint64_t from, uint64_t to, int cloexec)
{
	struct file_state *fs = current_files();
	uint32_t target = (uint32_t)to;
	struct file *f;
	int fd;

	if (target >= (uint32_t)fd_limit())
		return -EBADF;
	f = fd_any((int)from);
	if (!f)
		return -EBADF;
	if (fd_at(fs, target))
		fd_close(fs, (int)target);
	fd = fd_new(fs, f, (int)target, cloexec);
	return fd == -EMFILE ? -EBADF : fd; /* beyond nr_open */
}

CALL1(dup, fd)
{
	return dup_from(fd, 0, 0);
}

CALL2(dup2, from, to)
{
	if ((uint32_t)from == (uint32_t)to)
		return fd_at(current_files(), (uint32_t)from) ? (long)(uint32_t)from : -EBADF;
	return dup_to(from, to, 0);
}

CALL3(dup3, from, to, flags)
{
	if ((flags & ~(uint64_t)O_CLOEXEC) || (uint32_t)from == (uint32_t)to)
		return -EINVAL;
	return dup_to(from, to, !!(flags & O_CLOEXEC));
}

static long flags_set(struct file *f, uint32_t fd, unsigned arg)
{
	int error = 0;

	/* Where nothing tells of events the flag is let pass, and not kept. */
	if ((arg ^ f->flags) & FASYNC && async_can(f))
		error = async_set(f, (int)fd, !!(arg & FASYNC));
	if (!error)
		f->flags = (f->flags & ~(unsigned)O_SETTABLE) | (arg & O_SETTABLE);
	return error;
}

/* How long what is written is said to live: it is kept, and serves nobody where there is no disk, as on Linux's. */
static long hint_fcntl(struct file *f, int command, uint64_t arg)
{
	uint64_t hint = f->ip->write_hint;

	if (command == F_GET_RW_HINT)
		return user_write(arg, &hint, sizeof hint);
	if (user_read(&hint, arg, sizeof hint))
		return -EFAULT;
	if (hint > RWH_WRITE_LIFE_EXTREME)
		return -EINVAL;
	f->ip->write_hint = (uint8_t)hint;
	return 0;
}

static long file_fcntl(struct file *f, uint32_t fd, int command, uint64_t arg)
{
	struct file_state *fs = current_files();

	switch (command) {
	case F_GETFD:
		return fd_cloexec(fs, fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		fd_cloexec_set(fs, fd, !!(arg & FD_CLOEXEC));
		return 0;
	case F_GETFL:
		return f->flags | (f->mount && !(f->flags & O_PATH) ? O_LARGEFILE : 0); /* what open(2) gave has it */
	}
	if (f->flags & O_PATH)
		return -EBADF;
	switch (command) {
	case F_SETFL:
		return flags_set(f, fd, (unsigned)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_fcntl(f, command, arg);
	case F_GETPIPE_SZ:
		return f->ops == &pipe_ops ? (long)pipe_size(f->ip->pipe) : -EBADF;
	case F_SETPIPE_SZ:
		return f->ops == &pipe_ops ? pipe_resize(f->ip->pipe, (uint32_t)arg) : -EBADF;
	case F_ADD_SEALS:
		return seals_add(f, (uint32_t)arg);
	case F_GET_SEALS:
		return seals_of(f);
	case F_GET_RW_HINT:
	case F_SET_RW_HINT:
		return hint_fcntl(f, command, arg);
	case F_SETLEASE:
	case F_GETLEASE:
		return lease_fcntl(f, (int)fd, command, arg);
	}
	return async_fcntl(f, command, arg);
}

CALL3(fcntl, fd, command, arg)
{
	struct file *f;
	long result;

	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		return fd_at(current_files(), (uint32_t)fd) ? dup_from(fd, arg, command == F_DUPFD_CLOEXEC) : -EBADF;
	f = fd_any((int)fd);
	if (!f)
		return -EBADF;
	result = file_fcntl(f, (uint32_t)fd, (int)command, arg);
	file_put(f);
	return result;
}

static long file_ioctl(struct file *f, uint32_t fd, unsigned request, uint64_t arg)
{
	int value;

	switch (request) {
	case FIOCLEX:
	case FIONCLEX:
		fd_cloexec_set(current_files(), fd, request == FIOCLEX);
		return 0;
	case FIONBIO:
		if (user_read(&value, arg, sizeof(value)) < 0)
			return -EFAULT;
		f->flags = value ? f->flags | O_NONBLOCK : f->flags & ~(unsigned)O_NONBLOCK;
		return 0;
	case FIOASYNC:
		if (user_read(&value, arg, sizeof(value)) < 0)
			return -EFAULT;
		if (!value == !(f->flags & FASYNC))
			return 0;
		return async_can(f) ? async_set(f, (int)fd, value != 0) : -ENOTTY;
	case FIONREAD:
		if (!f->ops->is_regular)
			break;
		value = (int)(f->ip->size - f->pos);
		return user_write(arg, &value, sizeof(value));
	}
	return f->ops->ioctl ? f->ops->ioctl(f, request, arg) : -ENOTTY;
}

CALL3(ioctl, fd, request, arg)
{
	struct file *f = fd_file((int)fd);
	long result;

	if (!f)
		return -EBADF;
	result = file_ioctl(f, (uint32_t)fd, (unsigned)request, arg);
	file_put(f);
	return result;
}
