/* SPDX-License-Identifier: MIT */
/* A kind of file system whose every operation sleeps: it shows a folder of the tree in memory. While one sleeps, the
 * test does what others could do meanwhile; AddressSanitizer sees who used what had gone. */
#include "calls.h"
#include <posix/parts.h>

#define MAGIC 0x510e

static char buffer[4096];
static void (*meanwhile)(void); /* once: what happens while an operation sleeps */
static int naps;

static int wakes_at_once(void *channel, uint64_t deadline)
{
	void (*now)(void) = meanwhile;

	(void)channel;
	(void)deadline;
	naps++;
	meanwhile = NULL;
	if (now)
		now();
	return 0;
}

static void nap(void) { CHECK_EQ(sleep_on(&naps, 0), 0); }

/* Of an inode: what it shows. It lies where a folder of the tree has its own, and is held. */
static struct inode *under(const struct inode *ip) { return (struct inode *)(uintptr_t)ip->target; }

static struct inode *slow_make(struct volume *v, struct inode *of)
{
	struct inode *ip = inode_make(v, of->mode);

	CHECK(ip);
	memset(&ip->dir, 0, sizeof(ip->dir));
	ip->kind = KIND_OPS;
	ip->ino = of->ino;
	ip->size = of->size;
	ip->target = (const char *)of;
	inode_get(of);
	return ip;
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

static int slow_lookup(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	struct inode *of;
	int error;

	nap();
	error = dir_lookup(under(dir), name, n, &of);
	if (error)
		return error;
	*out = slow_make(dir->volume, of);
	inode_put(of);
	inode_get(dir);
	(*out)->parent = dir;
	return 0;
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
	return ip->parent ? fmt(to, max, "/%s", under(ip)->entry->name) : 0;
}

static void slow_forget(struct inode *ip) { inode_put(under(ip)); }

static long slow_read(struct file *f, struct io *io, uint64_t at)
{
	char page[PAGE];
	long n;

	nap();
	n = inode_read(under(f->ip), page, min_u64(PAGE, io->total), at);
	return n > 0 && io_put(io, page, (size_t)n) ? -EFAULT : n;
}

static const struct file_ops slow_file = { .read = slow_read, .seek = SEEK_FILE };
static const struct fs_ops slow_kind = { .name = "slow", .magic = MAGIC, .regular = &slow_file, .make = slow_mount,
	.lookup = slow_lookup, .read_dir = slow_read_dir, .link_text = slow_link_text, .path = slow_path,
	.forget = slow_forget };
static const struct fs_ops *const kinds[] = { &tmpfs_kind, &slow_kind, NULL };

static void slow_start(void)
{
	shim_start();
	shim_sleep = wakes_at_once;
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
		CHECK_EQ(SYS(open, "new", O_CREAT | O_RDWR, 0600), -ENOENT);
		CHECK_EQ(SYS(unlink, "file"), -EPERM);
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
