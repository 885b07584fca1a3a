/* SPDX-License-Identifier: MIT */
/* Copies in memory of files of kinds with operations, for who maps or runs them: a page that is mapped is never waited
 * for. A copy is of one time: others share it while somebody uses it and the file says that it is the same still. */
#include "files.h"

#define COPY_PAGES 16

int inode_is_copy(const struct inode *ip) { return ip->kind == KIND_TREE && ip->marks & INODE_COPY; }

void kind_copy_end(struct inode *copy)
{
	if (copy->parent->copy == copy)
		copy->parent->copy = NULL;
	inode_put(copy->parent);
	copy->parent = NULL;
}

static int contents_copy(struct inode *from, struct inode *to)
{
	char *piece = from->size / PAGE < fam_room(ROOM_CONTENT) ? fam_pages(COPY_PAGES) : NULL;
	uint64_t at = 0;
	long got;

	if (!piece)
		return -ENOMEM;
	do {
		got = from->volume->ops->read(from, piece, COPY_PAGES * PAGE, at);
		if (got > 0 && inode_write(to, piece, (size_t)got, at) != got)
			got = -ENOMEM;
		at += got > 0 ? (uint64_t)got : 0;
	} while (got == (long)(COPY_PAGES * PAGE));
	fam_pages_free(piece, COPY_PAGES);
	return got < 0 ? (int)got : 0;
}

int kind_copy(struct inode *ip, struct inode **out)
{
	struct inode *copy;
	int64_t mtime, ctime;
	uint64_t size;
	int error = inode_refresh(ip);

	if (error)
		return error;
	copy = ip->copy;
	if (copy && copy->size == ip->size && copy->mtime == ip->mtime && copy->ctime == ip->ctime) {
		inode_get(*out = copy);
		return 0;
	}
	mtime = ip->mtime;
	ctime = ip->ctime;
	size = ip->size;
	copy = inode_new(ip->mode);
	if (!copy)
		return -ENOMEM;
	error = contents_copy(ip, copy);
	if (error) {
		inode_put(copy);
		return error;
	}
	copy->ino = ip->ino;
	copy->uid = ip->uid;
	copy->gid = ip->gid;
	copy->mtime = mtime;
	copy->ctime = ctime;
	copy->marks |= INODE_COPY;
	inode_get(copy->parent = ip);
	if (copy->size == size) /* else it changed meanwhile: whoever comes next takes another */
		ip->copy = copy;
	*out = copy;
	return 0;
}
