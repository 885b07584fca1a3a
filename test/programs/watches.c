/* SPDX-License-Identifier: MIT */
/* inotify: what each call tells of a file, a folder and a name, in which order; and its wrong uses. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include "try.h"

static int in;

/* All that waits, one line each. Cookies are told by whether they are those of the line before. */
static void told(const char *what)
{
	static const char *const names[] = { "ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE", "OPEN",
		"MOVED_FROM", "MOVED_TO", "CREATE", "DELETE", "DELETE_SELF", "MOVE_SELF", "12", "UNMOUNT",
		"Q_OVERFLOW", "IGNORED" };
	char bytes[8192] __attribute__((aligned(8)));
	uint32_t cookie = 0;
	int waits = 0;
	long n;

	printf("%s:\n", what);
	CHECK(ioctl(in, FIONREAD, &waits) == 0 && waits < (int)sizeof bytes);
	CHECK(poll(&(struct pollfd){ in, POLLIN, 0 }, 1, 0) == (waits > 0));
	n = read(in, bytes, sizeof bytes);
	CHECK(n == (waits ? waits : -1) && (waits || errno == EAGAIN));
	for (long at = 0; at < n;) {
		struct inotify_event *e = (struct inotify_event *)(bytes + at);

		printf("  %d", e->wd);
		for (int i = 0; i < 16; i++)
			if (e->mask >> i & 1)
				printf(" %s", names[i]);
		printf("%s%s%s", e->mask & IN_ISDIR ? " ISDIR" : "", e->len ? " " : "", e->len ? e->name : "");
		if (e->cookie)
			printf(e->cookie == cookie ? " of the same" : " of a rename");
		printf("\n");
		cookie = e->cookie;
		at += (long)sizeof *e + e->len;
	}
}

static void folder(void)
{
	char text[16];
	struct timespec both[2] = { { 1, 2 }, { 3, 4 } }, first[2] = { { 1, 2 }, { 0, UTIME_OMIT } };
	struct timespec second[2] = { { 0, UTIME_OMIT }, { 5, 6 } };
	struct iovec v = { text, 2 };
	DIR *list;
	int f, g;

	CHECK(mkdir("d", 0700) == 0 && inotify_add_watch(in, "d", IN_ALL_EVENTS) == 1);
	CHECK((f = open("d/file", O_CREAT | O_RDWR, 0600)) >= 0);
	told("made");
	CHECK(write(f, "hello", 5) == 5 && write(f, "again", 5) == 5 && pwrite(f, "x", 1, 0) == 1);
	CHECK(writev(f, &v, 1) == 2);
	told("written four times");
	CHECK(pread(f, text, 5, 0) == 5 && read(f, text, 5) == 0);
	told("read, and at the end");
	CHECK(ftruncate(f, 3) == 0 && truncate("d/file", 3) == 0 && fallocate(f, 0, 0, 100) == 0);
	told("sizes");
	CHECK(fchmod(f, 0640) == 0 && chown("d/file", 0, 0) == 0 && futimens(f, both) == 0);
	told("attributes");
	CHECK(futimens(f, first) == 0);
	told("read time");
	CHECK(futimens(f, second) == 0);
	told("write time");
	CHECK(close(f) == 0);
	told("closed");
	CHECK((f = open("d/file", O_RDONLY)) >= 0 && (g = dup(f)) >= 0 && close(f) == 0);
	told("opened to read");
	CHECK(close(g) == 0);
	told("closed, both");
	CHECK((f = open("d/file", O_WRONLY | O_TRUNC)) >= 0 && close(f) == 0);
	told("opened and emptied");
	CHECK((f = open("d/file", O_PATH)) >= 0 && close(f) == 0);
	told("only its path");
	CHECK(stat("d/file", &(struct stat){ 0 }) == 0 && access("d/file", R_OK) == 0);
	told("looked at");
	CHECK(mkdir("d/sub", 0700) == 0 && symlink("x", "d/link") == 0 && link("d/file", "d/second") == 0);
	CHECK(mkfifo("d/fifo", 0600) == 0);
	told("other names");
	CHECK(rename("d/file", "d/third") == 0);
	told("renamed");
	CHECK(rename("d/third", "outside") == 0 && rename("outside", "d/back") == 0);
	told("out and in");
	CHECK((f = open("d/other", O_CREAT | O_WRONLY, 0600)) >= 0 && close(f) == 0 && rename("d/other", "d/link") == 0);
	told("replaced");
	CHECK(syscall(SYS_renameat2, AT_FDCWD, "d/sub", AT_FDCWD, "d/back", 2) == 0);
	told("exchanged");
	CHECK((list = opendir("d")) != 0);
	while (readdir(list))
		;
	closedir(list);
	told("listed");
	CHECK(unlink("d/second") == 0 && unlink("d/link") == 0 && unlink("d/fifo") == 0 && unlink("d/sub") == 0);
	told("unlinked");
	CHECK(chmod("d/back", 0700) == 0 && rmdir("d/back") == 0);
	told("folder in it");
	CHECK(chmod("d", 0755) == 0 && rename("d", "e") == 0);
	told("the folder itself");
	CHECK(rmdir("e") == 0);
	told("gone");
}

