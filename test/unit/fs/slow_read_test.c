/* SPDX-License-Identifier: MIT */
/* Reading and walking a kind whose operations sleep, and what others do meanwhile. */
#include "slow_host.h"

static char buffer[4096];

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

static void others_leave(void)
{
	CHECK_EQ(SYS(chdir, "/"), 0);
	unmount();
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
