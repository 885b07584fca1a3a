/* SPDX-License-Identifier: MIT */
/* Directories in memory. One that comes from the image is read into memory when it is first used; its inodes are made as they are looked up. */
#include "files.h"

static uint32_t name_hash(const char *name, size_t n)
{
	uint32_t h = 2166136261u;

	while (n--)
		h = (h ^ (uint8_t)*name++) * 16777619u;
	return h;
}

/* A failed growth costs time only, unless there was no table at all. */
static int buckets_grow(struct directory *d)
{
	uint32_t count = d->bucket_count ? d->bucket_count * 4 : 8;
	struct entry **bucket;

	if (d->count < d->bucket_count * 2)
		return 0;
	bucket = fam_alloc(count * sizeof(*bucket));
	if (!bucket)
		return d->bucket ? 0 : -ENOSPC;
	for (struct entry *e = d->first; e; e = e->next) {
		e->chain = bucket[e->hash % count];
		bucket[e->hash % count] = e;
	}
	fam_free(d->bucket);
	d->bucket = bucket;
	d->bucket_count = count;
	return 0;
}

static struct entry *entry_make(struct inode *dir, const char *name, size_t n)
{
	struct directory *d = &dir->dir;
	struct entry *e;

	if (buckets_grow(d) < 0)
		return NULL;
	e = fam_alloc(sizeof(*e) + n);
	if (!e)
		return NULL;
	memcpy(e->name, name, n);
	e->name_size = (uint8_t)n;
	e->hash = name_hash(name, n);
	e->dir = dir;
	e->cookie = d->next_cookie++;
	e->chain = d->bucket[e->hash % d->bucket_count];
	d->bucket[e->hash % d->bucket_count] = e;
	e->prev = d->last;
	*(d->last ? &d->last->next : &d->first) = e;
	d->last = e;
	d->count++;
	return e;
}

/* Types of the image's directory entries (1 file .. 7 symlink) as mode >> 12. */
static const uint8_t image_type[8] = { 0, 8, 4, 2, 6, 1, 12, 10 };

int dir_load(struct inode *dir)
{
	struct fs_family *fs = fs_family();
	struct erofs_inode node;
	struct erofs_dirent item;
	uint64_t cursor = 0;
	int got;

	if (dir->dir.loaded)
		return 0;
	if (erofs_inode_read(&fs->erofs, dir->nid, &node) < 0)
		return -EIO;
	while ((got = erofs_dir_next(&fs->erofs, &node, &cursor, &item)) > 0) {
		struct entry *e;

		if (item.name_size == 0 || item.name_size > NAME_MAX || (item.name[0] == '.' && (item.name_size == 1 || (item.name_size == 2 && item.name[1] == '.'))))
			continue;
		e = entry_make(dir, item.name, item.name_size);
		if (!e) {
			got = -ENOMEM;
			break;
		}
		e->nid = item.nid;
		e->type = image_type[item.type & 7];
	}
	if (got < 0) {
		dir_free(dir);
		return got == -ENOMEM ? -ENOMEM : -EIO;
	}
	dir->dir.loaded = 1;
	return 0;
}

struct entry *entry_find(struct inode *dir, const char *name, size_t n)
{
	struct directory *d = &dir->dir;
	uint32_t hash = name_hash(name, n);

	if (!d->bucket)
		return NULL;
	for (struct entry *e = d->bucket[hash % d->bucket_count]; e; e = e->chain)
		if (e->hash == hash && e->name_size == n && !memcmp(e->name, name, n))
			return e;
	return NULL;
}

/* Gives the entry its inode. A directory remembers its parent, for `..` and getcwd. */
static int entry_inode(struct entry *e)
{
	int error;

	if (e->inode)
		return 0;
	error = inode_from_image(e->dir->volume, e->nid, &e->inode);
	if (error)
		return error;
	if (IS(e->inode, S_IFDIR) && !e->inode->parent) {
		inode_get(e->dir);
		e->inode->parent = e->dir;
	}
	return 0;
}

int dir_lookup(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	struct entry *e;
	int error;

	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	if (dir->kind == KIND_OPS)
		return dir->volume->ops->lookup(dir, name, n, out);
	error = dir_load(dir);
	if (error)
		return error;
	e = entry_find(dir, name, n);
	if (!e)
		return -ENOENT;
	error = entry_inode(e);
	if (error)
		return error;
	e->inode->entry = e;
	inode_get(e->inode);
	*out = e->inode;
	return 0;
}

