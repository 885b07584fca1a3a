/* SPDX-License-Identifier: MIT */
/* A kind of file system whose every operation sleeps: it shows a folder of the tree in memory, and writes it. While
 * one sleeps, the test does what others could do meanwhile; AddressSanitizer sees who used what had gone. */
#include "calls.h"
#include <posix/parts.h>

#define MAGIC 0x510e

static char buffer[4096];
static void (*meanwhile)(void); /* once: what happens while an operation sleeps */
static int naps, due, synced, refuse_open;
static struct inode *shown;     /* all there are, by nid_next */

/* Sleep of a kind's operation ends at once; whoever waits for another one's turn is interrupted. */
static int wakes_at_once(void *channel, uint64_t deadline)
{
	void (*now)(void) = meanwhile;

	(void)deadline;
	if (channel != &naps)
		return -EINTR;
	if (++naps < due)
		return 0;
	meanwhile = NULL;
	if (now)
		now();
	return 0;
}

/* In that operation from now on: the next is 1. */
static void while_in(int nth, void (*others)(void))
{
	due = naps + nth;
	meanwhile = others;
}

static void nap(void) { CHECK_EQ(sleep_on(&naps, 0), 0); }

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

/* A file has one inode, as long as that is held. */
static struct inode *slow_make(struct volume *v, struct inode *of)
{
	struct inode *ip = shown;

	while (ip && (ip->own != of || ip->volume != v))
		ip = ip->nid_next;
	if (ip) {
		inode_get(ip);
	} else {
		ip = inode_make(v, of->mode);
		CHECK(ip);
		memset(&ip->dir, 0, sizeof(ip->dir));
		ip->kind = KIND_OPS;
		ip->ino = of->ino;
		ip->own = of;
		ip->nid_next = shown;
		shown = ip;
		inode_get(of);
	}
	slow_update(ip);
	return ip;
}

static void slow_forget(struct inode *ip)
{
	struct inode **link = &shown;

	while (*link != ip)
		link = &(*link)->nid_next;
	*link = ip->nid_next;
	inode_put(under(ip));
}

static int slow_mount(struct volume *v, const char *source, char *options)
{
	struct inode *of;
	int error = inode_lookup(source, &of);

	nap();
	if (error)
		return error;
	CHECK(!options || !*options);
	v->root = slow_make(v, of);
	inode_put(of);
	return 0;
}

static struct inode *slow_child(struct inode *dir, struct inode *of)
{
	struct inode *ip = slow_make(dir->volume, of);

	inode_put(of);
	inode_moved(ip, dir);
	return ip;
}

static int slow_lookup(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	struct inode *of;
	int error;

	nap();
	error = dir_lookup(under(dir), name, n, &of);
	if (!error)
		*out = slow_child(dir, of);
	return error;
}

static int slow_read_dir(struct inode *dir, uint64_t *at, dir_emit *emit, void *context)
{
	nap();
	return dir_read(under(dir), at, emit, context);
}

static long slow_link_text(struct inode *link, const char **text)
{
	nap();
	*text = under(link)->target;
	return (long)under(link)->size;
}

static long slow_path(const struct inode *ip, char *to, size_t max)
{
	char whole[PATH_MAX], top[PATH_MAX];
	long n = inode_path(under(ip), whole, sizeof(whole)), skip = inode_path(under(ip->volume->root), top, PATH_MAX);

	if (n - skip >= (long)max)
		return -ENAMETOOLONG;
	memcpy(to, whole + skip, (size_t)(n - skip) + 1);
	return n - skip;
}

/* The name below still means what the walk found above. */
static int is_still(const struct fs_name *at)
{
	struct inode *of = NULL;
	int same;

	(void)dir_lookup(under(at->dir), at->name, at->n, &of);
	same = of == (at->inode ? under(at->inode) : NULL);
	inode_put(of);
	return same;
}

static const char *path_below(const struct fs_name *at, char *to)
{
	long n = inode_path(under(at->dir), to, PATH_MAX - 256);

	CHECK(n > 0);
	fmt(to + n, 256, "/%.*s", (int)at->n, at->name);
	return to;
}

