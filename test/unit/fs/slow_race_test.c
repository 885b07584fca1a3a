/* SPDX-License-Identifier: MIT */
/* Whatever others do while an operation sleeps, each change happens wholly or not at all, to what the names mean. */
#include "slow_host.h"

static char buffer[4096];

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
	CHECK_EQ(volumes_ended, 1); /* all its inodes are gone */

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
	CHECK_EQ(volumes_ended, 1); /* all its inodes are gone */
}
