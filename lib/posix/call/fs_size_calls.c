/* SPDX-License-Identifier: MIT */
/* System calls about a file's size and space, and those that would write it to a disk. */
#include <fs/tell.h>
#include <linux/falloc.h>

static long size_set(struct inode *ip, uint64_t size)
{
	int error = seals_allow_size(ip, size);

	if (!error && size > ip->size)
		error = size > FILE_LIMIT ? -EFBIG : size_allowed(size);
	if (!error)
		error = inode_change(ip, &(struct fs_change_of){ .which = CHANGE_SIZE, .size = size });
	if (!error)
		inode_tell(ip, IN_MODIFY | TELL_OF_INODE);
	return error;
}

CALL2(truncate, path, size)
{
	struct place p;
	long result;

	if ((int64_t)size < 0)
		return -EINVAL;
	result = place_at(AT_FDCWD, path, 0, &p);
	if (result)
		return result;
	if (IS(p.inode, S_IFDIR))
		result = -EISDIR;
	else if (!IS(p.inode, S_IFREG))
		result = -EINVAL;
	else if (mount_may_change(p.mount))
		result = -EROFS;
	else if (p.inode->kind == KIND_OPS && !p.inode->volume->ops->change)
		result = -EPERM;
	else
		result = p.inode->writers < 0 ? -ETXTBSY : leases_break(p.inode, O_WRONLY);
	if (!result)
		result = size_set(p.inode, size);
	place_put(&p);
	return result;
}

CALL2(ftruncate, fd, size)
{
	struct file *f = fd_file((int)fd);
	long result;

	if (!f)
		return -EBADF;
	if ((int64_t)size < 0 || !f->ops->is_regular || (f->flags & O_ACCMODE) == O_RDONLY)
		result = -EINVAL;
	else
		result = size_set(f->ip, size);
	file_put(f);
	return result;
}

/* More than there is room for is refused before anything is taken; tree nodes take one page of 512. */
static int has_room(struct inode *ip, uint64_t first, uint64_t last)
{
	uint64_t room = file_room(), absent = 0;

	if (last - first > room + ip->pages.count)
		return 0;
	for (uint64_t i = first; i < last; i++)
		absent += !page_find(ip, i);
	return absent + absent / 512 + 8 <= room;
}

/* Pages are allocated, so that later writes find their room. */
static long range_allocate(struct inode *ip, uint64_t at, uint64_t n, int keeps_size)
{
	uint64_t end = at + n, first = at / PAGE, last = (end + PAGE - 1) / PAGE;

	if (!has_room(ip, first, last))
		return -ENOSPC;
	for (uint64_t i = first; i < last; i++)
		if (!page_find(ip, i) && !page_make(ip, i))
			return -ENOSPC;
	return !keeps_size && end > ip->size ? file_resize(ip, end) : 0;
}

static long range_zero(struct inode *ip, uint64_t at, uint64_t n, int keeps_size)
{
	long error = range_allocate(ip, at, n, keeps_size);

	return error ? error : file_zero(ip, at, n);
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
	else if (f->ops == &kind_file_ops)
		result = -EOPNOTSUPP;
	else if (f->ops != &regular_ops)
		result = IS(f->ip, S_IFIFO) ? -ESPIPE : -ENODEV;
	else if (at + n > FILE_LIMIT)
		result = -EFBIG;
	else if (at + n > f->ip->size && size_allowed(at + n))
		result = -EFBIG;
	else if (mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) ? f->ip->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) : f->ip->seals & F_SEAL_GROW && at + n > f->ip->size)
		result = -EPERM;
	else if (mode == 0 || mode == FALLOC_FL_KEEP_SIZE)
		result = range_allocate(f->ip, at, n, mode != 0);
	else if (mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		result = file_punch(f->ip, at, n);
	else if ((mode & ~(uint64_t)FALLOC_FL_KEEP_SIZE) == FALLOC_FL_ZERO_RANGE)
		result = range_zero(f->ip, at, n, mode & FALLOC_FL_KEEP_SIZE);
	else
		result = -EOPNOTSUPP;
	if (!result)
		inode_tell(f->ip, IN_MODIFY);
	file_put(f);
	return result;
}

/* What lies in memory is as safe as it will be. */
static long sync_fd(uint64_t fd, int data_only)
{
	struct file *f = fd_file((int)fd);
	const struct fs_ops *ops = f && f->ip->kind == KIND_OPS ? f->ip->volume->ops : NULL;
	long result = !f ? -EBADF : IS(f->ip, S_IFREG) || IS(f->ip, S_IFDIR) ? 0 : -EINVAL;

	if (!result && ops && ops->sync)
		result = ops->sync(f->ip, data_only);
	if (f)
		file_put(f);
	return result;
}

/* Memory is the only store, or a kind's operations leave nothing behind that only sync would write. */
static long nothing_to_sync(uint64_t fd)
{
	struct file *f = fd_file((int)fd);
	long result = !f ? -EBADF : IS(f->ip, S_IFREG) || IS(f->ip, S_IFDIR) ? 0 : -EINVAL;

	if (f)
		file_put(f);
	return result;
}

CALL1(fsync, fd) { return sync_fd(fd, 0); }
CALL1(fdatasync, fd) { return sync_fd(fd, 1); }
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
	struct file *f = fd_file((int)fd);
	long result = 0;

	(void)at;
	(void)n;
	if (!f)
		return -EBADF;
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		result = -EBADF;
	else if (!IS(f->ip, S_IFREG))
		result = -EINVAL;
	file_put(f);
	return result;
}