static int slow_create(const struct fs_name *at, const struct fs_wish *wish, struct inode **out)
{
	struct walk w = { .dir = under(at->dir), .name = at->name, .name_size = at->n };
	struct inode *of = NULL;
	int error;

	nap();
	(void)dir_lookup(w.dir, at->name, at->n, &of);
	inode_put(of);
	if (of)
		return -EEXIST;
	error = file_create(&w, wish->mode, wish->rdev, wish->text, &of);
	if (!error)
		*out = slow_child(at->dir, of);
	return error;
}

static int slow_link(const struct fs_name *at, struct inode *ip)
{
	char from[PATH_MAX], to[PATH_MAX];
	int error;

	nap();
	CHECK(inode_path(under(ip), from, PATH_MAX) > 0);
	error = (int)SYS(link, from, path_below(at, to));
	slow_update(ip);
	return error;
}

static int slow_remove(const struct fs_name *at)
{
	char path[PATH_MAX];
	int error;

	nap();
	if (!is_still(at))
		return -ESTALE;
	path_below(at, path);
	error = (int)(IS(at->inode, S_IFDIR) ? SYS(rmdir, path) : SYS(unlink, path));
	slow_update(at->inode);
	return error;
}

static int slow_rename(const struct fs_name *from, const struct fs_name *to, unsigned flags)
{
	char old[PATH_MAX], new[PATH_MAX];
	int error;

	nap();
	if (!is_still(from) || !is_still(to))
		return -ESTALE;
	error = (int)SYS(renameat2, AT_FDCWD, path_below(from, old), AT_FDCWD, path_below(to, new),
		flags & FS_EXCHANGE ? 2 : 0);
	if (error)
		return error;
	inode_moved(from->inode, to->dir);
	if (flags & FS_EXCHANGE)
		inode_moved(to->inode, from->dir);
	if (to->inode)
		slow_update(to->inode);
	return 0;
}

static int slow_change(struct inode *ip, const struct fs_change_of *what)
{
	int error;

	nap();
	error = what->which & CHANGE_SIZE ? file_resize(under(ip), what->size) : inode_change(under(ip), what);
	slow_update(ip);
	return error;
}

static int slow_refresh(struct inode *ip)
{
	nap();
	slow_update(ip);
	return 0;
}

static int slow_open(struct inode *ip, unsigned flags)
{
	(void)ip;
	(void)flags;
	nap();
	return refuse_open;
}

static long slow_read(struct inode *ip, void *to, size_t n, uint64_t at)
{
	nap();
	return inode_read(under(ip), to, n, at);
}

static long slow_write(struct inode *ip, const void *from, size_t n, uint64_t at)
{
	long put;

	nap();
	put = inode_write(under(ip), from, n < 3 ? n : 3, at); /* and takes no more at a time */
	slow_update(ip);
	return put;
}

static int slow_sync(struct inode *ip, int data_only)
{
	(void)ip;
	nap();
	synced += data_only ? 100 : 1;
	return 0;
}

static const struct fs_ops slow_kind = { .name = "slow", .magic = MAGIC, .make = slow_mount, .lookup = slow_lookup,
	.read_dir = slow_read_dir, .link_text = slow_link_text, .create = slow_create, .link = slow_link,
	.remove = slow_remove, .rename = slow_rename, .change = slow_change, .refresh = slow_refresh, .open = slow_open,
	.read = slow_read, .write = slow_write, .sync = slow_sync, .path = slow_path, .forget = slow_forget };
static const struct fs_ops *const kinds[] = { &tmpfs_kind, &slow_kind, NULL };

static void slow_start(void)
{
	shim_start();
	shim_sleep = wakes_at_once;
	shown = NULL;
	fs_family()->kinds = kinds;
	CHECK_EQ(SYS(mkdir, "/tmp/under", 0755), 0);
	CHECK_EQ(SYS(mkdir, "/tmp/under/in", 0755), 0);
	put_file("/tmp/under/in/file", "text");
	CHECK_EQ(SYS(symlink, "in/file", "/tmp/under/link"), 0);
	CHECK_EQ(SYS(mkdir, "/tmp/slow", 0755), 0);
	CHECK_EQ(SYS(mount, "/tmp/under", "/tmp/slow", "slow", 0, NULL), 0);
	naps = 0;
}

