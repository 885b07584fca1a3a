/* SPDX-License-Identifier: MIT */
/* Mounts: tmpfs with its limits, bind, nested, busy, detached, moved, read-only; and mount(2) and umount2(2) made
 * wrongly. In a namespace of its own where there are such. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include "try.h"

#define SAY(call) say(#call, call)

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: error %d\n", what, errno);
	else
		printf("%s: %s\n", what, result ? "good" : "0");
}

static long filled(const char *path, size_t n)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	long done = 0;

	while (fd >= 0 && n) {
		long part = write(fd, buffer, n < 4096 ? n : 4096);

		if (part <= 0)
			break;
		done += part;
		n -= (size_t)part;
	}
	close(fd);
	return done;
}

static void names(const char *path)
{
	struct dirent **list;
	int n = scandir(path, &list, 0, alphasort);

	printf("%s:", path);
	for (int i = 0; i < n; i++)
		printf(" %s", list[i]->d_name);
	printf("\n");
}

static int compare(const void *a, const void *b) { return strcmp(a, b); }

/* Lines of mountinfo about places below here, without numbers, in alphabetical order. */
static void shown(const char *top)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[4096], root[1024], place[1024], options[256], kind[64], source[256], list[20][256];
	int n = 0;

	while (f && n < 20 && fgets(line, sizeof line, f))
		if (sscanf(line, "%*d %*d %*s %1023s %1023s %255s - %63s %255s", root, place, options, kind, source) == 5 &&
			!strncmp(place, top, strlen(top)))
			snprintf(list[n++], sizeof list[0], "%.80s %.60s %.30s %.20s %.20s", place, root, options, kind, source);
	qsort(list, (size_t)n, sizeof list[0], compare);
	for (int i = 0; i < n; i++)
		printf("  %s\n", list[i]);
	if (f)
		fclose(f);
}

static void limits(void)
{
	struct statfs s;

	SAY(mount("limited", "a", "tmpfs", MS_NOSUID, "size=64k,nr_inodes=5,mode=1750"));
	CHECK(statfs("a", &s) == 0);
	printf("statfs: %lx %ld %ld %ld %ld %ld flags %lx\n", (long)s.f_type, (long)s.f_bsize, (long)s.f_blocks,
		(long)s.f_bfree, (long)s.f_files, (long)s.f_ffree, (long)s.f_flags & ~0x20l);
	printf("filled %ld\n", filled("a/one", 100000));
	CHECK(statfs("a", &s) == 0);
	printf("statfs: %ld %ld\n", (long)s.f_bfree, (long)s.f_ffree);
	SAY(truncate("a/one", 5000));
	printf("filled %ld\n", filled("a/two", 100000));
	SAY(mount("x", "a", 0, MS_REMOUNT, "size=16k"));
	SAY(mount("x", "a", 0, MS_REMOUNT | MS_NOSUID, "size=128k"));
	printf("filled %ld\n", filled("a/two", 200000));
	SAY(mkdir("a/three", 0700));
	SAY(mkdir("a/four", 0700));
	SAY(mkdir("a/five", 0700));
	SAY(symlink("one", "a/six"));
	SAY(link("a/one", "a/seven"));
	SAY(unlink("a/two"));
	SAY(mkdir("a/five", 0700));
	shown("/m/a");
	SAY(umount2("a", 0));
	SAY(mount("x", "a", "tmpfs", 0, "size=nonsense"));
	SAY(mount("x", "a", "tmpfs", 0, "colour=blue"));
	SAY(mount("x", "a", "tmpfs", 0, "nr_blocks=4,mode=700"));
	printf("filled %ld\n", filled("a/one", 100000));
	SAY(umount2("a", 0));
	names("a");
}