static void file(void)
{
	int f = open("f", O_CREAT | O_RDWR, 0600), g;

	CHECK(f >= 0 && inotify_add_watch(in, "f", IN_ALL_EVENTS) == 2 && write(f, "some", 4) == 4);
	told("of a file");
	CHECK(link("f", "g") == 0 && rename("g", "h") == 0);
	told("names of it");
	CHECK(unlink("h") == 0);
	told("one less");
	CHECK(unlink("f") == 0);
	told("none left, open");
	CHECK(write(f, "x", 1) == 1 && close(f) == 0);
	told("closed at last");
	CHECK((f = open("f", O_CREAT | O_RDWR, 0600)) >= 0 && (g = open("g", O_CREAT | O_RDWR, 0600)) >= 0);
	CHECK(inotify_add_watch(in, "f", IN_ALL_EVENTS) == 3 && inotify_add_watch(in, "g", IN_ALL_EVENTS) == 4);
	CHECK(inotify_add_watch(in, ".", IN_DELETE | IN_CREATE) == 5);
	CHECK(write(f, "some", 4) == 4 && lseek(f, 0, SEEK_SET) == 0 && sendfile(g, f, 0, 4) == 4);
	told("sent");
	CHECK(lseek(f, 0, SEEK_SET) == 0 && copy_file_range(f, 0, g, 0, 4, 0) == 4);
	told("copied");
	CHECK(close(f) == 0 && close(g) == 0);
	told("both closed");
	CHECK(rename("f", "g") == 0);
	told("one over the other");
	CHECK(unlink("g") == 0);
	told("unlinked");
	CHECK(inotify_rm_watch(in, 5) == 0);
	told("nobody looks");
}

static void masks(void)
{
	int f = open("m", O_CREAT | O_RDWR, 0600), wd;

	CHECK(f >= 0 && (wd = inotify_add_watch(in, "m", IN_MODIFY)) == 6);
	CHECK(write(f, "x", 1) == 1 && fchmod(f, 0600) == 0);
	told("only MODIFY");
	CHECK(inotify_add_watch(in, "m", IN_ATTRIB | IN_MASK_ADD) == wd && write(f, "x", 1) == 1 && fchmod(f, 0600) == 0);
	told("and ATTRIB");
	CHECK(inotify_add_watch(in, "m", IN_ATTRIB) == wd && write(f, "x", 1) == 1 && fchmod(f, 0600) == 0);
	told("only ATTRIB");
	CHECK(inotify_add_watch(in, "m", IN_ATTRIB | IN_ONESHOT) == wd && fchmod(f, 0600) == 0 && fchmod(f, 0600) == 0);
	told("once");
	CHECK((wd = inotify_add_watch(in, "m", IN_MODIFY)) == 7 && symlink("m", "l") == 0);
	CHECK(inotify_add_watch(in, "l", IN_ATTRIB) == wd);
	CHECK(inotify_add_watch(in, "l", IN_ATTRIB | IN_DONT_FOLLOW) == 8 && lchown("l", 0, 0) == 0);
	told("the link");
	fflush(stdout);
	TRY(inotify_add_watch, in, "m", IN_MODIFY | IN_MASK_CREATE);
	TRY(inotify_add_watch, in, "m", IN_MODIFY | IN_MASK_CREATE | IN_MASK_ADD);
	TRY(inotify_add_watch, in, "m", IN_MODIFY | IN_ONLYDIR);
	TRY(inotify_add_watch, in, "m", 0);
	TRY(inotify_add_watch, in, "m", 1 << 20);
	TRY(inotify_add_watch, in, "nothing", IN_MODIFY);
	TRY(inotify_add_watch, in, "m/x", IN_MODIFY);
	TRY(inotify_add_watch, in, BAD, IN_MODIFY);
	TRY(inotify_add_watch, in, longest, IN_MODIFY);
	TRY(inotify_add_watch, f, "m", IN_MODIFY);
	TRY(inotify_add_watch, NOFD, "m", IN_MODIFY);
	TRY(inotify_rm_watch, in, 99);
	TRY(inotify_rm_watch, f, 1);
	TRY(inotify_rm_watch, NOFD, 1);
	TRY(inotify_init1, 1);
	TRY(inotify_init);
	TRY(read, in, buffer, 100);
	CHECK(unlink("l") == 0);
	TRY(read, in, buffer, 15);
	TRY(read, in, BAD, 100);
	TRY(write, in, "x", 1);
	TRY(pread64, in, buffer, 100, 0);
	told("after all");
	CHECK(unlink("m") == 0 && close(f) == 0);
	told("the end");
}

