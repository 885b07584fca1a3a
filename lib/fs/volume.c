/* SPDX-License-Identifier: MIT */
/* Volumes: file systems that are there, what belongs to them, and their end. */
#include "files.h"

int volume_make(const struct fs_ops *ops, const char *source, char *options, struct volume **out)
{
	struct fs_family *fs = fs_family();
	struct volume *v;
	int error;

	for (v = fs->singles; ops->is_single && v; v = v->next) {
		if (v->ops == ops) {
			*out = v;
			return 0;
		}
	}
	v = fam_alloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->ops = ops;
	v->device = fs->next_device++;
	error = ops->make(v, source, options);
	if (error) {
		fam_free(v);
		return error;
	}
	if (ops->is_single) {
		v->mounts = 1; /* it stays */
		v->next = fs->singles;
		fs->singles = v;
	}
	*out = v;
	return 0;
}

int volume_name(struct volume *v)
{
	if (v->room.inodes_max && v->room.inodes >= v->room.inodes_max)
		return -ENOSPC;
	v->room.inodes++;
	return 0;
}

int volume_take(struct volume *v, struct inode *ip)
{
	if (volume_name(v))
		return -ENOSPC;
	v->inodes++;
	ip->volume = v;
	return 0;
}

void volume_unname(struct inode *ip)
{
	if (ip->nlink > 1 && !IS(ip, S_IFDIR))
		ip->volume->room.inodes--;
}

static void volume_free(struct volume *v)
{
	if (v->ops->end)
		v->ops->end(v);
	fam_free(v);
}

void volume_leave(struct inode *ip)
{
	struct volume *v = ip->volume;

	v->room.inodes--;
	if (--v->inodes == 0 && !v->mounts)
		volume_free(v);
}

/* Leaves first, and without recursion: folders may lie in one another as deep as they like. */
static void tree_empty(struct inode *top)
{
	struct inode *dir = top;

	for (;;) {
		struct entry *e = dir->dir.first;

		family_progress();
		if (e && e->inode && IS(e->inode, S_IFDIR) && e->inode->dir.first) {
			e->inode->entry = e;
			dir = e->inode;
		} else if (e) {
			if (e->inode)
				e->inode->nlink = IS(e->inode, S_IFDIR) ? 0 : e->inode->nlink - 1;
			entry_remove(e);
		} else if (dir != top) {
			dir = dir->parent;
		} else {
			break;
		}
	}
}

void volume_drop(struct volume *v)
{
	struct inode *root = v->root;

	if (v->mounts || !root)
		return;
	v->root = NULL;
	/* Its last inode takes the volume along; without one there is nobody to. */
	if (root->kind == KIND_TREE)
		tree_empty(root);
	inode_put(root);
}
