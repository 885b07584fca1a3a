/* SPDX-License-Identifier: MIT */
/* Inodes: making, counting, stat, names. An inode lives as long as something refers to it: a directory entry, an open file, a mapping. */
#include "tell.h"

struct inode *inode_new(uint32_t mode)
{
	struct inode *ip = fam_alloc(sizeof(*ip));

	if (!ip)
		return NULL;
	ip->refs = 1;
	ip->mode = mode;
	ip->nlink = S_ISDIR(mode) ? 2 : 1;
	ip->ino = fs_family()->next_ino++;
	ip->atime = ip->mtime = ip->ctime = (int64_t)clock_wall_ns();
	if (S_ISDIR(mode)) {
		ip->dir.loaded = 1;
		ip->dir.next_cookie = 2;
	}
	return ip;
}

struct inode *inode_make(struct volume *v, uint32_t mode)
{
	struct inode *ip = inode_new(mode);

	if (ip && volume_take(v, ip)) {
		inode_put(ip);
		ip = NULL;
	}
	return ip;
}

int inode_segment(uint64_t size, struct inode **out)
{
	struct inode *ip = inode_new(S_IFREG | 0777);

	if (!ip)
		return -ENOMEM;
	ip->nlink = 0;
	if (file_resize(ip, size)) {
		inode_put(ip);
		return -ENOMEM;
	}
	ip->marks = INODE_SEGMENT;
	*out = ip;
	return 0;
}

uint32_t inode_references(struct inode *ip)
{
	return ip->refs;
}

/* The image has data there: a broken image must not lead outside it. */
static const char *image_data(const struct fs_family *fs, const struct erofs_inode *node)
{
	if (node->offset > fs->image_size || node->size > fs->image_size - node->offset)
		return NULL;
	return fs->image + node->offset;
}

static struct inode *image_find(struct fs_family *fs, uint64_t nid)
{
	struct inode *ip = fs->nid_hash[nid % NID_HASH];

	while (ip && ip->nid != nid)
		ip = ip->nid_next;
	return ip;
}

int inode_from_image(struct volume *v, uint64_t nid, struct inode **out)
{
	struct fs_family *fs = fs_family();
	struct inode *ip = image_find(fs, nid);
	struct erofs_inode node;
	const char *data = NULL;

	if (ip) {
		inode_get(ip);
		*out = ip;
		return 0;
	}
	if (erofs_inode_read(&fs->erofs, nid, &node) < 0)
		return -EIO;
	if ((S_ISREG(node.mode) || S_ISLNK(node.mode)) && node.size && !(data = image_data(fs, &node)))
		return -EIO;
	ip = fam_alloc(sizeof(*ip));
	if (!ip)
		return -ENOMEM;
	(void)volume_take(v, ip); /* the image is as large as it is */
	ip->refs = 1;
	ip->backed = 1;
	ip->nid = nid;
	ip->ino = nid;
	ip->mode = node.mode;
	ip->uid = node.uid;
	ip->gid = node.gid;
	ip->nlink = node.nlink;
	ip->rdev = node.rdev;
	ip->atime = ip->mtime = ip->ctime = (int64_t)min_u64(node.mtime, INT64_MAX / NS - 1) * NS + node.mtime_ns; /* until 2262 */
	if (S_ISREG(node.mode)) {
		ip->size = ip->pages.backed = node.size;
		ip->pages.image = data;
		ip->pages.count = (node.size + PAGE - 1) / PAGE;
	} else if (S_ISLNK(node.mode)) {
		ip->size = node.size;
		ip->target = data;
	} else if (S_ISDIR(node.mode)) {
		ip->dir.next_cookie = 2;
	}
	if (!S_ISDIR(node.mode) && node.nlink > 1) {
		ip->nid_next = fs->nid_hash[nid % NID_HASH];
		fs->nid_hash[nid % NID_HASH] = ip;
		ip->marks = INODE_HASHED;
	}
	*out = ip;
	return 0;
}

void inode_get(struct inode *ip)
{
	ip->refs++;
}

struct inode_extra *inode_extra(struct inode *ip)
{
	if (!ip->extra)
		ip->extra = fam_alloc(sizeof(*ip->extra));
	return ip->extra;
}

static void extra_free(struct inode_extra *extra)
{
	while (extra && extra->xattrs) {
		struct xattr *next = extra->xattrs->next;

		fam_free(extra->xattrs);
		extra->xattrs = next;
	}
	fam_free(extra);
}