TEST(fs_slow_is_read)
{
	long allocations, pages;
	struct stat st;

	slow_start();
	for (int round = 0; round < 2; round++) {
		allocations = shim_allocations;
		pages = shim_pages;
		CHECK_STR(get_file("/tmp/slow/in/file"), "text");
		CHECK_STR(get_file("/tmp/slow/in/../link"), "text");
		CHECK_EQ(SYS(readlink, "/tmp/slow/link", buffer, 100), 7);
		CHECK_EQ(SYS(chdir, "/tmp/slow/in"), 0);
		CHECK_EQ(SYS(getcwd, buffer, 100), 13);
		CHECK_STR(buffer, "/tmp/slow/in");
		st = stat_of("../../slow/in/file");
		CHECK_EQ(st.st_size, 4);
		CHECK(st.st_dev != stat_of("/tmp/under").st_dev);
		CHECK_EQ(SYS(rename, "file", "/tmp/file"), -EXDEV);
		CHECK_EQ(SYS(umount2, "/tmp/slow", 0), -EBUSY);
		CHECK_EQ(SYS(chdir, "/"), 0);
		/* In it again something hangs, found by number. */
		CHECK_EQ(SYS(mount, "t", "/tmp/slow/in", "tmpfs", 0, NULL), 0);
		put_file("/tmp/slow/in/mine", "mine");
		CHECK_EQ(SYS(access, "/tmp/slow/in/file", 0), -ENOENT);
		CHECK_EQ(SYS(umount2, "/tmp/slow/in", 0), 0);
		CHECK_STR(get_file("/tmp/slow/in/file"), "text");
		if (round) {
			CHECK_EQ(shim_allocations, allocations);
			CHECK_EQ(shim_pages, pages);
		}
	}
	CHECK(naps > 40);
	CHECK_EQ(SYS(umount2, "/tmp/slow", 0), 0);
}

static void unmount(void) { CHECK_EQ(SYS(umount2, "/tmp/slow", 2), 0); }

static void others_leave(void)
{
	CHECK_EQ(SYS(chdir, "/"), 0);
	unmount();
}

static void others_remove(void)
{
	CHECK_EQ(SYS(unlink, "/tmp/under/in/file"), 0);
	CHECK_EQ(SYS(rmdir, "/tmp/under/in"), 0);
}

static void link_goes(void) { CHECK_EQ(SYS(unlink, "/tmp/way"), 0); }
static void old_goes(void) { CHECK_EQ(SYS(unlink, "/tmp/old"), 0); }

static void old_is_another(void)
{
	old_goes();
	put_file("/tmp/old", "another");
}

static void point_goes(void) { CHECK_EQ(SYS(rmdir, "/tmp/point"), 0); }

