/* SPDX-License-Identifier: MIT */
/* System calls that change what an inode says of itself: mode, owner, times. */
#include <linux/time_types.h>
#include <fs/tell.h>

typedef long change(struct inode *ip, uint64_t a, uint64_t b);

static long change_place(const struct place *p, change *apply, uint64_t a, uint64_t b)
{
	if (mount_may_change(p->mount))
		return -EROFS;
	return p->inode->kind == KIND_OPS && !p->inode->volume->ops->change ? -EPERM : apply(p->inode, a, b);
}

static long change_at(int dirfd, uint64_t path, unsigned flags, change *apply, uint64_t a, uint64_t b)
{
	struct place p;
	long result = place_at(dirfd, path, flags, &p);

	if (result)
		return result;
	result = change_place(&p, apply, a, b);
	place_put(&p);
	return result;
}

static long change_fd(uint64_t fd, change *apply, uint64_t a, uint64_t b)
{
	struct file *f = fd_file((int)fd);
	long result;

	if (!f)
		return -EBADF;
	result = change_place(&(struct place){ f->mount, f->ip }, apply, a, b);
	file_put(f);
	return result;
}

static long attributes_change(struct inode *ip, const struct fs_change_of *what)
{
	int error = inode_change(ip, what);

	if (!error)
		inode_tell(ip, IN_ATTRIB);
	return error;
}

static long mode_change(struct inode *ip, uint64_t mode, uint64_t unused)
{
	(void)unused;
	if (IS(ip, S_IFLNK))
		return -EOPNOTSUPP;
	return attributes_change(ip, &(struct fs_change_of){ .which = CHANGE_MODE, .mode = (uint32_t)mode & 07777 });
}

CALL2(chmod, path, mode) { return change_at(AT_FDCWD, path, 0, mode_change, mode, 0); }
CALL2(fchmod, fd, mode) { return change_fd(fd, mode_change, mode, 0); }
CALL3(fchmodat, dirfd, path, mode) { return change_at((int)dirfd, path, 0, mode_change, mode, 0); }

static long owner_change(struct inode *ip, uint64_t uid, uint64_t gid)
{
	struct fs_change_of what = { .uid = (uint32_t)uid, .gid = (uint32_t)gid };
	uint32_t lost = S_ISUID | (ip->mode & S_IXGRP ? S_ISGID : 0);

	if (what.uid != UINT32_MAX)
		what.which |= CHANGE_UID;
	if (what.gid != UINT32_MAX)
		what.which |= CHANGE_GID;
	if (IS(ip, S_IFREG) && ip->mode & lost) {
		what.which |= CHANGE_MODE;
		what.mode = ip->mode & 07777 & ~lost;
	}
	return attributes_change(ip, &what);
}

CALL3(chown, path, uid, gid) { return change_at(AT_FDCWD, path, 0, owner_change, uid, gid); }
CALL3(lchown, path, uid, gid) { return change_at(AT_FDCWD, path, WALK_NOFOLLOW, owner_change, uid, gid); }
CALL3(fchown, fd, uid, gid) { return change_fd(fd, owner_change, uid, gid); }

CALL5(fchownat, dirfd, path, uid, gid, flags)
{
	if (flags & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change_at((int)dirfd, path, (flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
		owner_change, uid, gid);
}

#define TIME_NOW  ((1l << 30) - 1)
#define TIME_OMIT ((1l << 30) - 2)

/* Kept as ns in 64 bits, 1677 to 2262: an earlier or later time is the first or last of these, as on any file system of Linux. */
static int64_t stamp_ns(const struct __kernel_timespec *t)
{
	const int64_t end = INT64_MAX / NS - 1;

	if (t->tv_sec > end || t->tv_sec < -end)
		return t->tv_sec > end ? end * NS : -end * NS;
	return t->tv_sec * NS + t->tv_nsec;
}

/* times: two timespecs in library memory, the nanoseconds may be TIME_NOW or TIME_OMIT. */
static long times_change(struct inode *ip, uint64_t times, uint64_t unused)
{
	const struct __kernel_timespec *t = (const struct __kernel_timespec *)(uintptr_t)times;
	int64_t now = (int64_t)clock_wall_ns();
	struct fs_change_of what = { .which = 0 };
	int64_t *slot[2] = { &what.atime, &what.mtime };
	int error;

	(void)unused;
	if (t[0].tv_nsec == TIME_OMIT && t[1].tv_nsec == TIME_OMIT)
		return 0;
	for (int i = 0; i < 2; i++) {
		if (t[i].tv_nsec == TIME_OMIT)
			continue;
		what.which |= i ? CHANGE_MTIME : CHANGE_ATIME;
		*slot[i] = t[i].tv_nsec == TIME_NOW ? now : stamp_ns(&t[i]);
	}
	error = inode_change(ip, &what);
	if (error)
		return error;
	if (t[0].tv_nsec != TIME_OMIT && t[1].tv_nsec != TIME_OMIT)
		inode_tell(ip, IN_ATTRIB);
	else
		inode_tell(ip, (t[0].tv_nsec != TIME_OMIT ? IN_ACCESS : IN_MODIFY) | TELL_OF_INODE);
	return 0;
}

/* path 0: the descriptor itself. */
static long times_set(int dirfd, uint64_t path, const struct __kernel_timespec t[2], unsigned flags)
{
	for (int i = 0; i < 2; i++) {
		if (t[i].tv_nsec == TIME_NOW || t[i].tv_nsec == TIME_OMIT)
			continue;
		if (t[i].tv_nsec < 0 || t[i].tv_nsec >= NS)
			return -EINVAL;
	}
	if (!path)
		return change_fd((uint64_t)dirfd, times_change, (uint64_t)(uintptr_t)t, 0);
	return change_at(dirfd, path, flags, times_change, (uint64_t)(uintptr_t)t, 0);
}

CALL4(utimensat, dirfd, path, times, flags)
{
	struct __kernel_timespec t[2] = { { 0, TIME_NOW }, { 0, TIME_NOW } };

	if (flags & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (times && user_read(t, times, sizeof(t)) < 0)
		return -EFAULT;
	if (!path && (int)dirfd == AT_FDCWD)
		return -EFAULT;
	return times_set((int)dirfd, path, t, (flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0));
}

static long times_micro(int dirfd, uint64_t path, uint64_t times)
{
	struct __kernel_timespec t[2] = { { 0, TIME_NOW }, { 0, TIME_NOW } };

	if (times) {
		if (user_read(t, times, sizeof(t)) < 0)
			return -EFAULT;
		for (int i = 0; i < 2; i++) {
			if (t[i].tv_nsec < 0 || t[i].tv_nsec >= 1000000)
				return -EINVAL;
			t[i].tv_nsec *= 1000;
		}
	}
	return !path && dirfd == AT_FDCWD ? -EFAULT : times_set(dirfd, path, t, 0);
}

CALL2(utimes, path, times) { return times_micro(AT_FDCWD, path, times); }
CALL3(futimesat, dirfd, path, times) { return times_micro((int)dirfd, path, times); }

CALL2(utime, path, times)
{
	struct __kernel_timespec t[2] = { { 0, TIME_NOW }, { 0, TIME_NOW } };
	int64_t seconds[2];

	if (times) {
		if (user_read(seconds, times, sizeof(seconds)) < 0)
			return -EFAULT;
		for (int i = 0; i < 2; i++)
			t[i] = (struct __kernel_timespec){ seconds[i], 0 };
	}
	return path ? times_set(AT_FDCWD, path, t, 0) : -EFAULT;
}
