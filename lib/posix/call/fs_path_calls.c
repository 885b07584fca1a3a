/* SPDX-License-Identifier: MIT */
/* System calls that change names: making, linking, removing. */
#include <posix/file/inotify.h>

/* A name that is to be made: 0 with w->dir and w->name, or -EEXIST and the walk's errors. */
static int absent_at(int dirfd, uint64_t path, char *buffer, struct walk *w)
{
	int error = path_at(dirfd, path, WALK_PARENT, buffer, w);

	if (!error && (w->inode || w->last != LAST_NAME)) {
		walk_end(w);
		error = -EEXIST;
	}
	return error;
}

/* Walk done: makes the node and drops the walk. */
static int node_create(struct walk *w, uint32_t mode, uint32_t rdev)
{
	struct inode *ip;
	int error = file_create(w, mode, rdev, NULL, &ip);

	if (!error)
		inode_put(ip);
	walk_end(w);
	return error;
}

static long mkdir_at(int dirfd, uint64_t path, uint64_t mode)
{
	char buffer[PATH_MAX];
	struct walk w;
	int error = absent_at(dirfd, path, buffer, &w);

	return error ? error : node_create(&w, S_IFDIR | ((uint32_t)mode & 01777 & ~current_places()->umask), 0);
}

CALL2(mkdir, path, mode) { return mkdir_at(AT_FDCWD, path, mode); }
CALL3(mkdirat, dirfd, path, mode) { return mkdir_at((int)dirfd, path, mode); }

static long mknod_at(int dirfd, uint64_t path, uint64_t mode, uint64_t dev)
{
	char buffer[PATH_MAX];
	struct walk w;
	uint32_t type = (uint32_t)mode & S_IFMT;
	int error;

	if (type == S_IFDIR)
		return -EPERM;
	if (type != 0 && type != S_IFREG && type != S_IFCHR && type != S_IFBLK && type != S_IFIFO && type != S_IFSOCK)
		return -EINVAL;
	error = absent_at(dirfd, path, buffer, &w);
	if (error)
		return error;
	if (w.slash) {
		walk_end(&w);
		return -ENOENT;
	}
	if (type != S_IFCHR && type != S_IFBLK)
		dev = 0;
	return node_create(&w, (type ? type : S_IFREG) | ((uint32_t)mode & 07777 & ~current_places()->umask),
		(uint32_t)dev);
}

CALL3(mknod, path, mode, dev) { return mknod_at(AT_FDCWD, path, mode, dev); }
CALL4(mknodat, dirfd, path, mode, dev) { return mknod_at((int)dirfd, path, mode, dev); }

static long symlink_at(uint64_t target, int dirfd, uint64_t path)
{
	char buffer[PATH_MAX], text[PATH_MAX];
	struct walk w;
	struct inode *ip;
	long n = user_str(text, target, sizeof(text));
	int error;

	if (n <= 0)
		return n ? n : -ENOENT;
	error = absent_at(dirfd, path, buffer, &w);
	if (error)
		return error;
	error = w.slash ? -ENOENT : file_create(&w, S_IFLNK | 0777, 0, text, &ip);
	walk_end(&w);
	if (!error)
		inode_put(ip);
	return error;
}

CALL2(symlink, target, path) { return symlink_at(target, AT_FDCWD, path); }
CALL3(symlinkat, target, dirfd, path) { return symlink_at(target, (int)dirfd, path); }

