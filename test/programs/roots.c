/* SPDX-License-Identifier: MIT */
/* Where names may lead: openat2 with each RESOLVE_ flag and its wrong uses, chroot, and what is told of paths in
 * one. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "try.h"

static long dir, file;

static long opened(long from, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = { flags, mode, resolve };
	long fd = syscall(SYS_openat2, from, path, &how, sizeof how);
	struct stat st;

	if (fd >= 0) {
		CHECK(fstat((int)fd, &st) == 0);
		close((int)fd);
		printf("size %ld: ", S_ISREG(st.st_mode) ? (long)st.st_size : 0l);
		return 0;
	}
	return -1;
}
#define OPEN2(...) tried("openat2(" #__VA_ARGS__ ")", opened(__VA_ARGS__))

static void resolves(void)
{
	static const struct { const char *name; uint64_t flag; } flags[] = {
		{ "none", 0 }, { "NO_XDEV", RESOLVE_NO_XDEV }, { "NO_MAGICLINKS", RESOLVE_NO_MAGICLINKS },
		{ "NO_SYMLINKS", RESOLVE_NO_SYMLINKS }, { "BENEATH", RESOLVE_BENEATH }, { "IN_ROOT", RESOLVE_IN_ROOT },
		{ "BENEATH and NO_SYMLINKS", RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS },
	};
	static const char *const paths[] = { "file", "sub/../file", "sub/deep/../../file", "../file", "..", ".",
		"sub/../..", "sub/../../dir/file", "/file", "/../../file", "to-file", "up", "absolute", "sub/up-one",
		"to-sub/deep/file", "inside", "chain", "nothing", "/proc/self/fd/9", "/proc/self/fd/9/file",
		"/proc/version", "magic", "file/" };
	char line[120];

	CHECK(dup2((int)dir, 9) == 9);
	for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
		for (unsigned j = 0; j < sizeof paths / sizeof *paths; j++) {
			/* What is mounted between the root and this folder is each system's own. */
			if (flags[i].flag == RESOLVE_NO_XDEV && (!strcmp(paths[j], "absolute") || !strcmp(paths[j], "inside")))
				continue;
			snprintf(line, sizeof line, "%s of %s", flags[i].name, paths[j]);
			tried(line, opened(dir, paths[j], O_RDONLY, 0, flags[i].flag));
			snprintf(line, sizeof line, "%s of %s itself", flags[i].name, paths[j]);
			tried(line, opened(dir, paths[j], O_PATH | O_NOFOLLOW, 0, flags[i].flag));
		}
	OPEN2(dir, "file", O_RDONLY, 0, RESOLVE_CACHED);
	OPEN2(dir, "made", O_RDWR | O_CREAT, 0600, RESOLVE_BENEATH);
	OPEN2(dir, "../made", O_RDWR | O_CREAT, 0600, RESOLVE_BENEATH);
	OPEN2(dir, "../in-root", O_RDWR | O_CREAT | O_EXCL, 0600, RESOLVE_IN_ROOT);
	CHECK(unlinkat((int)dir, "in-root", 0) == 0 && unlinkat((int)dir, "made", 0) == 0);
}

static void wrong(void)
{
	struct { struct open_how how; uint64_t more[2]; } large = { { O_RDONLY, 0, 0 }, { 0, 0 } };

	TRY(openat2, dir, "file", &large, 0);
	TRY(openat2, dir, "file", &large, 23);
	TRY(openat2, dir, "file", &large, 5000);
	TRY(openat2, dir, "file", &large, sizeof large);
	large.more[1] = 1;
	TRY(openat2, dir, "file", &large, sizeof large);
	TRY(openat2, dir, "file", BAD, 24);
	TRY(openat2, dir, BAD, &large, 24);
	TRY(openat2, NOFD, "file", &large, 24);
	TRY(openat2, file, "file", &large, 24);
	TRY(openat2, dir, "", &large, 24);
	large.how.resolve = RESOLVE_CACHED;
	large.how.flags = O_RDWR | O_CREAT;
	TRY(openat2, dir, "file", &large, 24);
	large.how.flags = O_RDONLY;
	large.how.resolve = RESOLVE_BENEATH;
	TRY(openat2, dir, "/", &large, 24);
	TRY(openat2, dir, "loop/x", &large, 24);
	large.how.resolve = RESOLVE_NO_SYMLINKS;
	TRY(openat2, dir, "to-file", &large, 24);
	large.how.resolve = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
	TRY(openat2, dir, "file", &large, 24);
	OPEN2(dir, "file", O_RDONLY, 0, 64);
	OPEN2(dir, "file", 1ul << 40, 0, 0);
	OPEN2(dir, "file", O_RDONLY, 0600, 0);
	OPEN2(dir, "file", O_RDWR | O_CREAT, 010600, 0);
	OPEN2(dir, "file", O_PATH | O_RDWR, 0, 0);
	OPEN2(dir, "file", O_PATH | O_TRUNC, 0, 0);
	OPEN2(dir, ".", O_TMPFILE | O_RDONLY, 0600, 0);
	OPEN2(dir, ".", O_TMPFILE | O_RDWR, 0600, 0);
	OPEN2(dir, ".", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600, 0);
	OPEN2(dir, ".", O_TMPFILE | O_RDWR, 0600, RESOLVE_CACHED);
	OPEN2(dir, "x", O_CREAT | O_DIRECTORY | O_RDONLY, 0600, 0);
	OPEN2(dir, "file", O_RDWR | O_TRUNC, 0, RESOLVE_CACHED);
}