int entry_add(struct inode *dir, const char *name, size_t n, struct inode *ip)
{
	struct entry *e;
	int error;

	if (dir->kind != KIND_TREE)
		return -EPERM;
	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	error = dir_load(dir);
	if (error)
		return error;
	if (!dir->nlink)
		return -ENOENT;
	e = entry_make(dir, name, n);
	if (!e)
		return -ENOSPC;
	inode_get(ip);
	e->inode = ip;
	e->type = (uint8_t)(ip->mode >> 12);
	ip->entry = e;
	if (IS(ip, S_IFDIR)) {
		struct inode *before = ip->parent;

		inode_get(dir);
		ip->parent = dir;
		inode_put(before);
		dir->nlink++;
	}
	inode_touch(dir, TOUCH_M | TOUCH_C);
	return 0;
}

static void entry_unlink(struct entry *e)
{
	struct directory *d = &e->dir->dir;
	struct entry **link = &d->bucket[e->hash % d->bucket_count];

	while (*link != e)
		link = &(*link)->chain;
	*link = e->chain;
	*(e->prev ? &e->prev->next : &d->first) = e->next;
	*(e->next ? &e->next->prev : &d->last) = e->prev;
	d->count--;
	if (e->inode && e->inode->entry == e)
		e->inode->entry = NULL;
}

void entry_remove(struct entry *e)
{
	struct inode *dir = e->dir;

	entry_unlink(e);
	if (e->inode && IS(e->inode, S_IFDIR))
		dir->nlink--;
	inode_touch(dir, TOUCH_M | TOUCH_C);
	inode_put(e->inode);
	fam_free(e);
}

static void entry_takes(struct entry *e, struct inode *ip, struct inode *from)
{
	e->inode = ip;
	e->nid = 0;
	e->type = (uint8_t)(ip->mode >> 12);
	ip->entry = e;
	if (IS(ip, S_IFDIR)) {
		inode_get(e->dir);
		inode_put(ip->parent);
		ip->parent = e->dir;
		e->dir->nlink++;
		from->nlink--;
	}
	inode_touch(ip, TOUCH_C);
	inode_touch(e->dir, TOUCH_M | TOUCH_C);
}

void entries_swap(struct entry *a, struct entry *b)
{
	struct inode *of_a = a->inode, *of_b = b->inode;

	entry_takes(a, of_b, b->dir);
	entry_takes(b, of_a, a->dir);
}

void dir_free(struct inode *dir)
{
	struct directory *d = &dir->dir;

	while (d->first) {
		struct entry *e = d->first;

		entry_unlink(e);
		inode_put(e->inode);
		fam_free(e);
	}
	fam_free(d->bucket);
	d->bucket = NULL;
	d->bucket_count = 0;
}

int dir_is_within(const struct inode *dir, const struct inode *top)
{
	while (dir && dir != top)
		dir = dir->parent;
	return dir == top;
}

int dir_read(struct inode *dir, uint64_t *at, dir_emit *emit, void *context)
{
	struct entry *e;
	int error;

	if (!dir->nlink)
		return -ENOENT;
	if (*at == 0) {
		if (emit(context, ".", 1, dir->ino, DT_DIR_TYPE, 1))
			return 0;
		*at = 1;
	}
	if (*at == 1) {
		if (emit(context, "..", 2, dir->parent ? dir->parent->ino : dir->ino, DT_DIR_TYPE, 2))
			return 0;
		*at = 2;
	}
	if (dir->kind == KIND_OPS)
		return dir->volume->ops->read_dir(dir, at, emit, context);
	error = dir_load(dir);
	if (error)
		return error;
	/* The usual next call goes on behind the middle: begin at the nearer end. */
	e = dir->dir.first;
	if (dir->dir.last && dir->dir.last->cookie - *at < *at) {
		e = dir->dir.last;
		while (e->prev && e->prev->cookie >= *at)
			e = e->prev;
	}
	while (e && e->cookie < *at)
		e = e->next;
	for (; e; e = e->next) {
		if (emit(context, e->name, e->name_size, e->inode ? e->inode->ino : e->nid, e->type, e->cookie + 1))
			return 0;
		*at = e->cookie + 1;
	}
	return 0;
}