static long link_at(int old_dirfd, uint64_t old, int new_dirfd, uint64_t new, uint64_t flags)
{
	char buffer[PATH_MAX];
	struct fs_name at;
	struct place from;
	struct inode *ip;
	struct walk w;
	unsigned how;
	int error;

	if (flags & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	how = flags & AT_SYMLINK_FOLLOW ? 0 : WALK_NOFOLLOW;
	if (flags & AT_EMPTY_PATH)
		how |= WALK_EMPTY;
	error = place_at(old_dirfd, old, how, &from);
	if (error)
		return error;
	ip = from.inode;
	error = absent_at(new_dirfd, new, buffer, &w);
	if (!error) {
		at = walk_name(&w);
		if (w.slash)
			error = -ENOENT;
		else if (from.mount != w.mount || ip->volume != w.dir->volume)
			error = -EXDEV;
		else if (mount_may_change(w.mount))
			error = -EROFS;
		else if (IS(ip, S_IFDIR) || (ip->kind != KIND_TREE && ip->kind != KIND_OPS))
			error = -EPERM;
		else if (!ip->nlink && !(ip->marks & INODE_LINKABLE)) /* its last name went, or it was never to have one */
			error = -ENOENT;
		else
			error = name_link(&at, ip);
		if (!error) {
			inode_tell_own(ip, IN_ATTRIB);
			name_tell(w.dir, w.name, w.name_size, ip, IN_CREATE, 0);
		}
		walk_end(&w);
	}
	place_put(&from);
	return error;
}

CALL2(link, old, new) { return link_at(AT_FDCWD, old, AT_FDCWD, new, 0); }
CALL5(linkat, old_dirfd, old, new_dirfd, new, flags) { return link_at((int)old_dirfd, old, (int)new_dirfd, new, flags); }

/* The name goes; the inode stays as long as it is open. */
static int name_drop(struct walk *w)
{
	struct fs_name at = walk_name(w);
	int error = name_remove(&at);

	if (error)
		return error;
	if (!IS(w->inode, S_IFDIR))
		inode_tell_own(w->inode, IN_ATTRIB);
	if (!w->inode->nlink && w->inode->refs == 1 && w->inode->extra)
		watched_gone(w->inode); /* nobody but the walk has it, and that was Linux's order */
	name_tell(w->dir, w->name, w->name_size, w->inode, IN_DELETE, 0);
	if (fs_family()->watches && !w->inode->nlink && w->inode->refs > 1 && !IS(w->inode, S_IFDIR))
		watched_left(w->dir, w->inode, w->name, w->name_size);
	return 0;
}

static int unlink_walked(struct walk *w)
{
	if (w->last != LAST_NAME)
		return -EISDIR;
	if (mount_may_change(w->mount))
		return -EROFS;
	if (!w->inode)
		return -ENOENT;
	if (w->slash)
		return IS(w->inode, S_IFDIR) ? -EISDIR : -ENOTDIR;
	if (IS(w->inode, S_IFDIR))
		return -EISDIR;
	if (mount_is_at(w->inode))
		return -EBUSY;
	return name_drop(w);
}

static int rmdir_walked(struct walk *w)
{
	if (w->last != LAST_NAME)
		return w->last == LAST_DOT ? -EINVAL : w->last == LAST_DOTDOT ? -ENOTEMPTY : -EBUSY;
	if (mount_may_change(w->mount))
		return -EROFS;
	if (!w->inode)
		return -ENOENT;
	if (mount_is_at(w->inode))
		return -EBUSY;
	if (!IS(w->inode, S_IFDIR))
		return -ENOTDIR;
	return name_drop(w);
}

static long remove_at(int dirfd, uint64_t path, int (*remove)(struct walk *w))
{
	char buffer[PATH_MAX];
	int error, tries = LOOK_AGAIN;
	struct walk w;

	do {
		error = path_at(dirfd, path, WALK_PARENT, buffer, &w);
		if (error)
			break;
		error = remove(&w);
		walk_end(&w);
	} while (error == -ESTALE && --tries);
	return error;
}

CALL1(unlink, path) { return remove_at(AT_FDCWD, path, unlink_walked); }
CALL1(rmdir, path) { return remove_at(AT_FDCWD, path, rmdir_walked); }

CALL3(unlinkat, dirfd, path, flags)
{
	if (flags & ~(uint64_t)AT_REMOVEDIR)
		return -EINVAL;
	return remove_at((int)dirfd, path, flags & AT_REMOVEDIR ? rmdir_walked : unlink_walked);
}
