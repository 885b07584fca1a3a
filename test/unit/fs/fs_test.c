/* SPDX-License-Identifier: MIT */
/* Paths, names, contents, descriptors: the file half over a small root image. */
#include "calls.h"

static char buffer[70000];

TEST(fs_walk)
{
	struct stat st;

	shim_start();
	CHECK_STR(get_file("/etc/passwd"), "root:x:0:0\n");
	CHECK_STR(get_file("//etc/./../etc//passwd"), "root:x:0:0\n");
	CHECK_STR(get_file("/link/passwd"), "root:x:0:0\n");
	CHECK_STR(get_file("/link/rel"), "root:x:0:0\n");
	CHECK_STR(get_file("/chain40"), "root:x:0:0\n");
	CHECK_EQ(SYS(open, "/chain41", 0, 0), -ELOOP);
	CHECK_EQ(SYS(open, "/loop1", 0, 0), -ELOOP);
	CHECK_EQ(SYS(open, "", 0, 0), -ENOENT);
	CHECK_EQ(SYS(open, 0, 0, 0), -EFAULT);
	CHECK_EQ(SYS(open, "/etc/none", 0, 0), -ENOENT);
	CHECK_EQ(SYS(open, "/etc/passwd/", 0, 0), -ENOTDIR);
	CHECK_EQ(SYS(open, "/etc/passwd/x", 0, 0), -ENOTDIR);
	CHECK_EQ(SYS(open, "/etc/passwd/..", 0, 0), -ENOTDIR);
	CHECK_EQ(SYS(open, "/etc/rel", O_NOFOLLOW, 0), -ELOOP);
	CHECK_EQ(SYS(open, "/etc/passwd", O_DIRECTORY, 0), -ENOTDIR);
	CHECK_EQ(SYS(open, "/etc", O_WRONLY, 0), -EISDIR);
	CHECK_EQ(SYS(open, "/dangling", 0, 0), -ENOENT);
	CHECK_EQ(SYS(stat, "/../../..", &st), 0);
	CHECK(S_ISDIR(st.st_mode));
	CHECK_EQ(SYS(stat, "/slashlink", &st), 0);
	CHECK_EQ(SYS(stat, "/slashfile", &st), -ENOTDIR);
	memset(buffer, 'a', 300);
	buffer[0] = '/';
	buffer[300] = 0;
	CHECK_EQ(SYS(open, buffer, 0, 0), -ENAMETOOLONG);
	memset(buffer, '/', 5000);
	buffer[5000] = 0;
	CHECK_EQ(SYS(open, buffer, 0, 0), -ENAMETOOLONG);
	CHECK_EQ(SYS(readlink, "/etc/rel", buffer, 100), 6);
	CHECK(!memcmp(buffer, "passwd", 6));
	CHECK_EQ(SYS(readlink, "/etc/passwd", buffer, 100), -EINVAL);
	CHECK_EQ(SYS(openat, 77, "x", 0, 0), -EBADF);
	CHECK_EQ(SYS(openat, opened("/etc/passwd", 0), "x", 0, 0), -ENOTDIR);
	CHECK(SYS(openat, opened("/etc", 0), "rel", 0, 0) > 0);
}

TEST(fs_create_through_link)
{
	shim_start();
	put_file("/dangling", "new");
	CHECK_STR(get_file("/etc/made"), "new");
	CHECK_EQ(SYS(open, "/dangling", O_CREAT | O_EXCL, 0600), -EEXIST);
	CHECK_EQ(SYS(open, "/etc/nodir/", O_CREAT | O_WRONLY, 0600), -EISDIR);
	CHECK_EQ(SYS(open, "/none/x", O_CREAT | O_WRONLY, 0600), -ENOENT);
	CHECK_EQ(SYS(umask, 027), 022);
	put_file("/tmp/masked", "");
	CHECK_EQ(stat_of("/tmp/masked").st_mode, S_IFREG | 0640);
}