/* Whoever sleeps on the way holds what it stands on, and looks again at what it had found. */
TEST(fs_slow_and_others)
{
	int fd;

	slow_start();
	meanwhile = unmount;
	CHECK_STR(get_file("/tmp/slow/in/file"), "text"); /* it was on its way before */
	CHECK(!meanwhile);
	CHECK_EQ(SYS(open, "/tmp/slow/in/file", 0), -ENOENT);

	slow_start();
	CHECK_EQ(SYS(chdir, "/tmp/slow"), 0);
	meanwhile = others_leave;
	CHECK_EQ(SYS(access, "in/file", 0), 0);
	CHECK(!meanwhile);

	slow_start();
	meanwhile = others_remove;
	CHECK_EQ(SYS(open, "/tmp/slow/in/file", 0), -ENOENT);
	CHECK(!meanwhile);

	slow_start();
	fd = opened("/tmp/slow/in/file", O_RDONLY);
	meanwhile = others_remove;
	CHECK_EQ(SYS(read, fd, buffer, 100), 4);
	CHECK(!meanwhile);
	CHECK_EQ(SYS(close, fd), 0);

	/* The text of a symlink is walked while the link goes. */
	slow_start();
	CHECK_EQ(SYS(symlink, "/tmp/slow/in/../in/./file", "/tmp/way"), 0);
	meanwhile = link_goes;
	CHECK_STR(get_file("/tmp/way"), "text");
	CHECK(!meanwhile);

	/* rename walks two paths: what the first found is gone, or another, when the second has been walked. */
	slow_start();
	put_file("/tmp/old", "old");
	meanwhile = old_goes;
	CHECK_EQ(SYS(rename, "/tmp/old", "/tmp/slow/in/../../new"), -ENOENT);
	CHECK(!meanwhile);
	put_file("/tmp/old", "old");
	meanwhile = old_is_another;
	CHECK_EQ(SYS(rename, "/tmp/old", "/tmp/slow/in/../../new"), 0);
	CHECK(!meanwhile);
	CHECK_STR(get_file("/tmp/new"), "another");

	/* So does mount: what it hangs something at is gone, or the mount is. */
	slow_start();
	CHECK_EQ(SYS(mkdir, "/tmp/point", 0755), 0);
	meanwhile = point_goes;
	CHECK_EQ(SYS(mount, "/tmp/slow/in", "/tmp/point", NULL, 4096, NULL), -ENOENT);
	CHECK(!meanwhile);
	CHECK_EQ(SYS(chdir, "/tmp/slow"), 0);
	meanwhile = unmount;
	CHECK_EQ(SYS(mount, "t", "in", "tmpfs", 0, NULL), -EINVAL);
	CHECK(!meanwhile);
	CHECK_EQ(SYS(umount2, ".", 0), -EINVAL);
	CHECK_EQ(SYS(mount, "t", ".", "tmpfs", 32, NULL), -EINVAL); /* MS_REMOUNT */
	CHECK_EQ(SYS(mount, ".", "/tmp/under", NULL, 4096, NULL), -EINVAL);
	CHECK_EQ(SYS(chdir, "/"), 0);
}

static void add_host(void)
{
	int fd = opened("/tmp/under/in/file", O_WRONLY | O_APPEND);

	CHECK_EQ(SYS(write, fd, "host", 4), 4);
	CHECK_EQ(SYS(close, fd), 0);
}

static void copy_is_cut(void) { CHECK_EQ(SYS(truncate, "/tmp/copy", 0), 0); }