static void inode_free(struct inode *ip)
{
	locks_release(ip, NULL);
	if (ip->extra || ip->marks & INODE_SEGMENT)
		inode_told(ip, IN_IGNORED);
	extra_free(ip->extra);
	if (ip->marks & INODE_HASHED) {
		struct inode **link = &fs_family()->nid_hash[ip->nid % NID_HASH];

		while (*link != ip)
			link = &(*link)->nid_next;
		*link = ip->nid_next;
	}
	if (ip->kind == KIND_OPS) {
		if (ip->volume->ops->forget)
			ip->volume->ops->forget(ip);
		inode_put(ip->parent);
	} else if (S_ISDIR(ip->mode)) {
		dir_free(ip);
		if (ip->parent)
			inode_put(ip->parent);
	} else if (S_ISREG(ip->mode)) {
		if (inode_is_copy(ip))
			kind_copy_end(ip);
		pages_free(ip);
	} else if (S_ISLNK(ip->mode) && (ip->marks & INODE_OWNS_TARGET)) {
		fam_free((void *)(uintptr_t)ip->target);
	} else if (S_ISFIFO(ip->mode)) {
		pipe_inode_free(ip);
	}
	if (ip->volume)
		volume_leave(ip);
	fam_free(ip);
}

void inode_put(struct inode *ip)
{
	if (ip && --ip->refs == 0)
		inode_free(ip);
}

void inode_touch(struct inode *ip, int mask)
{
	int64_t now = (int64_t)clock_wall_ns();

	if (mask & TOUCH_A)
		ip->atime = now;
	if (mask & TOUCH_M)
		ip->mtime = now;
	if (mask & TOUCH_C)
		ip->ctime = now;
}

void inode_moved(struct inode *ip, struct inode *dir)
{
	inode_get(dir);
	inode_put(ip->parent);
	ip->parent = dir;
}

/* Floor division: times before 1970 have nanoseconds that count upwards too. */
static void time_split(int64_t ns, __kernel_ulong_t *seconds, __kernel_ulong_t *rest)
{
	int64_t s = ns / NS, r = ns % NS;

	if (r < 0) {
		r += NS;
		s--;
	}
	*seconds = (__kernel_ulong_t)s;
	*rest = (__kernel_ulong_t)r;
}

void inode_stat(const struct inode *ip, struct stat *to)
{
	memset(to, 0, sizeof(*to));
	to->st_dev = DEVICE(0, ip->volume ? ip->volume->device : 13);
	to->st_ino = ip->ino;
	to->st_nlink = ip->nlink;
	to->st_mode = ip->mode;
	to->st_uid = ip->uid;
	to->st_gid = ip->gid;
	to->st_rdev = ip->rdev;
	to->st_size = (long)ip->size;
	to->st_blksize = PAGE;
	if (ip->kind == KIND_OPS && ip->volume->ops->blocks)
		to->st_blocks = (long)ip->volume->ops->blocks(ip);
	if (S_ISREG(ip->mode) && ip->kind == KIND_TREE)
		to->st_blocks = (long)(ip->pages.count * (PAGE / 512));
	if (S_ISDIR(ip->mode) && ip->kind == KIND_TREE) {
		to->st_size = PAGE;
		to->st_blocks = PAGE / 512;
	}
	time_split(ip->atime, &to->st_atime, &to->st_atime_nsec);
	time_split(ip->mtime, &to->st_mtime, &to->st_mtime_nsec);
	time_split(ip->ctime, &to->st_ctime, &to->st_ctime_nsec);
}

uint64_t inode_size(struct inode *ip)
{
	return ip->size;
}

uint64_t inode_number(struct inode *ip)
{
	return ip->ino;
}

long inode_path(struct inode *ip, char *to, size_t max)
{
	struct place p = { NULL, inode_is_copy(ip) ? ip->parent : ip };

	if (ip->kind == KIND_ANON && S_ISSOCK(ip->mode))
		return fmt(to, max, "socket:[%lu]", (unsigned long)ip->ino);
	if (ip->kind == KIND_ANON)
		return fmt(to, max, "anon_inode:%s", ip->what);
	if (ip->kind == KIND_PIPE)
		return fmt(to, max, "pipe:[%lu]", (unsigned long)ip->ino);
	return place_path(&p, 0, to, max);
}

void inode_run(struct inode *ip)
{
	inode_get(ip);
	ip->writers--;
}

void inode_run_end(struct inode *ip)
{
	ip->writers++;
	inode_put(ip);
}
