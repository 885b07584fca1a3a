/* SPDX-License-Identifier: MIT */
/* System calls that open files, and the making of a name that is not there yet. */
#include <posix/file/inotify.h>

int file_create(struct walk *w, uint32_t mode, uint32_t rdev, struct inode **out)
{
	struct inode *ip;
	int error;

	if (!w->dir->nlink)
		return -ENOENT;
	if (w->dir->kind != KIND_TREE)
		return -ENOENT;
	error = mount_may_change(w->mount);
	if (error)
		return error;
	if (w->name_size > NAME_MAX)
		return -ENAMETOOLONG;
	ip = fam_room(ROOM_CONTENT) ? inode_make(w->dir->volume, mode) : NULL;
	if (!ip)
		return -ENOSPC;
	ip->rdev = rdev;
	if (w->dir->mode & S_ISGID) {
		ip->gid = w->dir->gid;
		if (S_ISDIR(mode))
			ip->mode |= S_ISGID;
	}
	error = entry_add(w->dir, w->name, w->name_size, ip);
	if (error) {
		inode_put(ip);
		return error;
	}
	name_tell(w->dir, w->name, w->name_size, ip, IN_CREATE, 0);
	*out = ip;
	return 0;
}

int file_in_cwd(const char *name, uint32_t mode, struct inode **out)
{
	struct walk w;
	int error = path_walk(&current_files()->cwd, name, WALK_CREATE | WALK_NOFOLLOW, &w);

	if (error)
		return error;
	if (!w.inode) {
		error = file_create(&w, S_IFREG | mode, 0, out);
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

/* Place for an open: found, made, or an unnamed one. */
static int open_place(int dirfd, uint64_t path, unsigned flags, uint32_t mode, struct place *out)
{
	char buffer[PATH_MAX];
	struct walk w;
	int error, temporary = (flags & O_TMPFILE) == O_TMPFILE && !(flags & O_PATH);
	unsigned how = (flags & O_NOFOLLOW) || ((flags & O_CREAT) && (flags & O_EXCL)) ? WALK_NOFOLLOW : 0;

	if (flags & O_CREAT)
		how |= WALK_CREATE;
	error = path_at(dirfd, path, how, buffer, &w);
	if (error)
		return error;
	mode = S_IFREG | (mode & 07777 & ~current_files()->umask);
	if (temporary) {
		error = IS(w.inode, S_IFDIR) && w.inode->kind == KIND_TREE ? 0 : IS(w.inode, S_IFDIR) ? -EOPNOTSUPP : -ENOTDIR;
		if (!error && (flags & O_ACCMODE) == O_RDONLY)
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
		error = w.slash ? -EISDIR : file_create(&w, mode, 0, &out->inode);
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

static long do_open(int dirfd, uint64_t path, unsigned flags, uint32_t mode)
{
	struct place p;
	struct file *f;
	int error;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	error = fd_free(current_files(), 0); /* before a file is made in vain */
	if (error >= 0)
		error = open_place(dirfd, path, flags, mode, &p);
	if (error)
		return error;
	error = inode_open(p.inode, flags, &f);
	if (!error)
		file_mount(f, p.mount);
	if (!error && (flags & O_TRUNC) && IS(p.inode, S_IFREG) && p.inode->kind == KIND_TREE) {
		error = file_resize(p.inode, 0);
		if (error)
			file_put(f);
	}
	place_put(&p);
	if (error)
		return error;
	if (!(flags & O_PATH)) {
		inode_tell(f->ip, IN_OPEN);
		if (flags & O_TRUNC && IS(f->ip, S_IFREG))
			inode_tell(f->ip, IN_MODIFY);
	}
	return fd_new(current_files(), f, 0, !!(flags & O_CLOEXEC));
}

CALL3(open, path, flags, mode)
{
	return do_open(AT_FDCWD, path, (unsigned)flags, (uint32_t)mode);
}

CALL4(openat, dirfd, path, flags, mode)
{
	return do_open((int)dirfd, path, (unsigned)flags, (uint32_t)mode);
}

CALL2(creat, path, mode)
{
	return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, (uint32_t)mode);
}