/* What a kind's operations change, and what they refuse, is what the tree in memory changes and refuses. */
TEST(fs_slow_is_written)
{
	struct stat st;
	int fd, other, pipes[2];

	slow_start();
	fd = opened("/tmp/slow/in/file", O_RDWR | O_APPEND);
	CHECK_EQ(SYS(write, fd, "0123456789", 10), 10);
	while_in(1, add_host); /* the end is where it is when the write's turn has come */
	CHECK_EQ(SYS(write, fd, "!", 1), 1);
	CHECK(!meanwhile);
	CHECK_STR(get_file("/tmp/under/in/file"), "text0123456789host!");
	CHECK_EQ(SYS(lseek, fd, 0, 1), 19);
	CHECK_EQ(SYS(close, fd), 0);

	fd = opened("/tmp/slow/in/file", O_RDWR);
	add_host();
	CHECK_EQ(SYS(lseek, fd, 0, 2), 23);
	add_host();
	CHECK_EQ(SYS(fstat, fd, &st), 0);
	CHECK_EQ(st.st_size, 27);
	CHECK_EQ(SYS(ftruncate, fd, 6), 0);
	CHECK_EQ(SYS(ftruncate, fd, 1ul << 60), -EFBIG);
	CHECK_EQ(SYS(pwrite64, fd, "XY", 2, 1), 2);
	CHECK_EQ(SYS(pread64, fd, buffer, 100, 0), 6);
	CHECK(!memcmp(buffer, "tXYt01", 6));
	CHECK_EQ(SYS(pread64, fd, 1, 100, 0), -EFAULT);
	CHECK_EQ(SYS(pwrite64, fd, 1, 100, 0), -EFAULT);
	CHECK_EQ(SYS(truncate, "/tmp/slow/in/file", 8), 0);
	CHECK_EQ(SYS(truncate, "/tmp/slow/in", 8), -EISDIR);
	CHECK_EQ(stat_of("/tmp/under/in/file").st_size, 8);
	CHECK_EQ(SYS(fsync, fd), 0);
	CHECK_EQ(SYS(fdatasync, fd), 0);
	CHECK_EQ(synced, 101);
	CHECK_EQ(SYS(fchmod, fd, 06711), 0);
	CHECK_EQ(SYS(fchown, fd, 3, 4), 0);
	st = stat_of("/tmp/under/in/file");
	CHECK(st.st_mode == (S_IFREG | 0711) && st.st_uid == 3 && st.st_gid == 4);
	CHECK_EQ(SYS(utimensat, -100, "/tmp/slow/in/file", ((long[]){ 5, 6, 7, 8 }), 0), 0);
	st = stat_of("/tmp/slow/in/file");
	CHECK(st.st_atime == 5 && st.st_mtime == 7 && st.st_mtime_nsec == 8);

	/* Bytes between files: as a source and as a target, but not of a pipe's pages while they lie in the pipe. */
	CHECK_EQ(SYS(lseek, fd, 0, 0), 0);
	CHECK_EQ(SYS(ioctl, fd, 0x541b, buffer), 0); /* FIONREAD */
	CHECK_EQ(*(int *)buffer, 8);
	other = opened("/tmp/copy", O_CREAT | O_RDWR);
	CHECK_EQ(SYS(sendfile, other, fd, NULL, 100), 8);
	CHECK_EQ(SYS(sendfile, other, fd, NULL, 100), 0);
	while_in(1, copy_is_cut);
	CHECK_EQ(SYS(copy_file_range, other, ((long[]){ 0 }), fd, ((long[]){ 8 }), 5, 0), 5);
	CHECK(!meanwhile);
	CHECK_EQ(SYS(pread64, fd, buffer, 100, 0), 13);
	CHECK(!memcmp(buffer, "tXYt01\0\0tXYt0", 13));
	CHECK_EQ(SYS(pipe, pipes), 0);
	CHECK_EQ(SYS(sendfile, pipes[1], fd, ((long[]){ 1 }), 3), 3);
	CHECK_EQ(SYS(splice, fd, NULL, pipes[1], NULL, 3, 0), -EINVAL);
	CHECK_EQ(SYS(splice, pipes[0], NULL, fd, NULL, 3, 0), -EINVAL);
	CHECK_EQ(SYS(read, pipes[0], buffer, 100), 3);
	CHECK(!memcmp(buffer, "XYt", 3));
	CHECK_EQ(SYS(fallocate, fd, 0, 0, 100), -EOPNOTSUPP);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(SYS(close, pipes[i]), 0);
	CHECK_EQ(SYS(close, other), 0);
	CHECK_EQ(SYS(ftruncate, fd, 8), 0);

	/* Open and without a name it is still there. */
	CHECK_EQ(SYS(umount2, "/tmp/slow", 0), -EBUSY);
	CHECK_EQ(SYS(mount, NULL, "/tmp/slow", NULL, 33, NULL), -EBUSY); /* MS_REMOUNT, MS_RDONLY: it is written */
	CHECK_EQ(SYS(unlink, "/tmp/slow/in/file"), 0);
	CHECK_EQ(SYS(fstat, fd, &st), 0);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(SYS(write, fd, "again", 5), 5);
	CHECK_EQ(SYS(open, "/tmp/slow/in/file", O_RDWR), -ENOENT);
	CHECK_EQ(SYS(close, fd), 0);

	fd = opened("/tmp/slow/in/file", O_CREAT | O_RDWR);
	other = opened("/tmp/slow/in/file", O_RDWR | O_TRUNC);
	CHECK_EQ(SYS(write, other, "same", 4), 4);
	CHECK_EQ(SYS(read, fd, buffer, 100), 4);
	CHECK_EQ(SYS(close, fd), 0);
	CHECK_EQ(SYS(close, other), 0);
	refuse_open = -EACCES;
	CHECK_EQ(SYS(open, "/tmp/slow/in/file", O_RDONLY), -EACCES);
	refuse_open = 0;

	CHECK_EQ(SYS(rmdir, "/tmp/slow/in"), -ENOTEMPTY);
	CHECK_EQ(SYS(rmdir, "/tmp/slow/in/file"), -ENOTDIR);
	CHECK_EQ(SYS(unlink, "/tmp/slow/in"), -EISDIR);
	CHECK_EQ(SYS(mkdir, "/tmp/slow/point", 0755), 0);
	CHECK_EQ(SYS(mount, "t", "/tmp/slow/point", "tmpfs", 0, NULL), 0);
	CHECK_EQ(SYS(rmdir, "/tmp/slow/point"), -EBUSY);
	CHECK_EQ(SYS(unlink, "/tmp/slow/in/file"), 0); /* which has nothing to do with it */
	CHECK_EQ(SYS(rmdir, "/tmp/slow/in"), 0);
	CHECK_EQ(SYS(umount2, "/tmp/slow/point", 0), 0);
	CHECK_EQ(SYS(rmdir, "/tmp/slow/point"), 0);

	CHECK_EQ(SYS(mount, NULL, "/tmp/slow", NULL, 33, NULL), 0);
	CHECK_EQ(SYS(mkdir, "/tmp/slow/no", 0755), -EROFS);
	CHECK_EQ(SYS(open, "/tmp/slow/no", O_CREAT | O_RDWR, 0600), -EROFS);
	CHECK_EQ(SYS(unlink, "/tmp/slow/link"), -EROFS);
	CHECK_EQ(SYS(rename, "/tmp/slow/link", "/tmp/slow/no"), -EROFS);
	CHECK_EQ(SYS(umount2, "/tmp/slow", 0), 0);
	CHECK(!shown);
}

