/* SPDX-License-Identifier: MIT */
/* Extended attributes: set, read, listed and removed, by path, link and descriptor; and their wrong uses. */
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include "try.h"

/* Names of one space, in the order of the alphabet: what else a system has is its own. */
static void listed(const char *path)
{
	char names[1024];
	const char *last = "user.";
	long n = listxattr(path, names, sizeof names);

	CHECK(n >= 0 && n == listxattr(path, 0, 0));
	for (const char *next;; last = next) {
		next = 0;
		for (char *p = names; p < names + n; p += strlen(p) + 1)
			if (!strncmp(p, "user.", 5) && strcmp(p, last) > 0 && (!next || strcmp(p, next) < 0))
				next = p;
		if (!next)
			break;
		printf(" %s", next);
	}
	printf("\n");
}

#define shown(call, byte) do { long n_ = (long)(call); printf("%ld %c\n", n_, byte); } while (0)

int main(void)
{
	char value[300], event[64];
	int f = open("file", O_CREAT | O_RDWR, 0600), p[2], in = inotify_init1(IN_NONBLOCK), only;
	int null = open("/dev/null", O_RDWR);
	struct stat before, after;

	CHECK(f >= 0 && mkdir("dir", 0700) == 0 && symlink("file", "link") == 0 && mkfifo("fifo", 0600) == 0);
	CHECK(pipe(p) == 0);
	CHECK((only = open("file", O_PATH)) >= 0 && null >= 0);
	memset(buffer, 'v', sizeof buffer);
	CHECK(fstat(f, &before) == 0 && in >= 0 && inotify_add_watch(in, "file", IN_ATTRIB) == 1);
	usleep(20000);
	TRY(setxattr, "file", "user.one", "first", 5, 0);
	CHECK(fstat(f, &after) == 0 && after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
	CHECK(after.st_ctim.tv_nsec != before.st_ctim.tv_nsec);
	CHECK(read(in, event, sizeof event) == sizeof(struct inotify_event));
	TRY(lsetxattr, "link", "user.no", "x", 1, 0);
	TRY(lsetxattr, "file", "user.two", "", 0, 0);
	TRY(fsetxattr, f, "user.three", buffer, 256, XATTR_CREATE);
	TRY(setxattr, "dir", "user.dir", "folder", 6, 0);
	TRY(setxattr, "link", "trusted.root", "t", 1, 0);
	TRY(lsetxattr, "link", "trusted.link", "l", 1, 0);
	TRY(setxattr, "file", "security.some", "s", 1, 0);
	listed("file");
	listed("link");
	listed("dir");
	CHECK(getxattr("link", "user.one", value, sizeof value) == 5);
	printf("%.5s\n", value);
	printf("%ld\n", (long)getxattr("file", "user.two", value, sizeof value));
	printf("%ld\n", (long)getxattr("file", "user.two", 0, 0));
	shown(fgetxattr(f, "user.three", value, 256), value[255]);
	shown(lgetxattr("link", "trusted.link", value, 1), value[0]);
	shown(getxattr("file", "trusted.root", value, 1), value[0]);
	shown(getxattr("file", "security.some", value, 1), value[0]);
	CHECK(rename("file", "moved") == 0 && link("moved", "file") == 0);
	printf("%ld\n", (long)getxattr("file", "user.one", 0, 0));
	fflush(stdout);
	TRY(setxattr, "file", "user.one", "again", 5, XATTR_CREATE);
	TRY(lsetxattr, "file", "user.one", "again", 5, XATTR_CREATE);
	TRY(fsetxattr, f, "user.one", "again", 5, XATTR_CREATE);
	TRY(setxattr, "file", "user.one", "other", 5, XATTR_REPLACE);
	TRY(setxattr, "file", "user.none", "other", 5, XATTR_REPLACE);
	TRY(lsetxattr, "file", "user.none", "other", 5, XATTR_REPLACE);
	TRY(fsetxattr, f, "user.none", "other", 5, XATTR_REPLACE);
	TRY(setxattr, "file", "nospace", "x", 1, 0);
	TRY(lsetxattr, "file", "nospace", "x", 1, 0);
	TRY(fsetxattr, f, "nospace", "x", 1, 0);
	TRY(setxattr, "file", "user.", "x", 1, 0);
	TRY(setxattr, "file", "user", "x", 1, 0);
	TRY(setxattr, "file", "", "x", 1, 0);
	TRY(setxattr, "file", "user.x", "x", 1, 4);
	TRY(setxattr, "file", "user.x", buffer, 65537, 0);
	TRY(setxattr, "file", "user.x", BAD, 1, 0);
	TRY(setxattr, "file", BAD, "x", 1, 0);
	TRY(setxattr, "fifo", "user.x", "x", 1, 0);
	TRY(fsetxattr, p[0], "user.x", "x", 1, 0);
	TRY(fsetxattr, null, "user.x", "x", 1, 0);
	TRY(fsetxattr, only, "user.x", "x", 1, 0);
	memset(longest, 'n', 260);
	memcpy(longest, "user.", 5);
	TRY(setxattr, "file", longest, "x", 1, 0);
	TRY(lsetxattr, "file", longest, "x", 1, 0);
	TRY(fsetxattr, f, longest, "x", 1, 0);
	TRY(getxattr, "file", longest, value, 1);
	TRY(getxattr, "file", "user.one", value, 4);
	TRY(lgetxattr, "file", "user.one", value, 4);
	TRY(fgetxattr, f, "user.one", value, 4);
	TRY(getxattr, "file", "user.one", BAD, 5);
	TRY(getxattr, "file", "user.none", value, 4);
	TRY(lgetxattr, "file", "user.none", value, 4);
	TRY(fgetxattr, f, "user.none", value, 4);
	TRY(getxattr, "fifo", "user.x", value, 4);
	TRY(lgetxattr, "link", "user.x", value, 4);
	TRY(getxattr, "file", "nospace", value, 4);
	TRY(lgetxattr, "file", "nospace", value, 4);
	TRY(fgetxattr, f, "nospace", value, 4);
	TRY(listxattr, "file", value, 1);
	TRY(llistxattr, "file", value, 1);
	TRY(flistxattr, f, value, 1);
	TRY(listxattr, "file", BAD, 1000);
	TRY(removexattr, "file", "user.none");
	TRY(lremovexattr, "file", "user.none");
	TRY(fremovexattr, f, "user.none");
	TRY(removexattr, "file", "nospace");
	TRY(lremovexattr, "file", "nospace");
	TRY(fremovexattr, f, "nospace");
	TRY(removexattr, "fifo", "user.x");
	TRY(removexattr, "file", BAD);
	TRY(removexattr, "file", "user.one");
	TRY(lremovexattr, "file", "user.two");
	TRY(fremovexattr, f, "user.three");
	TRY(getxattr, "file", "user.one", value, 4);
	listed("file");
	TRY(lremovexattr, "link", "trusted.link");
	TRY(removexattr, "file", "trusted.root");
	TRY(removexattr, "file", "security.some");
	CHECK(unlink("file") == 0 && unlink("moved") == 0 && unlink("link") == 0);
	CHECK(unlink("fifo") == 0 && rmdir("dir") == 0);
	return 0;
}