static void binds(void)
{
	char at[256];

	SAY(mount("first", "a", "tmpfs", 0, "mode=755"));
	SAY(mkdir("a/in", 0755));
	SAY(mkdir("a/in/deep", 0755));
	printf("filled %ld\n", filled("a/in/file", 10));
	SAY(mount("a/in", "b", 0, MS_BIND, 0));
	names("b");
	shown("/m/b");
	SAY(chdir("b/deep"));
	printf("in %s\n", getcwd(at, sizeof at));
	SAY(chdir("../.."));
	printf("in %s\n", getcwd(at, sizeof at));
	SAY(rename("a/in/file", "b/file2"));
	SAY(link("a/in/file", "b/file2"));
	SAY(rename("b/file", "b/file2"));
	names("a/in");
	SAY(mount("second", "a/in/deep", "tmpfs", 0, "mode=755"));
	SAY(mkdir("a/in/deep/er", 0755));
	names("b/deep");
	names("a/in/deep");
	SAY(umount2("a", 0));
	SAY(rmdir("a/in/deep"));
	SAY(rename("a/in/deep", "a/in/other"));
	SAY(unlink("a/in/deep"));
	SAY(umount2("b", 0));
	SAY(mount("a", "b", 0, MS_BIND | MS_REC, 0));
	names("b/in/deep");
	shown("/m/b");
	SAY(umount2("b", 0));
	SAY(umount2("b/in/deep", 0));
	SAY(umount2("b", 0));
	SAY(mount("a/in/file2", "file", 0, MS_BIND, 0));
	CHECK(filled("file", 3) == 3);
	SAY(umount2("file", 0));
	SAY(mount("a/in/file2", "b", 0, MS_BIND, 0));
	SAY(mount("a", "file", 0, MS_BIND, 0));
	SAY(mount("a/in", "b", 0, MS_MOVE, 0));
	SAY(mount("a/in/deep", "b", 0, MS_MOVE, 0));
	names("b");
	names("a/in/deep");
	SAY(mount("a", "b/er", 0, MS_MOVE, 0));
	names("b/er");
	SAY(mount("b", "b/er", 0, MS_MOVE, 0));
	shown("/m/b");
	SAY(umount2("b/er", 0));
	SAY(umount2("b", 0));
}

static void busy(void)
{
	int fd;
	void *p;
	struct stat st;

	SAY(mount("used", "a", "tmpfs", 0, "mode=755"));
	CHECK((fd = open("a/file", O_RDWR | O_CREAT, 0644)) >= 0 && ftruncate(fd, 4096) == 0);
	SAY(umount2("a", 0));
	SAY(mount("x", "a", 0, MS_REMOUNT | MS_RDONLY, 0));
	CHECK((p = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0)) != MAP_FAILED);
	close(fd);
	SAY(umount2("a", 0));
	CHECK(munmap(p, 4096) == 0);
	SAY(chdir("a"));
	SAY(umount2("/m/a", 0));
	SAY(chdir("/m"));
	SAY(umount2("a", MNT_EXPIRE));
	SAY(chdir("a"));
	SAY(chdir("/m"));
	SAY(umount2("a", MNT_EXPIRE));
	SAY(umount2("a", MNT_EXPIRE));
	SAY(umount2("a", 0));
	SAY(mount("used", "a", "tmpfs", 0, "mode=755"));
	SAY(mkdir("a/in", 0755));
	SAY(mount("more", "a/in", "tmpfs", 0, "mode=755"));
	CHECK((fd = open("a/in/file", O_RDWR | O_CREAT, 0644)) >= 0);
	SAY(umount2("a", MNT_DETACH));
	names("a");
	SAY(write(fd, buffer, 100));
	SAY(pread(fd, buffer, 10, 0));
	CHECK(fstat(fd, &st) == 0);
	printf("detached: %ld bytes\n", (long)st.st_size);
	close(fd);
	shown("/m/");
}