static void names_are_changed(void)
{
	CHECK_EQ(SYS(mkdir, "/tmp/slow/dir", 02750), 0);
	CHECK_EQ(stat_of("/tmp/under/dir").st_mode, S_IFDIR | 0750);
	CHECK_EQ(SYS(mkdir, "/tmp/slow/dir", 0700), -EEXIST);
	CHECK_EQ(SYS(chmod, "/tmp/slow/dir", 02755), 0);
	CHECK_EQ(SYS(chown, "/tmp/slow/dir", 7, 8), 0);
	put_file("/tmp/slow/dir/new", "contents");
	CHECK_STR(get_file("/tmp/under/dir/new"), "contents");
	CHECK_EQ(stat_of("/tmp/slow/dir/new").st_gid, 8);
	CHECK_EQ(SYS(open, "/tmp/slow/dir/new", O_CREAT | O_EXCL | O_RDWR, 0600), -EEXIST);
	CHECK_EQ(SYS(symlink, "dir/new", "/tmp/slow/way"), 0);
	CHECK_STR(get_file("/tmp/slow/way"), "contents");
	CHECK_EQ(stat_of("/tmp/under/way").st_size, 7);
	CHECK_EQ(SYS(link, "/tmp/slow/dir/new", "/tmp/slow/in/other"), 0);
	CHECK_EQ(SYS(link, "/tmp/slow/dir/new", "/tmp/slow/in/file"), -EEXIST);
	CHECK_EQ(SYS(link, "/tmp/slow/dir/new", "/tmp/other"), -EXDEV);
	CHECK_EQ(SYS(link, "/tmp/slow/dir", "/tmp/slow/other"), -EPERM);
	CHECK_EQ(stat_of("/tmp/slow/dir/new").st_nlink, 2);
	CHECK_EQ(stat_of("/tmp/slow/dir/new").st_ino, stat_of("/tmp/under/in/other").st_ino);
	CHECK_EQ(SYS(mknod, "/tmp/slow/fifo", S_IFIFO | 0600, 0), 0);
	CHECK_EQ(SYS(open, "/tmp/slow/fifo", O_RDWR), -ENXIO); /* a kind's pipe would have no home */

	CHECK_EQ(SYS(rename, "/tmp/slow/dir/new", "/tmp/new"), -EXDEV);
	CHECK_EQ(SYS(rename, "/tmp/slow/dir", "/tmp/slow/dir/in"), -EINVAL);
	CHECK_EQ(SYS(rename, "/tmp/slow/dir/new", "/tmp/slow/in"), -EISDIR);
	CHECK_EQ(SYS(rename, "/tmp/slow/in", "/tmp/slow/dir"), -ENOTEMPTY);
	CHECK_EQ(SYS(renameat2, -100, "/tmp/slow/dir/new", -100, "/tmp/slow/in/file", 1), -EEXIST);
	CHECK_EQ(SYS(rename, "/tmp/slow/dir/new", "/tmp/slow/in/file"), 0);
	CHECK_STR(get_file("/tmp/slow/in/file"), "contents");
	CHECK_EQ(SYS(renameat2, -100, "/tmp/slow/in", -100, "/tmp/slow/dir", 2), 0);
	CHECK_STR(get_file("/tmp/under/dir/file"), "contents");
	CHECK_EQ(SYS(chdir, "/tmp/slow/dir"), 0);
	CHECK_EQ(SYS(rename, "/tmp/slow/dir", "/tmp/slow/in/moved"), 0);
	CHECK_EQ(SYS(getcwd, buffer, 100), 19);
	CHECK_STR(buffer, "/tmp/slow/in/moved");
	CHECK_EQ(SYS(access, "../../way", 0), -ENOENT); /* it leads to dir/new */
	CHECK_STR(get_file("file"), "contents");
	CHECK_EQ(SYS(chdir, "/"), 0);
}

