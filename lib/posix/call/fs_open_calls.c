/* SPDX-License-Identifier: MIT */
/* System calls that open files, and the making of a name that is not there yet. */
#include <linux/openat2.h>
#include <posix/file/inotify.h>

int file_create(struct walk *w, uint32_t mode, uint32_t rdev, const char *text, struct inode **out)
{
	struct fs_wish wish = { .mode = mode, .rdev = rdev, .text = text, .text_size = text ? strlen(text) : 0 };
	struct fs_name at = walk_name(w);
	int error;

	if (!w->dir->nlink || (w->dir->kind == KIND_OPS && !w->dir->volume->ops->create))
		return -ENOENT;
	error = mount_may_change(w->mount);
	if (error)
		return error;
	if (w->name_size > NAME_MAX)
		return -ENAMETOOLONG;
	if (w->dir->marks & INODE_BARE && w->dir->kind == KIND_OPS)
		error = inode_refresh(w->dir);
	if (error)
		return error;
	if (w->dir->mode & S_ISGID) {
		wish.gid = w->dir->gid;
		if (S_ISDIR(mode))
			wish.mode |= S_ISGID;
	}
	error = name_create(&at, &wish, out);
	if (!error)
		name_tell(w->dir, w->name, w->name_size, *out, IN_CREATE, 0);
	return error;
}

int file_in_cwd(const char *name, uint32_t mode, struct inode **out)
{
	struct walk w;
	int error = path_walk(&current_places()->cwd, name, WALK_CREATE | WALK_NOFOLLOW, &w);

	if (error)
		return error;
	if (w.dir && w.dir->kind != KIND_TREE) {
		error = -ENOENT;
	} else if (!w.inode) {
		error = file_create(&w, S_IFREG | mode, 0, NULL, out);
	} else if (!IS(w.inode, S_IFREG) || w.inode->kind != KIND_TREE || w.inode->nlink != 1) {
		error = -EEXIST;
	} else {
		error = mount_may_change(w.mount);
		if (!error)
			error = file_resize(w.inode, 0);
		if (!error)
			inode_get(*out = w.inode);
	}
	walk_end(&w);
	return error;
}

#define TMPFILE (O_TMPFILE & ~O_DIRECTORY)

/* Place for an open: found, made, or an unnamed one. how: WALK_RESOLVE of it. */
static int open_once(int dirfd, uint64_t path, unsigned flags, uint32_t mode, unsigned how, struct place *out,
	int *is_new)
{
	char buffer[PATH_MAX];
	struct walk w;
	int error, temporary = (flags & TMPFILE) != 0;

	if (flags & O_NOFOLLOW || (flags & O_CREAT && flags & O_EXCL))
		how |= WALK_NOFOLLOW;
	if (flags & O_CREAT)
		how |= WALK_CREATE;
	error = path_at(dirfd, path, how, buffer, &w);
	if (error)
		return error;
	mode = S_IFREG | (mode & 07777 & ~current_places()->umask);
	if (temporary) {
		error = IS(w.inode, S_IFDIR) && w.inode->kind == KIND_TREE ? 0 : IS(w.inode, S_IFDIR) ? -EOPNOTSUPP : -ENOTDIR;
		if ((flags & (O_TMPFILE | O_CREAT)) != O_TMPFILE || (flags & O_ACCMODE) == O_RDONLY)
			error = -EINVAL;
		if (!error)
			error = mount_may_change(w.mount);
		if (!error && !(out->inode = inode_make(w.inode->volume, mode)))
			error = -ENOSPC;
		if (!error) {
			out->inode->nlink = 0;
			out->inode->marks |= flags & O_EXCL ? 0 : INODE_LINKABLE;
		}
	} else if (!w.inode) {
		error = w.slash ? -EISDIR : file_create(&w, mode, 0, NULL, &out->inode);
		*is_new = !error;
		if (error == -EEXIST && !(flags & O_EXCL))
			error = -ESTALE; /* it came while its making slept */
	} else if ((flags & O_CREAT) && (flags & O_EXCL)) {
		error = -EEXIST;
	} else if ((flags & O_DIRECTORY) && !IS(w.inode, S_IFDIR)) {
		error = -ENOTDIR;
	} else if (IS(w.inode, S_IFLNK) && !(flags & O_PATH)) {
		error = -ELOOP;
	} else {
		error = place_may_open(&(struct place){ w.mount, w.inode }, flags);
		if (!error)
			inode_get(out->inode = w.inode);
	}
	out->mount = w.mount;
	if (!error)
		mount_get(w.mount);
	walk_end(&w);
	return error;
}