static void told(const char *of)
{
	char path[4096];
	long n = readlink(of, path, sizeof path - 1);

	path[n > 0 ? n : 0] = 0;
	printf("%s: %s\n", of, n < 0 ? "no" : path);
}

static void cwd_told(void)
{
	char path[4096];

	printf("%s\n", syscall(SYS_getcwd, path, sizeof path) > 0 ? path : "no cwd");
}

static long has(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -1;
	return S_ISREG(st.st_mode) ? st.st_size : 0;
}
#define HAS(path) tried("stat(" #path ")", has(path))

static int lines_of(const char *path)
{
	char text[8192];
	int fd = open(path, O_RDONLY), n = 0;
	long got;

	CHECK(fd >= 0);
	while ((got = read(fd, text, sizeof text)) > 0)
		for (long i = 0; i < got; i++)
			n += text[i] == '\n';
	close(fd);
	return n;
}

static void rooted(void)
{
	int out = open(".", O_PATH), status;
	char here[4000], path[4100];

	CHECK(getcwd(here, sizeof here) && out >= 0);
	TRY(chroot, BAD);
	TRY(chroot, longest);
	TRY(chroot, "nothing");
	TRY(chroot, "file");
	TRY(chroot, "file/x");
	TRY(chroot, "loop/x");
	TRY(chroot, "");
	CHECK(mkdir("dir/proc", 0700) == 0);
	if (fork() == 0) {
		int may_mount = mount("none", "dir/proc", "proc", 0, 0) == 0;

		TRY(chroot, "dir");
		HAS("/file");
		HAS("/../../file");
		HAS("/absolute");
		HAS("/inside");
		HAS("file"); /* the folder is still outside, and ".." goes on there */
		HAS("../sub");
		snprintf(path, sizeof path, "(unreachable)%s", here);
		CHECK(syscall(SYS_getcwd, buffer, sizeof buffer) > 0);
		printf("cwd %s\n", strcmp(buffer, path) ? "told otherwise" : "unreachable");
		CHECK(chdir("/") == 0);
		cwd_told();
		HAS("file");
		HAS("../file");
		HAS("../../../../sub");
		HAS("up");
		CHECK(chdir("sub/deep") == 0);
		cwd_told();
		if (may_mount) {
			told("/proc/self/cwd");
			told("/proc/self/root");
			told("/proc/self/fd/8");
			printf("%d mounts, %d\n", lines_of("/proc/mounts"), lines_of("/proc/self/mountinfo"));
		} else {
			puts("no judge of /proc");
		}
		if (fork() == 0) { /* a child has it, too, and a root within the root */
			cwd_told();
			CHECK(chroot("/sub") == 0);
			cwd_told();
			HAS("/deep/file");
			HAS("/file");
			CHECK(fchdir(out) == 0 && chroot(".") == 0); /* as root may, always */
			HAS("/dir/sub");
			_exit(0);
		}
		wait(&status);
		HAS("/file");
		OPEN2(AT_FDCWD, "/sub/../../file", O_RDONLY, 0, 0);
		OPEN2(dir, "/file", O_RDONLY, 0, RESOLVE_IN_ROOT);
		OPEN2(AT_FDCWD, "../../..", O_RDONLY, 0, RESOLVE_BENEATH);
		_exit(status);
	}
	wait(&status);
	CHECK(status == 0);
	(void)umount("dir/proc");
	HAS("/file");
	CHECK(getcwd(path, sizeof path) && !strcmp(path, here));
}

int main(void)
{
	CHECK(mkdir("dir", 0755) == 0 && mkdir("dir/sub", 0755) == 0 && mkdir("dir/sub/deep", 0755) == 0);
	CHECK((file = open("file", O_CREAT | O_RDWR, 0600)) >= 0 && write((int)file, "x", 1) == 1);
	CHECK((dir = open("dir", O_RDONLY | O_DIRECTORY)) >= 0);
	CHECK(dup2((int)dir, 8) == 8);
	for (int i = 0; i < 2; i++) {
		int f = open(i ? "dir/sub/deep/file" : "dir/file", O_CREAT | O_RDWR, 0600);

		CHECK(write(f, "four", i ? 3 : 4) == (i ? 3 : 4));
		close(f);
	}
	CHECK(symlink("file", "dir/to-file") == 0 && symlink("../file", "dir/up") == 0);
	CHECK(symlink("/file", "dir/absolute") == 0 && symlink("../file", "dir/sub/up-one") == 0);
	CHECK(symlink("sub", "dir/to-sub") == 0 && symlink("/sub/deep/file", "dir/inside") == 0);
	CHECK(symlink("to-file", "dir/chain") == 0 && symlink("/proc/self/cwd", "dir/magic") == 0);
	CHECK(symlink("loop", "loop") == 0);
	memset(longest, 'x', sizeof longest - 1);
	resolves();
	wrong();
	rooted();
	return 0;
}