TEST(fs_slow_names)
{
	long allocations, pages;

	slow_start();
	allocations = shim_allocations;
	pages = shim_pages;
	names_are_changed();
	CHECK_EQ(SYS(unlink, "/tmp/slow/in/moved/file"), 0);
	CHECK_EQ(SYS(unlink, "/tmp/slow/in/moved/other"), 0);
	CHECK_EQ(SYS(rmdir, "/tmp/slow/in/moved"), 0);
	CHECK_EQ(SYS(unlink, "/tmp/slow/way"), 0);
	CHECK_EQ(SYS(unlink, "/tmp/slow/fifo"), 0);
	CHECK_EQ(SYS(chmod, "/tmp/slow/in", 0755), 0);
	put_file("/tmp/slow/in/file", "text");
	CHECK_EQ(shim_allocations, allocations);
	CHECK_EQ(shim_pages, pages);
}

static void new_comes(void) { put_file("/tmp/under/in/new", "theirs"); }
static void file_goes(void) { CHECK_EQ(SYS(unlink, "/tmp/under/in/file"), 0); }
static void file_moves(void) { CHECK_EQ(SYS(rename, "/tmp/slow/in/file", "/tmp/slow/elsewhere"), 0); }
static void dir_moves(void) { CHECK_EQ(SYS(rename, "/tmp/under/in", "/tmp/under/b/in"), 0); }

static void file_is_another(void)
{
	file_goes();
	put_file("/tmp/under/in/file", "another");
}

static void file_is_folder(void)
{
	file_goes();
	CHECK_EQ(SYS(mkdir, "/tmp/under/in/file", 0755), 0);
}

static int race_fd;
static void second_writes(void) { CHECK_EQ(SYS(pwrite64, race_fd, "B", 1, 0), -512); } /* ERESTARTSYS: it waited */
static void second_cuts(void) { CHECK_EQ(SYS(ftruncate, race_fd, 0), -512); }