static int open_place(int dirfd, uint64_t path, unsigned flags, uint32_t mode, unsigned how, struct place *out,
	int *is_new)
{
	int error, tries = LOOK_AGAIN;

	do
		error = open_once(dirfd, path, flags, mode, how, out, is_new);
	while (error == -ESTALE && --tries);
	return error;
}

/* O_TRUNC. */
static int contents_drop(struct inode *ip)
{
	int error = seals_allow_size(ip, 0);

	if (error)
		return error;
	if (ip->kind == KIND_TREE)
		return file_resize(ip, 0);
	return ip->volume->ops->change ? inode_change(ip, &(struct fs_change_of){ .which = CHANGE_SIZE }) : 0;
}

static long do_open(int dirfd, uint64_t path, unsigned flags, uint32_t mode, unsigned how)
{
	struct place p;
	struct file *f;
	int error, is_new = 0;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	error = fd_free(current_files(), 0); /* before a file is made in vain */
	if (error >= 0)
		error = open_place(dirfd, path, flags, mode, how, &p, &is_new);
	if (error)
		return error;
	if (is_new)
		flags &= ~(unsigned)O_TRUNC; /* nothing is there to be dropped, and nobody is told of it */
	error = inode_open(p.inode, flags, &f);
	if (!error)
		file_mount(f, p.mount);
	if (!error && (flags & O_TRUNC) && IS(p.inode, S_IFREG)) {
		error = contents_drop(p.inode);
		if (error)
			file_put(f);
	}
	place_put(&p);
	if (error)
		return error;
	if (!(flags & O_PATH)) {
		inode_tell(f->ip, IN_OPEN);
		if (flags & O_TRUNC && IS(f->ip, S_IFREG))
			inode_tell(f->ip, IN_MODIFY | TELL_OF_INODE);
	}
	return fd_new(current_files(), f, 0, !!(flags & O_CLOEXEC));
}

CALL3(open, path, flags, mode)
{
	return do_open(AT_FDCWD, path, (unsigned)flags, (uint32_t)mode, 0);
}

CALL4(openat, dirfd, path, flags, mode)
{
	return do_open((int)dirfd, path, (unsigned)flags, (uint32_t)mode, 0);
}

#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | FASYNC | \
	O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | TMPFILE)
#define PATH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define RESOLVES (RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | \
	RESOLVE_CACHED)
_Static_assert(WALK_RESOLVE(RESOLVE_NO_XDEV) == WALK_NO_XDEV && WALK_RESOLVE(RESOLVE_NO_MAGICLINKS) == WALK_NO_MAGIC &&
	WALK_RESOLVE(RESOLVE_NO_SYMLINKS) == WALK_NO_LINKS && WALK_RESOLVE(RESOLVE_BENEATH) == WALK_BENEATH &&
	WALK_RESOLVE(RESOLVE_IN_ROOT) == WALK_IN_ROOT && WALK_RESOLVE(RESOLVE_CACHED) == WALK_CACHED, "vfs.c");

/* Unlike open, openat2 refuses what has no meaning: 0 or -errno. */
static int how_check(const struct open_how *how)
{
	int makes = how->flags & (O_CREAT | TMPFILE) ? 1 : 0;

	if (how->flags & ~(uint64_t)OPEN_FLAGS || how->resolve & ~(uint64_t)RESOLVES ||
		(how->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) == (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
		return -EINVAL;
	if (how->mode & ~(uint64_t)(makes ? 07777 : 0) || (how->flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;
	if (how->flags & TMPFILE && (!(how->flags & O_DIRECTORY) || (how->flags & O_ACCMODE) == O_RDONLY))
		return -EINVAL;
	if (how->flags & O_PATH && how->flags & ~(uint64_t)PATH_FLAGS)
		return -EINVAL;
	return how->resolve & RESOLVE_CACHED && how->flags & (O_TRUNC | O_CREAT | TMPFILE) ? -EAGAIN : 0;
}

CALL4(openat2, dirfd, path, from, size)
{
	struct { struct open_how how; char more[PAGE - sizeof(struct open_how)]; } given;
	int error;

	if (size < sizeof given.how)
		return -EINVAL;
	if (size > sizeof given)
		return -E2BIG;
	if (user_read(&given, from, size))
		return -EFAULT;
	for (size_t i = 0; i < size - sizeof given.how; i++)
		if (given.more[i])
			return -E2BIG;
	error = how_check(&given.how);
	return error ? error : do_open((int)dirfd, path, (unsigned)given.how.flags, (uint32_t)given.how.mode,
		WALK_RESOLVE(given.how.resolve));
}

CALL2(creat, path, mode)
{
	return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, (uint32_t)mode, 0);
}
