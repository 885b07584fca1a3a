/* SPDX-License-Identifier: MIT */
/* Puts the family's file system together: the root image as "/", and in memory /dev, /proc, /tmp and the folders that programs expect. */
#include <tty/tty.h>
#include "proc.h"

/* A directory of that name, found or made. */
static int dir_ensure(struct inode *parent, const char *name, uint32_t mode, struct inode **out)
{
	int error = dir_lookup(parent, name, strlen(name), out);

	if (!error && IS(*out, S_IFDIR))
		return 0;
	if (!error) {
		inode_put(*out);
		return -ENOTDIR;
	}
	if (error != -ENOENT)
		return error;
	*out = inode_new(S_IFDIR | mode);
	if (!*out)
		return -ENOMEM;
	error = entry_add(parent, name, strlen(name), *out);
	if (error)
		inode_put(*out);
	return error;
}

/* A directory of the tree, found or made, becomes the root of what that row shows. */
static int shown_ensure(struct fs_family *fs, const struct shown *row, struct inode **out)
{
	struct inode *ip;
	int error = dir_ensure(fs->root, row->name, 0555, &ip);

	if (error)
		return error;
	dir_free(ip);
	memset(&ip->dir, 0, sizeof(ip->dir));
	ip->kind = KIND_PROC;
	ip->mode = row->mode;
	ip->proc = (struct proc_node){ row, 0, -1, row->mount };
	*out = ip;
	return 0;
}

int fs_init(const void *image, size_t size)
{
	struct fs_family *fs = fam_alloc(sizeof(*fs));
	struct inode *dev, *other;
	struct walk w;
	int error;

	if (!fs)
		return -ENOMEM;
	*family_slot_fs() = fs;
	fs->image = image;
	fs->image_size = size;
	fs->next_ino = 1ul << 28; /* above every number of the image */
	error = erofs_open(&fs->erofs, image, size);
	if (!error)
		error = inode_from_image(fs->erofs.root_nid, &fs->root);
	if (!error && !IS(fs->root, S_IFDIR))
		error = -ENOTDIR;
	if (!error)
		error = tty_init(fs);
	if (!error)
		error = shown_ensure(fs, &proc_root, &fs->proc);
	if (!error)
		error = shown_ensure(fs, &sys_root, &fs->sys);
	if (!error)
		error = dir_ensure(fs->root, "dev", 0755, &dev);
	if (error)
		return error;
	error = dev_populate(dev);
	if (!error)
		error = dir_ensure(dev, "pts", 0755, &fs->pts);
	if (!error)
		error = dir_ensure(dev, "shm", 01777, &other);
	if (!error) {
		inode_put(other);
		error = dir_ensure(fs->root, "tmp", 01777, &other);
	}
	inode_put(dev);
	if (error)
		return error;
	other->mode = S_IFDIR | 01777;
	inode_put(other);
	error = path_walk(fs->root, "/dev/console", 0, &w);
	if (error)
		return error;
	inode_get(w.inode);
	fs->tty->console = w.inode;
	walk_end(&w);
	return 0;
}
