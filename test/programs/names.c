/* SPDX-License-Identifier: MIT */
/* What calls say of names: of those that lead nowhere, for each call that takes one, and of those of the wrong kind. A fresh folder is the working directory. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "try.h"

static long fd, self = AT_FDCWD;
static const char *p;

static const struct { const char *name, *path; } names[] = {
	{ "no address", (const char *)BAD }, { "a loop", "loop/x" }, { "a name too long", longest }, { "a file's child", "file/x" }, { "nothing's child", "nothing/x" },
};

/* The call with each of them as p. */
#define NAMES(call, ...) do { \
		for (unsigned i = 0; i < sizeof names / sizeof *names; i++) { \
			p = names[i].path; \
			tried_of(#call "(" #__VA_ARGS__ ")", names[i].name, syscall(SYS_##call, ##__VA_ARGS__)); \
		} \
	} while (0)

static void tried_of(const char *what, const char *name, long result)
{
	char line[300];

	snprintf(line, sizeof line, "%s of %s", what, name);
	tried(line, result);
}

static void paths(void)
{
	char *const none[] = { 0 };

	NAMES(access, p, 0);
	NAMES(chdir, p);
	NAMES(chmod, p, 0600);
	NAMES(chown, p, 0, 0);
	NAMES(creat, p, 0600);
	NAMES(execve, p, none, none);
	NAMES(execveat, self, p, none, none, 0);
	NAMES(faccessat, self, p, 0);
	NAMES(faccessat2, self, p, 0, 0);
	NAMES(fchmodat, self, p, 0600);
	NAMES(fchownat, self, p, 0, 0, 0);
	NAMES(futimesat, self, p, 0);
	NAMES(getxattr, p, "user.x", buffer, 10);
	NAMES(lchown, p, 0, 0);
	NAMES(lgetxattr, p, "user.x", buffer, 10);
	NAMES(link, p, "new");
	NAMES(link, "file", p);
	NAMES(linkat, self, p, self, "new", 0);
	NAMES(linkat, self, "file", self, p, 0);
	NAMES(listxattr, p, buffer, 10);
	NAMES(llistxattr, p, buffer, 10);
	NAMES(lremovexattr, p, "user.x");
	NAMES(lstat, p, buffer);
	NAMES(mkdir, p, 0700);
	NAMES(mkdirat, self, p, 0700);
	NAMES(mknod, p, S_IFREG | 0600, 0);
	NAMES(mknodat, self, p, S_IFREG | 0600, 0);
	NAMES(newfstatat, self, p, buffer, 0);
	NAMES(open, p, O_RDONLY, 0);
	NAMES(openat, self, p, O_RDONLY, 0);
	NAMES(readlink, p, buffer, 10);
	NAMES(readlinkat, self, p, buffer, 10);
	NAMES(removexattr, p, "user.x");
	NAMES(rename, p, "new");
	NAMES(rename, "file", p);
	NAMES(renameat, self, p, self, "new");
	NAMES(renameat, self, "file", self, p);
	NAMES(renameat2, self, p, self, "new", 0);
	NAMES(renameat2, self, "file", self, p, 0);
	NAMES(rmdir, p);
	NAMES(stat, p, buffer);
	NAMES(statfs, p, buffer);
	NAMES(statx, self, p, 0, 0xfff, buffer);
	NAMES(symlink, "x", p);
	NAMES(symlinkat, "x", self, p);
	NAMES(truncate, p, 0);
	NAMES(unlink, p);
	NAMES(unlinkat, self, p, 0);
	NAMES(utime, p, 0);
	NAMES(utimensat, self, p, 0, 0);
	NAMES(utimes, p, 0);
}

/* A folder that is none. */
#define FOLDERS(call, ...) do { self = NOFD; TRY(call, __VA_ARGS__); self = fd; TRY(call, __VA_ARGS__); self = AT_FDCWD; } while (0)

static void folders(void)
{
	char *const none[] = { 0 };

	FOLDERS(execveat, self, "x", none, none, 0);
	FOLDERS(faccessat, self, "x", 0);
	FOLDERS(faccessat2, self, "x", 0, 0);
	FOLDERS(fchmodat, self, "x", 0600);
	FOLDERS(fchownat, self, "x", 0, 0, 0);
	FOLDERS(futimesat, self, "x", 0);
	FOLDERS(linkat, self, "x", AT_FDCWD, "new", 0);
	FOLDERS(linkat, AT_FDCWD, "file", self, "new", 0);
	FOLDERS(mkdirat, self, "x", 0700);
	FOLDERS(mknodat, self, "x", S_IFREG | 0600, 0);
	FOLDERS(newfstatat, self, "x", buffer, 0);
	FOLDERS(openat, self, "x", O_RDONLY, 0);
	FOLDERS(readlinkat, self, "x", buffer, 10);
	FOLDERS(renameat, self, "x", AT_FDCWD, "new");
	FOLDERS(renameat2, AT_FDCWD, "file", self, "new", 0);
	FOLDERS(statx, self, "x", 0, 0xfff, buffer);
	FOLDERS(symlinkat, "x", self, "new");
	FOLDERS(unlinkat, self, "x", 0);
	FOLDERS(utimensat, self, "x", 0, 0);
}