/* Whatever others do while an operation sleeps, each change happens wholly or not at all, to what the names mean. */
TEST(fs_slow_changes_and_others)
{
	int fd;

	slow_start(); /* look-ups of `in` and `new`, then the making */
	while_in(3, new_comes);
	fd = opened("/tmp/slow/in/new", O_CREAT | O_RDWR);
	CHECK(!meanwhile);
	CHECK_EQ(SYS(read, fd, buffer, 100), 6);
	CHECK_EQ(SYS(close, fd), 0);
	CHECK_EQ(SYS(unlink, "/tmp/slow/in/new"), 0);
	while_in(3, new_comes);
	CHECK_EQ(SYS(open, "/tmp/slow/in/new", O_CREAT | O_EXCL | O_RDWR, 0600), -EEXIST);
	CHECK_EQ(SYS(unlink, "/tmp/slow/in/new"), 0);
	while_in(3, new_comes);
	CHECK_EQ(SYS(mkdir, "/tmp/slow/in/new", 0755), -EEXIST);
	CHECK_EQ(SYS(unlink, "/tmp/slow/in/new"), 0);
	while_in(3, new_comes);
	CHECK_EQ(SYS(symlink, "x", "/tmp/slow/in/new"), -EEXIST);
	CHECK_EQ(SYS(unlink, "/tmp/slow/in/new"), 0);
	while_in(3, others_remove);
	CHECK_EQ(SYS(open, "/tmp/slow/in/new", O_CREAT | O_RDWR, 0600), -ENOENT);
	CHECK(!meanwhile);

	slow_start();
	while_in(3, unmount);
	fd = opened("/tmp/slow/in/new", O_CREAT | O_RDWR);
	CHECK(!meanwhile);
	CHECK_EQ(SYS(write, fd, "late", 4), 4);
	CHECK_EQ(SYS(close, fd), 0);
	CHECK_STR(get_file("/tmp/under/in/new"), "late");
	CHECK(!shown);

	/* Removing: what the name means when it goes, of the kind that was asked for. */
	slow_start();
	while_in(3, file_goes);
	CHECK_EQ(SYS(unlink, "/tmp/slow/in/file"), -ENOENT);
	CHECK(!meanwhile);
	put_file("/tmp/under/in/file", "one");
	while_in(3, file_is_another);
	CHECK_EQ(SYS(unlink, "/tmp/slow/in/file"), 0);
	CHECK_EQ(SYS(access, "/tmp/under/in/file", 0), -ENOENT);
	put_file("/tmp/under/in/file", "one");
	while_in(3, file_is_folder);
	CHECK_EQ(SYS(unlink, "/tmp/slow/in/file"), -EISDIR);
	while_in(3, new_comes);
	CHECK_EQ(SYS(rmdir, "/tmp/slow/in"), -ENOTEMPTY);
	while_in(2, new_comes);
	CHECK_EQ(SYS(rmdir, "/tmp/slow/in"), -ENOTEMPTY);

	/* Renaming: the first name moves while the second is looked up, or while the renaming sleeps. */
	for (int nth = 1; nth < 5; nth++) {
		slow_start();
		while_in(nth, file_moves);
		CHECK_EQ(SYS(rename, "/tmp/slow/in/file", "/tmp/slow/new"), -ENOENT);
		CHECK_STR(get_file("/tmp/slow/elsewhere"), "text");
		CHECK(!meanwhile);
	}
	slow_start();
	while_in(2, file_moves);
	CHECK_EQ(SYS(open, "/tmp/slow/in/file", O_RDONLY), -ENOENT);
	CHECK_EQ(SYS(rename, "/tmp/slow/elsewhere", "/tmp/slow/in/file"), 0);
	while_in(3, file_moves); /* it was found, and is opened */
	fd = opened("/tmp/slow/in/file", O_RDONLY);
	CHECK_EQ(SYS(read, fd, buffer, 100), 4);
	CHECK_EQ(SYS(close, fd), 0);
	/* A folder into one that has gone into it. */
	slow_start();
	CHECK_EQ(SYS(mkdir, "/tmp/slow/b", 0755), 0);
	while_in(4, dir_moves);
	CHECK_EQ(SYS(rename, "/tmp/slow/b", "/tmp/slow/in/b"), -EINVAL);
	CHECK(!meanwhile);
	CHECK_EQ(SYS(rename, "/tmp/slow/b", "/tmp/slow/b/in/b"), -EINVAL);

	/* Writing: the name goes, the mount goes, another one writes. */
	slow_start();
	fd = opened("/tmp/slow/in/file", O_RDWR);
	while_in(1, file_goes);
	CHECK_EQ(SYS(write, fd, "TEXT", 4), 4);
	CHECK_EQ(SYS(pread64, fd, buffer, 100, 0), 4);
	CHECK(!memcmp(buffer, "TEXT", 4));
	race_fd = fd;
	while_in(2, second_writes);
	CHECK_EQ(SYS(pwrite64, fd, "AAAA", 4, 0), 4);
	CHECK(!meanwhile);
	while_in(1, second_cuts);
	CHECK_EQ(SYS(pwrite64, fd, "CCCC", 4, 0), 4);
	while_in(1, second_writes);
	CHECK_EQ(SYS(ftruncate, fd, 2), 0);
	CHECK_EQ(SYS(pread64, fd, buffer, 100, 0), 2);
	CHECK(!memcmp(buffer, "CC", 2));
	while_in(1, unmount);
	CHECK_EQ(SYS(fchmod, fd, 0600), 0);
	CHECK_EQ(SYS(write, fd, "end", 3), 3);
	CHECK_EQ(SYS(fsync, fd), 0);
	CHECK_EQ(SYS(close, fd), 0);
	CHECK(!shown);
}
