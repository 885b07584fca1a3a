/* SPDX-License-Identifier: MIT */
/* The operations of the kind that sleeps. Each sleeps first, then looks at the folder below and does at once what is
 * still right. */
#include "slow.h"

#define MAGIC 0x510e

static struct inode *under(const struct inode *ip) { return ip->own; }

/* What is true below becomes true above. */
static void slow_update(struct inode *ip)
{
	const struct inode *of = under(ip);

	ip->mode = of->mode;
	ip->uid = of->uid;
	ip->gid = of->gid;
	ip->rdev = of->rdev;
	ip->nlink = of->nlink;
	ip->size = of->size;
	ip->atime = of->atime;
	ip->mtime = of->mtime;
	ip->ctime = of->ctime;
}

/* A file has one inode, as long as that is held: the volume has a list of all, by nid_next. */
static struct inode *slow_make(struct volume *v, struct inode *of)
{
	struct inode *ip = v->own;

	while (ip && ip->own != of)
		ip = ip->nid_next;
	if (ip) {
		inode_get(ip);
	} else {
		ip = inode_make(v, of->mode);
		if (!ip)
			return NULL;
		memset(&ip->dir, 0, sizeof(ip->dir));
		ip->kind = KIND_OPS;
		ip->ino = of->ino;
		ip->own = of;
		ip->nid_next = v->own;
		v->own = ip;
		inode_get(of);
	}
	slow_update(ip);
	return ip;
}

static void slow_forget(struct inode *ip)
{
	struct inode *before = ip->volume->own;

	if (before == ip) {
		ip->volume->own = ip->nid_next;
	} else {
		while (before->nid_next != ip)
			before = before->nid_next;
		before->nid_next = ip->nid_next;
	}
	inode_put(under(ip));
}

static int slow_mount(struct volume *v, const char *source, char *options)
{
	struct inode *of;
	int error = options && *options ? -EINVAL : inode_lookup(source, &of);

	if (error)
		return error;
	error = slow_nap(v, SLOW_MAKE);
	if (!error && of->kind != KIND_TREE)
		error = -EINVAL;
	if (!error && !(v->root = slow_make(v, of)))
		error = -ENOMEM;
	inode_put(of);
	return error;
}

static void slow_end(struct volume *v) { (void)slow_nap(v, SLOW_END); }

/* Takes over the reference of `of`. */
static int slow_child(struct inode *dir, struct inode *of, struct inode **out)
{
	struct inode *ip = slow_make(dir->volume, of);

	inode_put(of);
	if (!ip)
		return -ENOMEM;
	inode_moved(ip, dir);
	*out = ip;
	return 0;
}

static int slow_lookup(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	struct inode *of;
	int error = slow_nap(dir->volume, SLOW_LOOKUP);

	if (!error)
		error = dir_lookup(under(dir), name, n, &of);
	return error ? error : slow_child(dir, of, out);
}

static int slow_read_dir(struct inode *dir, uint64_t *at, dir_emit *emit, void *context)
{
	int error = slow_nap(dir->volume, SLOW_READ_DIR);

	return error ? error : dir_read(under(dir), at, emit, context);
}

static long slow_link_text(struct inode *link, const char **text)
{
	long error = slow_nap(link->volume, SLOW_LINK_TEXT);

	*text = under(link)->target;
	return error ? error : (long)under(link)->size;
}

static long slow_path(const struct inode *ip, char *to, size_t max)
{
	char whole[PATH_MAX], top[PATH_MAX];
	long n = inode_path(under(ip), whole, PATH_MAX), skip = inode_path(under(ip->volume->root), top, PATH_MAX);

	if (n < 0 || skip < 0 || n < skip || n - skip >= (long)max)
		return -ENAMETOOLONG;
	memcpy(to, whole + skip, (size_t)(n - skip) + 1);
	return n - skip;
}

/* The same name below, and whether it still means what the walk found above. `below` holds what it means. */
static int is_still(const struct fs_name *at, struct fs_name *below)
{
	*below = (struct fs_name){ under(at->dir), NULL, at->name, at->n };
	(void)dir_lookup(below->dir, at->name, at->n, &below->inode);
	return below->inode == (at->inode ? under(at->inode) : NULL);
}

