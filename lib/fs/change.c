/* SPDX-License-Identifier: MIT */
/* Changes of names and attributes, of whichever kind an inode is: in memory at once, elsewhere by what its kind brings.
 * Whether somebody may do so was looked at before. */
#include "files.h"

/* ---- names in memory: nothing sleeps, so all is as the walk found it */
static int tree_create(const struct fs_name *at, const struct fs_wish *wish, struct inode **out)
{
	struct inode *ip = fam_room(ROOM_CONTENT) ? inode_make(at->dir->volume, wish->mode) : NULL;
	char *text;
	int error;

	if (!ip)
		return -ENOSPC;
	ip->rdev = wish->rdev;
	ip->gid = wish->gid;
	if (wish->text) {
		text = fam_alloc(wish->text_size + 1);
		if (!text) {
			inode_put(ip);
			return -ENOSPC;
		}
		memcpy(text, wish->text, wish->text_size);
		ip->target = text;
		ip->size = wish->text_size;
		ip->marks |= INODE_OWNS_TARGET;
	}
	error = entry_add(at->dir, at->name, at->n, ip);
	if (error)
		inode_put(ip);
	else
		*out = ip;
	return error;
}

static int tree_link(const struct fs_name *at, struct inode *ip)
{
	int error = volume_name(ip->volume);

	if (error)
		return error;
	error = entry_add(at->dir, at->name, at->n, ip);
	if (error) {
		ip->volume->room.inodes--;
		return error;
	}
	ip->marks &= (uint8_t)~INODE_LINKABLE;
	ip->nlink++;
	inode_touch(ip, TOUCH_C);
	return 0;
}

/* One name less; of a folder the only one. */
static void name_lost(struct inode *ip)
{
	volume_unname(ip);
	ip->nlink -= IS(ip, S_IFDIR) ? ip->nlink : 1;
	inode_touch(ip, TOUCH_C);
}

static int tree_remove(const struct fs_name *at)
{
	int error = IS(at->inode, S_IFDIR) ? dir_load(at->inode) : 0;

	if (error)
		return error;
	if (IS(at->inode, S_IFDIR) && at->inode->dir.count)
		return -ENOTEMPTY;
	name_lost(at->inode);
	entry_remove(entry_find(at->dir, at->name, at->n));
	return 0;
}

static int tree_rename(const struct fs_name *from, const struct fs_name *to, unsigned flags)
{
	struct entry *old = entry_find(from->dir, from->name, from->n), *gone;
	int error = 0;

	gone = to->inode ? entry_find(to->dir, to->name, to->n) : NULL;
	if (flags & FS_EXCHANGE) {
		entries_swap(old, gone);
		return 0;
	}
	if (gone && IS(to->inode, S_IFDIR))
		error = dir_load(to->inode);
	if (!error && gone && IS(to->inode, S_IFDIR) && to->inode->dir.count)
		error = -ENOTEMPTY;
	/* The new name first: only that can fail. For a moment the directory may hold the name twice; lookup finds the
	 * newer. */
	if (!error)
		error = entry_add(to->dir, to->name, to->n, from->inode);
	if (error)
		return error;
	if (gone) {
		name_lost(to->inode);
		entry_remove(gone);
	}
	entry_remove(old);
	inode_touch(from->inode, TOUCH_C);
	return 0;
}

/* ---- names of any kind */
int name_create(const struct fs_name *at, const struct fs_wish *wish, struct inode **out)
{
	const struct fs_ops *ops = at->dir->volume->ops;

	if (at->dir->kind != KIND_OPS)
		return tree_create(at, wish, out);
	return ops->create ? ops->create(at, wish, out) : -ENOENT;
}

int name_link(const struct fs_name *at, struct inode *ip)
{
	const struct fs_ops *ops = at->dir->volume->ops;

	if (at->dir->kind != KIND_OPS)
		return tree_link(at, ip);
	return ops->link ? ops->link(at, ip) : -EPERM;
}

int name_remove(const struct fs_name *at)
{
	const struct fs_ops *ops = at->dir->volume->ops;

	if (at->dir->kind != KIND_OPS)
		return tree_remove(at);
	return ops->remove ? ops->remove(at) : -EPERM;
}

int name_rename(const struct fs_name *from, const struct fs_name *to, unsigned flags)
{
	const struct fs_ops *ops = from->dir->volume->ops;

	if (from->dir->kind != KIND_OPS)
		return tree_rename(from, to, flags);
	return ops->rename ? ops->rename(from, to, flags) : -EPERM;
}

/* ---- attributes of any kind */
int inode_change(struct inode *ip, const struct fs_change_of *what)
{
	int error;

	if (ip->kind == KIND_OPS)
		return kind_change(ip, what);
	error = what->which & CHANGE_SIZE ? file_resize(ip, what->size) : 0;
	if (error)
		return error;
	if (what->which & CHANGE_MODE)
		ip->mode = (ip->mode & S_IFMT) | what->mode;
	if (what->which & CHANGE_UID)
		ip->uid = what->uid;
	if (what->which & CHANGE_GID)
		ip->gid = what->gid;
	if (what->which & CHANGE_ATIME)
		ip->atime = what->atime;
	if (what->which & CHANGE_MTIME)
		ip->mtime = what->mtime;
	inode_touch(ip, TOUCH_C);
	return 0;
}

int inode_refresh(struct inode *ip)
{
	return ip->kind == KIND_OPS && ip->volume->ops->refresh ? ip->volume->ops->refresh(ip) : 0;
}