static void read_only(void)
{
	int fd;

	SAY(mount("ro", "a", "tmpfs", 0, "mode=755"));
	SAY(mkdir("a/in", 0755));
	CHECK(filled("a/file", 10) == 10 && mkfifo("a/fifo", 0600) == 0);
	SAY(mount("a", "b", 0, MS_BIND, 0));
	SAY(mount("a", "b", 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0));
	printf("filled %ld\n", filled("b/file", 10));
	printf("filled %ld\n", filled("a/file", 10));
	SAY(umount2("b", 0));
	SAY(mount("ro", "a", 0, MS_REMOUNT | MS_RDONLY, 0));
	shown("/m/a");
	SAY(open("a/file", O_WRONLY));
	SAY(open("a/file", O_RDONLY | O_TRUNC));
	SAY(open("a/new", O_RDONLY | O_CREAT, 0600));
	SAY(open("a/file", O_RDONLY | O_CREAT, 0600));
	SAY(open("a/fifo", O_RDWR));
	SAY(open("a", O_RDWR | O_TMPFILE, 0600));
	SAY(access("a/file", W_OK));
	SAY(access("a/file", R_OK));
	SAY(access("a/fifo", W_OK));
	SAY(mkdir("a/in", 0755));
	SAY(mkdir("a/new", 0755));
	SAY(rmdir("a/in"));
	SAY(unlink("a/file"));
	SAY(rename("a/file", "a/new"));
	SAY(link("a/file", "a/new"));
	SAY(symlink("file", "a/new"));
	SAY(mkfifo("a/new", 0600));
	SAY(chmod("a/file", 0600));
	SAY(chown("a/file", 0, 0));
	SAY(truncate("a/file", 0));
	SAY(utimensat(AT_FDCWD, "a/file", 0, 0));
	fd = open("a/file", O_RDONLY);
	SAY(fchmod(fd, 0600));
	SAY(futimens(fd, 0));
	close(fd);
	SAY(mount("ro", "a", 0, MS_REMOUNT, 0));
	SAY(unlink("a/file"));
	for (int i = 3; i < 40; i++)
		close(i);
	SAY(umount2("a", 0));
	SAY(mount("no", "a", "tmpfs", MS_NODEV | MS_NOEXEC, "mode=755"));
	SAY(mknod("a/null", S_IFCHR | 0600, 1 << 8 | 3));
	SAY(open("a/null", O_RDONLY));
	CHECK(filled("a/run", 100) == 100 && chmod("a/run", 0755) == 0);
	SAY(access("a/run", X_OK));
	SAY(execl("/m/a/run", "run", (char *)0));
	SAY(umount2("a", 0));
}

static void wrong(void)
{
	CHECK(mount("t", "a", "tmpfs", 0, 0) == 0 && mkdir("a/in", 0755) == 0);
	TRY(mount, "x", "nowhere", "tmpfs", 0, 0);
	TRY(mount, "x", "b", "nosuchkind", 0, 0);
	TRY(mount, "x", "b", 0, 0, 0);
	TRY(mount, "x", "b", BAD, 0, 0);
	TRY(mount, BAD, "b", "tmpfs", 0, 0);
	TRY(mount, "x", BAD, "tmpfs", 0, 0);
	TRY(mount, "x", longest, "tmpfs", 0, 0);
	TRY(mount, "x", "file", "tmpfs", 0, 0);
	TRY(mount, "x", "file/in", "tmpfs", 0, 0);
	TRY(mount, "nowhere", "b", 0, MS_BIND, 0);
	TRY(mount, 0, "b", 0, MS_BIND, 0);
	TRY(mount, "", "b", 0, MS_BIND, 0);
	TRY(mount, "b", "b", 0, MS_MOVE, 0);
	TRY(mount, "x", "b", 0, MS_REMOUNT, 0);
	TRY(mount, "x", "b", 0, MS_PRIVATE, 0);
	TRY(mount, "x", "a", 0, MS_PRIVATE, 0);
	TRY(mount, "x", "a/in", 0, MS_REMOUNT | MS_BIND, 0);
	TRY(mount, "loop1", "b", 0, MS_BIND, 0);
	TRY(mount, "a", "a/in", 0, MS_MOVE, 0);
	TRY(umount2, "b", 0);
	TRY(umount2, "nowhere", 0);
	TRY(umount2, BAD, 0);
	TRY(umount2, longest, 0);
	TRY(umount2, "a/in", 0);
	TRY(umount2, "a", 64);
	TRY(umount2, "a", MNT_EXPIRE | MNT_DETACH);
	TRY(umount2, "link", UMOUNT_NOFOLLOW);
	TRY(umount2, "loop1", 0);
	TRY(umount2, "file/in", 0);
	TRY(umount2, "link", 0);
	TRY(umount2, "a", 0);
}

int main(void)
{
	if (unshare(CLONE_NEWNS) && errno == EPERM) {
		fprintf(stderr, "no namespace\n");
		return 0;
	}
	(void)mount("none", "/", 0, MS_REC | MS_PRIVATE, 0);
	memset(longest, 'x', sizeof longest - 1);
	umask(022);
	if (mkdir("/m", 0755) && errno != EEXIST)
		return 1;
	if (mount("m", "/m", "tmpfs", 0, "mode=755") || chdir("/m"))
		return 1;
	CHECK(mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0 && symlink("a", "link") == 0 && filled("file", 1) == 1);
	CHECK(symlink("loop2", "loop1") == 0 && symlink("loop1", "loop2") == 0);
	limits();
	binds();
	busy();
	read_only();
	wrong();
	names("/m");
	CHECK(chdir("/") == 0);
	while (umount2("/m", MNT_DETACH) == 0)
		;
	(void)rmdir("/m");
	return 0;
}
