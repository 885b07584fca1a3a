/* SPDX-License-Identifier: MIT */
/* System calls about a file's size and space, and those that would write it to a disk. */
#include <fs/files.h>

static long size_set(struct inode *ip, uint64_t size)
{
	int error = size > ip->size ? size_allowed(size) : 0;

	return error ? error : file_resize(ip, size);
}

CALL2(truncate, path, size)
{
	struct inode *ip;
	long result;

	if ((int64_t)size < 0)
		return -EINVAL;
	result = inode_at(AT_FDCWD, path, 0, &ip);
	if (result)
		return result;
	if (ip->kind == KIND_PROC)
		result = IS(ip, S_IFDIR) ? -EISDIR : -EPERM;
	else
		result = IS(ip, S_IFDIR) ? -EISDIR : !IS(ip, S_IFREG) ? -EINVAL : ip->writers < 0 ? -ETXTBSY : size_set(ip, size);
	inode_put(ip);
	return result;
}

CALL2(ftruncate, fd, size)
{
	struct file *f = fd_file((int)fd);
	long result;

	if (!f)
		return -EBADF;
	if ((int64_t)size < 0 || f->ops != &regular_ops || (f->flags & O_ACCMODE) == O_RDONLY)
		result = -EINVAL;
	else
		result = size_set(f->ip, size);
	file_put(f);
	return result;
}

/* Pages are allocated, so that later writes find their room; mode 1 keeps the size. */
static long range_allocate(struct inode *ip, uint64_t at, uint64_t n, int keep_size)
{
	uint64_t end = at + n;

	if (end > FILE_LIMIT)
		return -EFBIG;
	for (uint64_t i = at / PAGE; i < (end + PAGE - 1) / PAGE; i++)
		if (!page_find(ip, i) && !page_make(ip, i))
			return -ENOSPC;
	return !keep_size && end > ip->size ? file_resize(ip, end) : 0;
}

/* A hole reads as zeros: whole pages and parts alike are cleared. */
static long range_clear(struct inode *ip, uint64_t at, uint64_t n)
{
	uint64_t end = min_u64(at + n, ip->size);

	while (at < end) {
		size_t part = min_u64(PAGE - at % PAGE, end - at);
		char *page = page_find(ip, at / PAGE);

		if (page && !(page = page_make(ip, at / PAGE)))
			return -ENOSPC;
		if (page)
			memset(page + at % PAGE, 0, part);
		at += part;
	}
	inode_touch(ip, TOUCH_M | TOUCH_C);
	return 0;
}

CALL4(fallocate, fd, mode, at, n)
{
	struct file *f = fd_file((int)fd);
	long result;

	if (!f)
		return -EBADF;
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		result = -EBADF;
	else if ((int64_t)at < 0 || (int64_t)n <= 0)
		result = -EINVAL;
	else if (f->ops != &regular_ops)
		result = IS(f->ip, S_IFIFO) ? -ESPIPE : -ENODEV;
	else if (at + n > FILE_LIMIT)
		result = -EFBIG;
	else if (at + n > f->ip->size && size_allowed(at + n))
		result = -EFBIG;
	else if (mode == 0 || mode == 1)
		result = range_allocate(f->ip, at, n, (int)mode);
	else if (mode == 3) /* PUNCH_HOLE | KEEP_SIZE */
		result = range_clear(f->ip, at, n);
	else
		result = -EOPNOTSUPP;
	file_put(f);
	return result;
}

/* Memory is the only store: what is written is as safe as it will be. */
static long nothing_to_sync(uint64_t fd)
{
	struct file *f = fd_file((int)fd);
	long result = !f ? -EBADF : IS(f->ip, S_IFREG) || IS(f->ip, S_IFDIR) ? 0 : -EINVAL;

	if (f)
		file_put(f);
	return result;
}

CALL1(fsync, fd) { return nothing_to_sync(fd); }
CALL1(fdatasync, fd) { return nothing_to_sync(fd); }
CALL1(syncfs, fd)
{
	long result = nothing_to_sync(fd);

	return result == -EINVAL ? 0 : result; /* of any kind */
}

CALL4(sync_file_range, fd, at, n, flags)
{
	long result = nothing_to_sync(fd);

	if (result == -EBADF)
		return result;
	if (flags & ~7ul || (int64_t)at < 0 || (int64_t)(at + n) < (int64_t)at)
		return -EINVAL;
	return result ? -ESPIPE : 0;
}

CALL0(sync) { return 0; }

CALL4(fadvise64, fd, at, n, advice)
{
	struct file *f = fd_file((int)fd);
	long result = !f ? -EBADF : IS(f->ip, S_IFIFO) ? -ESPIPE : advice > 5 ? -EINVAL : 0;

	(void)at;
	(void)n;
	if (f)
		file_put(f);
	return result;
}

CALL3(readahead, fd, at, n)
{
	(void)at;
	(void)n;
	return nothing_to_sync(fd);
}
