/* SPDX-License-Identifier: MIT */
/* What a kind whose operations sleep changes and refuses is what the tree in memory changes and refuses. */
#include "slow_host.h"

static char buffer[4096];

static void add_host(void)
{
	int fd = opened("/tmp/under/in/file", O_WRONLY | O_APPEND);

	CHECK_EQ(SYS(write, fd, "host", 4), 4);
	CHECK_EQ(SYS(close, fd), 0);
}

static void copy_is_cut(void) { CHECK_EQ(SYS(truncate, "/tmp/copy", 0), 0); }

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
	CHECK_EQ(volumes_ended, 1); /* all its inodes are gone */
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