TEST(fs_copy_up)
{
	int fd, again;
	long before;

	shim_start();
	before = shim_pages;
	fd = opened("/usr/big", O_RDWR);
	again = opened("/usr/big", O_RDONLY);
	CHECK_EQ(SYS(pwrite64, fd, "HELLO", 5, 4094), 5);
	CHECK_EQ(SYS(pread64, again, buffer, 20000, 0), 20000);
	for (int i = 0; i < 20000; i++)
		CHECK_EQ((unsigned char)buffer[i], i >= 4094 && i < 4099 ? "HELLO"[i - 4094] : 'a' + i % 23);
	CHECK_EQ(shim_pages - before, 3); /* two pages and a table */
	CHECK_EQ(SYS(ftruncate, fd, 9000), 0);
	CHECK_EQ(SYS(ftruncate, fd, 30000), 0);
	CHECK_EQ(SYS(pread64, again, buffer, 40000, 0), 30000);
	CHECK_EQ(buffer[8999], 'a' + 8999 % 23);
	for (int i = 9000; i < 30000; i++)
		CHECK_EQ(buffer[i], 0);
	CHECK_EQ(stat_of("/usr/big").st_blocks, 24);
	CHECK_EQ(SYS(ftruncate, fd, 0), 0);
	CHECK_EQ(stat_of("/usr/big").st_blocks, 0);
	CHECK_EQ(shim_pages, before);
	CHECK_EQ(SYS(pwrite64, fd, "x", 1, 1ul << 30), 1);
	CHECK_EQ(stat_of("/usr/big").st_blocks, 8);
	CHECK_EQ(SYS(lseek, fd, 0, 3), 1l << 30);
	CHECK_EQ(SYS(lseek, fd, 5, 4), 5);
	CHECK_EQ(SYS(ftruncate, fd, 5), 0);
	CHECK_EQ(SYS(read, again, buffer, 9), 5);
	CHECK_EQ(SYS(ftruncate, fd, 0), 0);
	CHECK_EQ(shim_pages, before);
}

TEST(fs_mapped_pages)
{
	struct inode *ip, *exe;
	int fd, flags;
	char *page;

	shim_start();
	fd = opened("/usr/big", O_RDWR);
	CHECK_EQ(inode_of_fd(fd, &ip, &flags), 0);
	CHECK_EQ(flags & O_ACCMODE, O_RDWR);
	page = inode_page(ip, 4, 0);
	CHECK(page && page[0] == 'a' + 16384 % 23 && page[4095] == 0);
	CHECK(!inode_page(ip, 5, 0));
	CHECK(!inode_page(ip, 5, 1));
	page = inode_page(ip, 1, 1);
	page[0] = '!';
	CHECK_EQ(SYS(pread64, fd, buffer, 1, 4096), 1);
	CHECK_EQ(buffer[0], '!');
	CHECK_EQ(SYS(ftruncate, fd, 0), 0);
	CHECK(!inode_page(ip, 0, 0));
	CHECK_EQ(SYS(pwrite64, fd, "again", 5, 4096), 5);
	page = inode_page(ip, 1, 0);
	CHECK(page && !memcmp(page, "again", 5) && ip->pages.cuts);
	CHECK_EQ(SYS(close, fd), 0);
	CHECK_EQ(SYS(unlink, "/usr/big"), 0);
	CHECK(!memcmp(page, "again", 5));
	inode_put(ip);
	CHECK_EQ(inode_lookup_exec("/bin/tool", &exe), 0);
	CHECK_EQ(inode_read(exe, buffer, 100, 0), 5);
	CHECK_EQ(inode_lookup_exec("/etc/passwd", &exe), -EACCES);
	CHECK_EQ(inode_lookup_exec("/etc", &exe), -EACCES);
	CHECK_EQ(inode_of_fd(opened("/etc", 0), &ip, &flags), -ENODEV);
}