/* The same object twice, the wrong kind, what is in the way. */
static void kinds(void)
{
	static char whole[200000];
	char *const arguments[] = { whole, 0 }, *const none[] = { 0 };

	TRY(renameat, AT_FDCWD, "file", AT_FDCWD, "folder");
	TRY(renameat, AT_FDCWD, "folder", AT_FDCWD, "file");
	TRY(renameat, AT_FDCWD, "folder", AT_FDCWD, "full");
	TRY(renameat, AT_FDCWD, "folder", AT_FDCWD, "folder/x");
	TRY(renameat, AT_FDCWD, "folder/.", AT_FDCWD, "new");
	TRY(renameat2, AT_FDCWD, "file", AT_FDCWD, "folder", 0);
	TRY(renameat2, AT_FDCWD, "folder", AT_FDCWD, "file", 0);
	TRY(renameat2, AT_FDCWD, "folder", AT_FDCWD, "full", 0);
	TRY(renameat2, AT_FDCWD, "folder/.", AT_FDCWD, "new", 0);
	TRY(rename, "file", "/proc/new");
	TRY(renameat, AT_FDCWD, "file", AT_FDCWD, "/proc/new");
	TRY(renameat2, AT_FDCWD, "file", AT_FDCWD, "/proc/new", 0);
	TRY(linkat, AT_FDCWD, "file", AT_FDCWD, "folder", 0);
	TRY(linkat, AT_FDCWD, "folder", AT_FDCWD, "new", 0);
	TRY(unlinkat, AT_FDCWD, "folder", 0);
	TRY(unlinkat, AT_FDCWD, "full", AT_REMOVEDIR);
	TRY(unlinkat, AT_FDCWD, "nothing", 0);
	TRY(openat, AT_FDCWD, "file", O_CREAT | O_EXCL, 0600);
	TRY(openat, AT_FDCWD, "folder", O_WRONLY, 0);
	TRY(openat, AT_FDCWD, "fifo", O_WRONLY | O_NONBLOCK, 0);
	TRY(openat, AT_FDCWD, "loop", O_RDONLY, 0);
	TRY(openat, AT_FDCWD, "folder", O_TMPFILE | O_RDONLY, 0600);
	TRY(open, "folder", O_TMPFILE | O_RDONLY, 0600);
	TRY(open, "/proc/self/exe", O_WRONLY, 0);
	TRY(openat, AT_FDCWD, "/proc/self/exe", O_RDWR, 0);
	TRY(truncate, "/proc/self/exe", 0);
	TRY(truncate, "file", 1L << 62);
	TRY(ftruncate, fd, 1L << 62);
	TRY(fallocate, fd, 0, 1L << 62, 1);
	TRY(statfs, "nothing", buffer);
	TRY(fstatfs, fd, BAD);
	TRY(statx, AT_FDCWD, "", 0, 0xfff, buffer);
	TRY(faccessat2, AT_FDCWD, "nothing", 0, 0);
	TRY(utimensat, AT_FDCWD, "file", BAD, 0);
	TRY(execve, "text", none, none);
	TRY(execve, "folder", none, none);
	TRY(execve, "/proc/self/exe", BAD, none);
	memset(whole, 'w', sizeof whole - 1);
	TRY(execve, "/proc/self/exe", arguments, none);
	TRY(execve, "written", none, none);
	TRY(execveat, AT_FDCWD, "text", none, none, 0x8000);
	TRY(execveat, AT_FDCWD, "link", none, none, AT_SYMLINK_NOFOLLOW);
	TRY(mkdir, "", 0700);
	TRY(mknodat, AT_FDCWD, "new", 0170000, 0);
	TRY(mkdir, "folder/..", 0700);
	TRY(getcwd, buffer, 0);
	TRY(mprotect, mmap(0, 4096, PROT_READ, MAP_SHARED, open("file", O_RDONLY), 0), 4096, PROT_READ | PROT_WRITE);
}

/* In a folder that is gone. */
static void gone(void)
{
	long here = open(".", O_RDONLY), inside;

	CHECK(mkdir("away", 0700) == 0 && chdir("away") == 0);
	inside = open(".", O_RDONLY);
	CHECK(inside >= 0 && rmdir("../away") == 0);
	TRY(getcwd, buffer, sizeof buffer);
	TRY(getdents, inside, buffer, 1000);
	TRY(getdents64, inside, buffer, 1000);
	TRY(mkdir, "x", 0700);
	TRY(creat, "x", 0600);
	TRY(symlink, "x", "y");
	CHECK(fchdir((int)here) == 0);
	close((int)here);
	close((int)inside);
}

int main(void)
{
	char folder[] = "/tmp/names-XXXXXX";
	int file;

	setvbuf(stdout, NULL, _IOLBF, 0); /* where it stops is seen */
	memset(longest, 'a', sizeof longest - 1);
	CHECK(mkdtemp(folder) && chdir(folder) == 0);
	fd = open("file", O_CREAT | O_RDWR, 0644);
	CHECK(fd >= 0 && write((int)fd, "text", 4) == 4 && mkdir("folder", 0755) == 0 && mkdir("full", 0755) == 0 && mkdir("full/in", 0755) == 0);
	CHECK(symlink("text", "link") == 0 && symlink("loop", "loop") == 0 && mkfifo("fifo", 0600) == 0);
	CHECK((file = open("text", O_CREAT | O_WRONLY, 0755)) >= 0 && write(file, "\1\2\3\4", 4) == 4 && close(file) == 0);
	CHECK((file = open("written", O_CREAT | O_WRONLY, 0755)) >= 0 && write(file, "#!/bin/true\n", 12) == 12);
	paths();
	folders();
	kinds();
	gone();
	for (const char *const *name = (const char *const[]){ "file", "link", "loop", "fifo", "text", "written", 0 }; *name; name++)
		CHECK(unlink(*name) == 0);
	CHECK(rmdir("folder") == 0 && rmdir("full/in") == 0 && rmdir("full") == 0 && chdir("/") == 0 && rmdir(folder) == 0);
	return 0;
}