static int slow_create(const struct fs_name *at, const struct fs_wish *wish, struct inode **out)
{
	struct inode *of;
	struct fs_name below;
	int error = slow_nap(at->dir->volume, SLOW_CREATE);

	if (error)
		return error;
	if (is_still(at, &below))
		error = name_create(&below, wish, &of);
	else
		error = -EEXIST;
	inode_put(below.inode);
	return error ? error : slow_child(at->dir, of, out);
}

static int slow_link(const struct fs_name *at, struct inode *ip)
{
	struct fs_name below;
	int error = slow_nap(at->dir->volume, SLOW_LINK);

	if (error)
		return error;
	if (!is_still(at, &below))
		error = -EEXIST;
	else if (!under(ip)->nlink)
		error = -ENOENT;
	else
		error = name_link(&below, under(ip));
	inode_put(below.inode);
	slow_update(ip);
	return error;
}

static int slow_remove(const struct fs_name *at)
{
	struct fs_name below;
	int error = slow_nap(at->dir->volume, SLOW_REMOVE);

	if (error)
		return error;
	error = is_still(at, &below) ? name_remove(&below) : -ESTALE;
	inode_put(below.inode);
	slow_update(at->inode);
	return error;
}

static int slow_rename(const struct fs_name *from, const struct fs_name *to, unsigned flags)
{
	struct fs_name old, new;
	int error = slow_nap(from->dir->volume, SLOW_RENAME), are_still;

	if (error)
		return error;
	are_still = is_still(from, &old) & is_still(to, &new);
	if (!are_still)
		error = -ESTALE;
	else if (dir_is_within(new.dir, old.inode) || (flags & FS_EXCHANGE && dir_is_within(old.dir, new.inode)))
		error = -EINVAL;
	else
		error = name_rename(&old, &new, flags);
	if (!error) {
		inode_moved(from->inode, to->dir);
		slow_update(from->inode);
		if (flags & FS_EXCHANGE)
			inode_moved(to->inode, from->dir);
		if (to->inode)
			slow_update(to->inode);
	}
	inode_put(old.inode);
	inode_put(new.inode);
	return error;
}

static int slow_change(struct inode *ip, const struct fs_change_of *what)
{
	int error = slow_nap(ip->volume, SLOW_CHANGE);

	if (error)
		return error;
	error = inode_change(under(ip), what);
	slow_update(ip);
	return error;
}

static int slow_refresh(struct inode *ip)
{
	int error = slow_nap(ip->volume, SLOW_REFRESH);

	slow_update(ip);
	return error;
}

static int slow_open(struct inode *ip, unsigned flags)
{
	(void)flags;
	return slow_nap(ip->volume, SLOW_OPEN);
}

static long slow_read(struct inode *ip, void *to, size_t n, uint64_t at)
{
	int error = slow_nap(ip->volume, SLOW_READ);

	return error ? error : inode_read(under(ip), to, n, at);
}

/* It takes half of what it is given, so that the rest comes after another sleep. */
static long slow_write(struct inode *ip, const void *from, size_t n, uint64_t at)
{
	long put = slow_nap(ip->volume, SLOW_WRITE);

	if (!put)
		put = inode_write(under(ip), from, n / 2 + n % 2, at);
	slow_update(ip);
	return put;
}

static int slow_sync(struct inode *ip, int data_only)
{
	return slow_nap(ip->volume, data_only ? SLOW_SYNC_DATA : SLOW_SYNC);
}

const struct fs_ops slow_kind = { .name = "slow", .magic = MAGIC, .is_copied = 1, .make = slow_mount, .end = slow_end,
	.lookup = slow_lookup, .read_dir = slow_read_dir, .link_text = slow_link_text, .create = slow_create,
	.link = slow_link, .remove = slow_remove, .rename = slow_rename, .change = slow_change, .refresh = slow_refresh,
	.open = slow_open, .read = slow_read, .write = slow_write, .sync = slow_sync, .path = slow_path,
	.forget = slow_forget };