TEST(fs_unlink_open)
{
	long pages;
	int fd;

	shim_start();
	fd = opened("/tmp/f", O_CREAT | O_RDWR);
	pages = shim_pages;
	CHECK_EQ(SYS(write, fd, "still here", 10), 10);
	CHECK_EQ(SYS(unlink, "/tmp/f"), 0);
	CHECK_EQ(SYS(open, "/tmp/f", 0, 0), -ENOENT);
	CHECK_EQ(SYS(pread64, fd, buffer, 100, 0), 10);
	CHECK_EQ(SYS(fstat, fd, buffer), 0);
	CHECK_EQ(((struct stat *)buffer)->st_nlink, 0);
	/* What has lost its last name gets none again (link(2), ENOENT). */
	CHECK_EQ(SYS(linkat, AT_FDCWD, "/proc/self/fd/0", AT_FDCWD, "/tmp/back", AT_SYMLINK_FOLLOW), -ENOENT);
	CHECK_EQ(SYS(close, fd), 0);
	CHECK_EQ(shim_pages, pages);
	fd = (int)SYS(open, "/tmp", O_TMPFILE | O_RDWR, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(SYS(write, fd, "x", 1), 1);
	fd = (int)SYS(memfd_create, "m", 1);
	CHECK_EQ(SYS(pwrite64, fd, "x", 1, 5000), 1);
	CHECK_EQ(SYS(fcntl, fd, F_GETFD), 1);
	CHECK_EQ(SYS(memfd_create, "m", 64), -EINVAL);
}

TEST(fs_links)
{
	shim_start();
	CHECK_EQ(stat_of("/hard1").st_nlink, 2);
	CHECK_EQ(stat_of("/hard1").st_ino, stat_of("/hard2").st_ino);
	put_file("/hard1", "both");
	CHECK_STR(get_file("/hard2"), "both");
	CHECK_EQ(SYS(link, "/hard1", "/etc/third"), 0);
	CHECK_EQ(stat_of("/hard2").st_nlink, 3);
	CHECK_EQ(SYS(rename, "/hard1", "/hard2"), 0);
	CHECK_EQ(stat_of("/hard1").st_nlink, 3);
	CHECK_EQ(SYS(unlink, "/hard1"), 0);
	CHECK_EQ(stat_of("/hard2").st_nlink, 2);
	CHECK_EQ(SYS(link, "/etc", "/x"), -EPERM);
	CHECK_EQ(SYS(link, "/hard2", "/etc"), -EEXIST);
	CHECK_EQ(SYS(link, "/nothing", "/x"), -ENOENT);
	CHECK_EQ(SYS(link, "/proc/self/stat", "/x"), -EXDEV);
	CHECK_EQ(SYS(link, "/loop1", "/sym"), 0);
	CHECK(S_ISLNK(stat_of("/sym").st_mode));
	CHECK_EQ(SYS(symlink, "a b", "/tmp/s"), 0);
	CHECK_EQ(SYS(symlink, "", "/tmp/t"), -ENOENT);
	CHECK_EQ(SYS(symlink, "q", "/tmp/s"), -EEXIST);
	CHECK_EQ(stat_of("/tmp/s").st_size, 3);
}

TEST(fs_rename)
{
	shim_start();
	CHECK_EQ(SYS(mkdir, "/tmp/d", 0777), 0);
	CHECK_EQ(SYS(mkdir, "/tmp/d/e/", 0777), 0);
	CHECK_EQ(stat_of("/tmp/d").st_nlink, 3);
	CHECK_EQ(SYS(rename, "/tmp/d", "/tmp/d/e/f"), -EINVAL);
	CHECK_EQ(SYS(rename, "/tmp/d/e", "/tmp/d"), -ENOTEMPTY);
	CHECK_EQ(SYS(rename, "/tmp/d", "/tmp/d"), 0);
	CHECK_EQ(SYS(rename, "/tmp/d/e", "/tmp/e"), 0);
	CHECK_EQ(stat_of("/tmp/d").st_nlink, 2);
	put_file("/tmp/f", "f");
	CHECK_EQ(SYS(rename, "/tmp/f", "/tmp/d"), -EISDIR);
	CHECK_EQ(SYS(rename, "/tmp/d", "/tmp/f"), -ENOTDIR);
	CHECK_EQ(SYS(rename, "/tmp/d", "/tmp/e"), 0);
	CHECK_EQ(SYS(rename, "/tmp/f", "/tmp/e/"), -ENOTDIR);
	CHECK_EQ(SYS(rename, "/tmp/f", "/tmp/e/g"), 0);
	CHECK_EQ(SYS(rename, "/tmp/e", "/etc"), -ENOTEMPTY);
	CHECK_EQ(SYS(rename, "/etc", "/tmp/etc"), 0);
	CHECK_STR(get_file("/tmp/etc/passwd"), "root:x:0:0\n");
	CHECK_EQ(SYS(rename, "/tmp/none", "/tmp/x"), -ENOENT);
	CHECK_EQ(SYS(rename, "/tmp/.", "/tmp/x"), -EBUSY);
	CHECK_EQ(SYS(rename, "/proc", "/tmp/x"), -EBUSY);
	put_file("/tmp/1", "1");
	put_file("/tmp/2", "2");
	CHECK_EQ(SYS(renameat2, AT_FDCWD, "/tmp/1", AT_FDCWD, "/tmp/2", 1), -EEXIST);
	CHECK_EQ(SYS(rename, "/tmp/1", "/tmp/2"), 0);
	CHECK_STR(get_file("/tmp/2"), "1");
	CHECK_EQ(SYS(chdir, "/tmp/e"), 0);
	CHECK_EQ(SYS(rename, "/tmp/e", "/tmp/moved"), 0);
	CHECK_EQ(SYS(getcwd, buffer, 100), 11);
	CHECK_STR(buffer, "/tmp/moved");
}

TEST(fs_remove)
{
	shim_start();
	CHECK_EQ(SYS(unlink, "/etc"), -EISDIR);
	CHECK_EQ(SYS(unlink, "/etc/passwd/"), -ENOTDIR);
	CHECK_EQ(SYS(rmdir, "/etc"), -ENOTEMPTY);
	CHECK_EQ(SYS(rmdir, "/etc/passwd"), -ENOTDIR);
	CHECK_EQ(SYS(rmdir, "/etc/."), -EINVAL);
	CHECK_EQ(SYS(rmdir, "/etc/.."), -ENOTEMPTY);
	CHECK_EQ(SYS(rmdir, "/"), -EBUSY);
	CHECK_EQ(SYS(rmdir, "/proc"), -EBUSY);
	CHECK_EQ(SYS(mkdir, "/etc", 0755), -EEXIST);
	CHECK_EQ(SYS(mkdir, "/tmp/a", 0755), 0);
	CHECK_EQ(SYS(chdir, "/tmp/a"), 0);
	CHECK_EQ(SYS(rmdir, "/tmp/a"), 0);
	CHECK_EQ(SYS(getcwd, buffer, 100), -ENOENT);
	CHECK_EQ(SYS(open, "x", O_CREAT | O_WRONLY, 0600), -ENOENT);
	CHECK_EQ(SYS(chdir, ".."), 0);
	CHECK_EQ(SYS(getcwd, buffer, 4), -ERANGE);
	CHECK_EQ(SYS(getcwd, buffer, 5), 5);
	CHECK_STR(buffer, "/tmp");
	CHECK_EQ(SYS(mkdir, "/proc/x", 0755), -ENOENT);
	CHECK_EQ(SYS(unlink, "/proc/self/stat"), -EPERM);
}

static int list(const char *path, size_t room, int removing)
{
	static char seen[600];
	int fd = opened(path, O_RDONLY | O_DIRECTORY), count = 0;
	long n;

	memset(seen, 0, sizeof seen);
	while ((n = SYS(getdents64, fd, buffer, room)) > 0)
		for (long at = 0; at < n; at += *(uint16_t *)(buffer + at + 16)) {
			const char *name = buffer + at + 19;
			char full[400];

			count++;
			if (strncmp(name, "name-", 5))
				continue;
			CHECK(!seen[atoi(name + 5)]++);
			snprintf(full, sizeof full, "%s/%.200s", path, name);
			CHECK_EQ(stat_of(full).st_ino, *(uint64_t *)(buffer + at));
			if (removing)
				CHECK_EQ(SYS(unlink, full), 0);
		}
	CHECK_EQ(n, 0);
	CHECK_EQ(SYS(close, fd), 0);
	return count;
}

TEST(fs_getdents)
{
	int fd;

	shim_start();
	CHECK_EQ(list("/many", 32768, 0), 502);
	CHECK_EQ(list("/many", 48, 0), 502);
	fd = opened("/many", O_RDONLY);
	CHECK_EQ(SYS(getdents64, fd, buffer, 10), -EINVAL);
	CHECK_EQ(SYS(getdents64, fd, 16, 1000), -EFAULT);
	CHECK_EQ(SYS(getdents64, fd, buffer, 24), 24);
	CHECK_EQ(SYS(lseek, fd, 0, 0), 0);
	CHECK(SYS(getdents, fd, buffer, 1000) > 900);
	CHECK_STR(buffer + 18, ".");
	CHECK_EQ(SYS(getdents64, opened("/etc/passwd", 0), buffer, 1000), -ENOTDIR);
	CHECK_EQ(list("/many", 300, 1), 502);
	CHECK_EQ(list("/many", 300, 1), 2);
	CHECK_EQ(SYS(rmdir, "/many"), 0);
}

TEST(fs_stat)
{
	struct statx x;
	struct stat st;

	shim_start();
	st = stat_of("/bin/tool");
	CHECK_EQ(st.st_mode, S_IFREG | 0755);
	CHECK_EQ(st.st_size, 5);
	CHECK_EQ(st.st_blocks, 8);
	CHECK_EQ(st.st_mtime, 1700000000);
	CHECK_EQ(SYS(statx, AT_FDCWD, "/bin/tool", 0, 0x7ff, &x), 0);
	CHECK_EQ(x.stx_size, 5);
	CHECK_EQ(x.stx_ino, st.st_ino);
	CHECK_EQ(SYS(newfstatat, opened("/bin/tool", O_PATH), "", &st, AT_EMPTY_PATH), 0);
	CHECK_EQ(SYS(newfstatat, AT_FDCWD, "", &st, 0), -ENOENT);
	CHECK_EQ(SYS(access, "/bin/tool", 1), 0);
	CHECK_EQ(SYS(access, "/etc/passwd", 1), -EACCES);
	CHECK_EQ(SYS(access, "/etc/passwd", 6), 0);
	CHECK_EQ(SYS(access, "/etc", 1), 0);
	CHECK_EQ(SYS(chmod, "/etc/passwd", 04755), 0);
	CHECK_EQ(stat_of("/etc/passwd").st_mode, S_IFREG | 04755);
	CHECK_EQ(SYS(chown, "/etc/passwd", 5, -1), 0);
	CHECK_EQ(stat_of("/etc/passwd").st_mode, S_IFREG | 0755);
	CHECK_EQ(stat_of("/etc/passwd").st_uid, 5);
	int64_t times[4] = { -5, 250, 77, (1l << 30) - 2 };
	CHECK_EQ(SYS(utimensat, AT_FDCWD, "/bin/tool", times, 0), 0);
	CHECK_EQ((int64_t)stat_of("/bin/tool").st_atime, -5);
	CHECK_EQ(stat_of("/bin/tool").st_atime_nsec, 250);
	CHECK_EQ(stat_of("/bin/tool").st_mtime, 1700000000);
	CHECK_EQ(SYS(lgetxattr, "/bin/tool", "user.x", 0, 0), -ENODATA);
	CHECK_EQ(SYS(statfs, "/", buffer), 0);
}

TEST(fs_descriptors)
{
	int fd = 0, last = -1;
	long n;

	shim_start();
	CHECK_EQ(opened("/etc/passwd", O_RDONLY), 0);
	CHECK_EQ(SYS(dup, 0), 1);
	CHECK_EQ(SYS(dup2, 0, 9), 9);
	CHECK_EQ(SYS(dup2, 9, 9), 9);
	CHECK_EQ(SYS(dup2, 50, 50), -EBADF);
	CHECK_EQ(SYS(dup3, 9, 9, 0), -EINVAL);
	CHECK_EQ(SYS(dup3, 0, 10, O_CLOEXEC), 10);
	CHECK_EQ(SYS(fcntl, 10, F_GETFD), 1);
	CHECK_EQ(SYS(fcntl, 0, F_DUPFD, 10), 11);
	CHECK_EQ(SYS(fcntl, 0, F_DUPFD, FD_SOFT), -EINVAL);
	CHECK_EQ(SYS(read, 0, buffer, 4), 4);
	CHECK_EQ(SYS(read, 9, buffer, 4), 4);
	CHECK(!memcmp(buffer, ":x:0", 4));
	CHECK_EQ(SYS(write, 0, "x", 1), -EBADF);
	CHECK_EQ(SYS(close, 99), -EBADF);
	CHECK_EQ(SYS(lseek, 0, -100, 0), -EINVAL);
	CHECK_EQ(SYS(lseek, 0, -1, 2), 10);
	files_exec(current_files());
	CHECK_EQ(SYS(close, 10), -EBADF);
	while ((n = SYS(open, "/etc/passwd", 0, 0)) >= 0)
		last = (int)n;
	CHECK_EQ(n, -EMFILE);
	CHECK_EQ(last, FD_SOFT - 1);
	CHECK_EQ(SYS(close_range, 3, -1, 0), 0);
	CHECK_EQ(SYS(close, 3), -EBADF);
	fd = opened("/tmp/a", O_CREAT | O_WRONLY | O_APPEND);
	CHECK_EQ(SYS(write, fd, "one", 3), 3);
	CHECK_EQ(SYS(lseek, fd, 0, 0), 0);
	CHECK_EQ(SYS(write, fd, "two", 3), 3);
	CHECK_STR(get_file("/tmp/a"), "onetwo");
	struct iovec v[12];
	for (int i = 0; i < 12; i++)
		v[i] = (struct iovec){ "ab", i % 3 };
	CHECK_EQ(SYS(writev, fd, v, 12), 12);
	CHECK_STR(get_file("/tmp/a"), "onetwoaabaabaabaab");
	CHECK_EQ(SYS(writev, fd, v, 2000), -EINVAL);
	CHECK_EQ(SYS(fcntl, fd, F_GETFL), O_WRONLY | O_APPEND | O_LARGEFILE);
	CHECK_EQ(SYS(pread64, fd, buffer, 1, 0), -EBADF);
	CHECK_EQ(SYS(sendfile, fd, 0, 0, 100), -EINVAL);
	CHECK_EQ(SYS(fcntl, fd, F_SETFL, 0), 0);
	CHECK_EQ(SYS(lseek, 0, 0, 0), 0);
	CHECK_EQ(SYS(sendfile, fd, 0, 0, 100), 11);
	CHECK_EQ(SYS(pread64, 0, 16, 5, 0), -EFAULT);
}

TEST(fs_no_space)
{
	static char big[100000];
	int fd;

	shim_start();
	fd = opened("/tmp/big", O_CREAT | O_RDWR);
	shim_page_limit = shim_pages + 5;
	CHECK_EQ(SYS(write, fd, big, sizeof big), 4 * 4096);
	CHECK_EQ(SYS(write, fd, big, sizeof big), -ENOSPC);
	CHECK_EQ(stat_of("/tmp/big").st_size, 16384);
	CHECK_EQ(SYS(pwrite64, opened("/usr/big", O_RDWR), "x", 1, 0), -ENOSPC);
	CHECK_EQ(SYS(ftruncate, fd, 0), 0);
	CHECK_EQ(SYS(write, fd, big, 100), 100);
}

TEST(fs_locks)
{
	struct flock fl = { .l_type = F_WRLCK, .l_start = 10, .l_len = 10 };
	int fd, other;

	shim_start();
	fd = opened("/tmp/l", O_CREAT | O_RDWR);
	CHECK_EQ(SYS(fcntl, fd, F_SETLK, &fl), 0);
	other = shim_fork();
	shim_current = other;
	CHECK_EQ(SYS(fcntl, fd, F_SETLK, &fl), -EAGAIN);
	CHECK_EQ(SYS(fcntl, fd, F_SETLKW, &fl), -ERESTARTSYS);
	fl.l_start = 0;
	CHECK_EQ(SYS(fcntl, fd, F_SETLK, &fl), 0);
	fl.l_start = 15;
	CHECK_EQ(SYS(fcntl, fd, F_GETLK, &fl), 0);
	CHECK_EQ(fl.l_pid, 100);
	CHECK_EQ(fl.l_start, 10);
	shim_current = 0;
	fl = (struct flock){ .l_type = F_UNLCK, .l_start = 12, .l_len = 2 };
	CHECK_EQ(SYS(fcntl, fd, F_SETLK, &fl), 0);
	shim_current = other;
	fl.l_type = F_WRLCK;
	CHECK_EQ(SYS(fcntl, fd, F_SETLK, &fl), 0);
	fl.l_len = 3;
	CHECK_EQ(SYS(fcntl, fd, F_SETLK, &fl), -EAGAIN);
	shim_current = 0;
	CHECK_EQ(SYS(close, fd), 0);
	shim_current = other;
	CHECK_EQ(SYS(fcntl, fd, F_SETLK, &fl), 0);
	CHECK_EQ(SYS(flock, fd, 2), 0);
	CHECK_EQ(SYS(flock, opened("/tmp/l", O_RDWR), 2 | 4), -EAGAIN);
	CHECK_EQ(SYS(close, fd), 0);
	CHECK_EQ(SYS(flock, opened("/tmp/l", O_RDWR), 2 | 4), 0);
}

/* One folder in another, deeper than any stack could go. */
static void deep_tree(const char *top, int levels)
{
	CHECK_EQ(SYS(chdir, top), 0);
	for (int i = 0; i < levels; i++) {
		CHECK_EQ(SYS(mkdir, "d", 0755), 0);
		put_file("f", "text");
		CHECK_EQ(SYS(link, "f", "g"), 0);
		CHECK_EQ(SYS(chdir, "d"), 0);
	}
	CHECK_EQ(SYS(chdir, "/"), 0);
}

TEST(fs_mounts_leak_nothing)
{
	long allocations, pages;
	struct inode *held;
	int fd;

	shim_start();
	CHECK_EQ(SYS(mkdir, "/tmp/a", 0755), 0);
	CHECK_EQ(SYS(mkdir, "/tmp/b", 0755), 0);
	for (int round = 0; round < 2; round++) {
		allocations = shim_allocations;
		pages = shim_pages;
		CHECK_EQ(SYS(mount, "t", "/tmp/a", "tmpfs", 0, "size=64m"), 0);
		deep_tree("/tmp/a", 3000);
		CHECK_EQ(SYS(mkdir, "/tmp/a/in", 0755), 0);
		CHECK_EQ(SYS(mount, "u", "/tmp/a/in", "tmpfs", 0, NULL), 0);
		put_file("/tmp/a/in/f", "text");
		CHECK_EQ(SYS(mount, "/tmp/a", "/tmp/b", NULL, 4096 | 16384, NULL), 0); /* MS_BIND | MS_REC */
		CHECK_EQ(inode_lookup("/tmp/b/in/f", &held), 0);
		CHECK_EQ(SYS(umount2, "/tmp/b/in", 0), 0); /* the other mount still shows it */
		CHECK_EQ(SYS(umount2, "/tmp/a/in", 0), -EBUSY);
		CHECK_EQ(SYS(mount, "/tmp/a", "/tmp/a", NULL, 4096, NULL), 0);
		fd = opened("/tmp/a/f", O_RDONLY);
		CHECK_EQ(SYS(umount2, "/tmp/a", 0), -EBUSY);
		CHECK_EQ(SYS(umount2, "/tmp/a", 2), 0); /* MNT_DETACH */
		CHECK_EQ(SYS(umount2, "/tmp/b", 2), 0);
		CHECK_EQ(SYS(umount2, "/tmp/a", 2), 0);
		CHECK_EQ(SYS(umount2, "/tmp/a", 2), -EINVAL);
		CHECK_EQ(SYS(read, fd, buffer, 100), 4);
		CHECK_EQ(SYS(close, fd), 0);
		inode_put(held);
		if (round) {
			CHECK_EQ(shim_allocations, allocations);
			CHECK_EQ(shim_pages, pages);
		}
	}
}

static unsigned mounts_hang(void)
{
	unsigned n = 0;

	for (const struct mount *m = fs_family()->mounts; m; m = m->next)
		n++;
	return n;
}

/* A tree of mounts that is bound into itself doubles: the round that would pass the limit changes nothing. */
TEST(fs_mounts_have_a_limit)
{
	unsigned first, before;
	long error, allocations;

	shim_start();
	CHECK_EQ(SYS(mkdir, "/tmp/a", 0755), 0);
	first = mounts_hang();
	CHECK_EQ(SYS(mount, "t", "/tmp/a", "tmpfs", 0, NULL), 0);
	CHECK_EQ(SYS(mkdir, "/tmp/a/in", 0755), 0);
	do {
		before = mounts_hang();
		allocations = shim_allocations;
		error = SYS(mount, "/tmp/a", "/tmp/a/in", NULL, 4096 | 16384, NULL); /* MS_BIND | MS_REC */
	} while (!error);
	CHECK_EQ(error, -ENOSPC);
	CHECK(before > MOUNTS_MAX / 4 && before < MOUNTS_MAX);
	CHECK_EQ(mounts_hang(), before);
	CHECK_EQ(shim_allocations, allocations);
	CHECK_EQ(SYS(umount2, "/tmp/a", 2), 0); /* MNT_DETACH: with all that hangs in it */
	CHECK_EQ(mounts_hang(), first);
}

/* Whatever stands in the options, it is taken as a whole or refused. */
TEST(fs_mount_options)
{
	static const char *const bad[] = { "size", "size=", "size=k", "size=1kk", "size=1x", "size=99999999999999999999",
		"size=18014398509481984k", "mode=8", "mode=999999999999", "uid=-1", "uid=x", "nr_inodes=1%", "=1",
		"size=1,,colour=1" };
	static const char *const good[] = { "", ",", "size=1", "size=1,", "size=50%", "size=4G", "size=0",
		"nr_blocks=3,nr_inodes=2K,mode=1777,uid=5,gid=6" };

	shim_start();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (SYS(mount, "t", "/tmp", "tmpfs", 0, bad[i]) != -EINVAL)
			test_fail("%s was taken", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (SYS(mount, "t", "/tmp", "tmpfs", 0, good[i]) || SYS(umount2, "/tmp", 0))
			test_fail("%s was refused", good[i]);
}

TEST(fs_nothing_leaks)
{
	long allocations, pages;
	struct file_state *fs;
	int pair[2], error;

	shim_start();
	for (int round = 0; round < 2; round++) {
		allocations = shim_allocations;
		pages = shim_pages;
		CHECK_EQ(SYS(mkdir, "/tmp/d", 0755), 0);
		put_file("/tmp/d/f", "text");
		CHECK_EQ(SYS(symlink, "f", "/tmp/d/s"), 0);
		CHECK_STR(get_file("/tmp/d/s"), "text");
		CHECK_EQ(SYS(mknod, "/tmp/d/p", S_IFIFO | 0600, 0), 0);
		CHECK_EQ(SYS(rename, "/tmp/d/f", "/tmp/d/g"), 0);
		CHECK_EQ(SYS(pipe, pair), 0);
		CHECK_EQ(SYS(write, pair[1], buffer, 5000), 5000);
		get_file("/proc/self/status");
		list("/proc", 1000, 0);
		fs = files_fork(current_files(), &error);
		CHECK(places_fork(current_places(), fs) == &fs->places);
		places_free(&fs->places);
		files_free(fs);
		CHECK_EQ(SYS(close, pair[0]), 0);
		CHECK_EQ(SYS(close, pair[1]), 0);
		CHECK_EQ(SYS(unlink, "/tmp/d/s"), 0);
		CHECK_EQ(SYS(unlink, "/tmp/d/p"), 0);
		CHECK_EQ(SYS(unlink, "/tmp/d/g"), 0);
		CHECK_EQ(SYS(rmdir, "/tmp/d"), 0);
		if (round) {
			CHECK_EQ(shim_allocations, allocations);
			CHECK_EQ(shim_pages, pages);
		}
	}
}