static void nothing(int sig) { (void)sig; }

static void waits(void)
{
	struct sigaction a = { .sa_handler = nothing };
	struct inotify_event e;
	int pid, f = inotify_init();

	CHECK(f >= 0 && inotify_add_watch(f, ".", IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB) == 1);
	pid = fork();
	if (!pid)
		usleep(50000), chmod(".", 0755), _exit(0);
	CHECK(read(f, &e, sizeof e) == (long)sizeof e && e.mask == (IN_ATTRIB | IN_ISDIR) && wait_status(pid) == 0);
	CHECK(sigaction(SIGALRM, &a, 0) == 0);
	alarm(1);
	CHECK(read(f, &e, sizeof e) == -1);
	printf("waited: error %d\n", errno);
	close(f);
}

/* A queue has an end, and says so. */
static void overflow(void)
{
	char name[32], bytes[4096] __attribute__((aligned(8)));
	long n, got = 0, last = 0;
	int f = inotify_init1(IN_NONBLOCK), most = 0;
	FILE *limit = fopen("/proc/sys/fs/inotify/max_queued_events", "r");

	CHECK(f >= 0 && limit && fscanf(limit, "%d", &most) == 1 && inotify_add_watch(f, ".", IN_CREATE | IN_DELETE) == 1);
	fclose(limit);
	for (int i = 0; i < most / 2 + 2; i++) {
		snprintf(name, sizeof name, "n%d", i);
		CHECK(symlink("x", name) == 0 && unlink(name) == 0);
	}
	while ((n = read(f, bytes, sizeof bytes)) > 0)
		for (long at = 0; at < n; got++) {
			struct inotify_event *e = (struct inotify_event *)(bytes + at);

			last = e->mask == IN_Q_OVERFLOW && e->wd == -1;
			at += (long)sizeof *e + e->len;
		}
	CHECK(got == most + 1 && last);
	close(f);
}

static void many(void)
{
	int f, n = 0, most = 0;
	FILE *limit = fopen("/proc/sys/fs/inotify/max_user_instances", "r");

	CHECK(limit && fscanf(limit, "%d", &most) == 1);
	fclose(limit);
	while ((f = inotify_init()) >= 0 && n < most)
		n++;
	CHECK(f < 0 && errno == EMFILE);
	TRY(inotify_init);
	TRY(inotify_init1, 0);
	n += 5;
	while (n > 3)
		close(n--);
}

/* Of a file whose last name is gone its folder is told as before, unless the watch says that it does not want it. */
static void left(const char *what, uint32_t mask)
{
	char text[8], line[200], part[40];
	int f, wd;
	FILE *info;

	CHECK(mkdir("left", 0700) == 0 && (f = open("left/file", O_CREAT | O_RDWR, 0600)) >= 0);
	CHECK((wd = inotify_add_watch(in, "left", mask)) > 0);
	CHECK(unlink("left/file") == 0 && write(f, "hello", 5) == 5 && pread(f, text, 5, 0) == 5);
	CHECK(fchmod(f, 0644) == 0 && ftruncate(f, 1) == 0 && close(f) == 0);
	told(what);
	snprintf(line, sizeof line, "/proc/self/fdinfo/%d", in);
	snprintf(part, sizeof part, "inotify wd:%x ino:", wd);
	CHECK((info = fopen(line, "r")) != NULL);
	while (fgets(line, sizeof line, info))
		if (!strncmp(line, part, strlen(part)))
			printf("its mask is told as %.*s\n", (int)strcspn(strstr(line, "mask:"), " "), strstr(line, "mask:"));
	fclose(info);
	CHECK(rmdir("left") == 0);
	told("and its folder goes");
}

int main(void)
{
	memset(longest, 'l', sizeof longest - 1);
	umask(022);
	CHECK((in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) >= 0 && fcntl(in, F_GETFD) == FD_CLOEXEC);
	folder();
	file();
	masks();
	left("without a name", IN_ALL_EVENTS);
	left("and nobody wants to know", IN_ALL_EVENTS | IN_EXCL_UNLINK);
	CHECK(close(in) == 0);
	waits();
	overflow();
	many();
	return 0;
}
