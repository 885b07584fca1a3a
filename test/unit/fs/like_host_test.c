/* SPDX-License-Identifier: MIT */
/* The same random calls made here and to the Linux that the tests run on: results, contents and the terminal's echo must be the same. */
#include <linux/stat.h>
#include <asm/termbits.h>
#include <asm/ioctls.h>
#include "calls.h"
#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

int ioctl(int, unsigned long, ...);
char *mkdtemp(char *);
int open(const char *, int, ...);
int usleep(unsigned);

static char log_text[200];

/* For whoever looks into a failure: what stands under each name, here and there. */
static void state_show(void);

#define BOTH(name, ...) both(SYS(name, ##__VA_ARGS__), syscall(SYS_##name, ##__VA_ARGS__))

static long both(long here, long host)
{
	if (host < 0)
		host = -errno;
	if (here != host && getenv("FS_STATE"))
		state_show();
	if (here != host)
		test_fail("%s: here %ld, host %ld", log_text, here, host);
	return here;
}

static const char *const names[] = {
	"a", "b", "c", "d", "a/x", "a/y", "b/x", "b/y", "a/x/p", "b/x/p", "a/", "b/", "c/", "a/x/", "a/.", "a/..", ".", "..", "./b/../c", "a/x/../y",
	"s", "t", "a/s", "s/x", "t/", "s/y/..", "a/s/x",
};
static const char *const targets[] = { "a", "b/", "c", "s", "../b", "x", "a/x", "./t", "none", "../a/y" };
#define PICK(list) list[random_below(sizeof(list) / sizeof(list[0]))]

static void state_show(void)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct stat st;
		char text[2][60] = { "", "" };

		if (SYS(lstat, names[i], &st) < 0)
			st.st_mode = 0;
		SYS(readlink, names[i], text[0], 59);
		fprintf(stderr, "%s: %o %s", names[i], st.st_mode, text[0]);
		if (syscall(SYS_lstat, names[i], &st) < 0)
			st.st_mode = 0;
		syscall(SYS_readlink, names[i], text[1], 59);
		fprintf(stderr, " | %o %s\n", st.st_mode, text[1]);
	}
}

static void same_stat(const char *path, int follow)
{
	struct stat here, host;
	long result = both(follow ? SYS(stat, path, &here) : SYS(lstat, path, &here), syscall(follow ? SYS_stat : SYS_lstat, path, &host));

	if (result < 0)
		return;
	if (here.st_mode != host.st_mode || here.st_nlink != host.st_nlink || (!S_ISDIR(host.st_mode) && here.st_size != host.st_size) || (S_ISREG(host.st_mode) && here.st_blocks != host.st_blocks))
		test_fail("%s: mode %o %o nlink %lu %lu size %ld %ld blocks %ld %ld", log_text, here.st_mode, host.st_mode, (long)here.st_nlink, (long)host.st_nlink,
			here.st_size, host.st_size, here.st_blocks, host.st_blocks);
}

#define FILES 6
static int here_fd[FILES], host_fd[FILES];

static void file_op(void)
{
	static char out[30000], a[30000], b[30000];
	static const int flags[] = {
		O_RDONLY, O_WRONLY, O_RDWR, O_CREAT | O_RDWR, O_CREAT | O_EXCL | O_WRONLY, O_RDWR | O_TRUNC, O_CREAT | O_TRUNC | O_RDWR, O_CREAT | O_APPEND | O_RDWR,
		O_RDONLY | O_DIRECTORY, O_RDONLY | O_NOFOLLOW, O_CREAT | O_NOFOLLOW | O_RDWR, O_PATH, O_PATH | O_NOFOLLOW, O_CREAT | O_DIRECTORY | O_PATH,
	};
	int i = (int)random_below(FILES), how;
	const char *path = PICK(names);
	uint64_t at = random_below(40000), n = random_below(20000);
	long got;

	switch (random_below(9)) {
	case 0:
	case 1:
		if (here_fd[i] >= 0) {
			SYS(close, here_fd[i]);
			close(host_fd[i]);
		}
		how = PICK(flags);
		sprintf(log_text, "open %s %o", path, how);
		here_fd[i] = (int)SYS(open, path, how, 0644);
		host_fd[i] = (int)syscall(SYS_open, path, how, 0644);
		if (here_fd[i] < 0 || host_fd[i] < 0)
			both(here_fd[i], host_fd[i]);
		return;
	case 2:
		sprintf(log_text, "write %d", i);
		memset(out, 'a' + (int)random_below(26), n);
		both(SYS(write, here_fd[i], out, n), write(host_fd[i], out, n));
		return;
	case 3:
		sprintf(log_text, "pwrite64 %d %lu at %lu", i, n, at);
		memset(out, 'a' + (int)random_below(26), n);
		both(SYS(pwrite64, here_fd[i], out, n, at), syscall(SYS_pwrite64, host_fd[i], out, n, at));
		return;
	case 4:
		sprintf(log_text, "read %d %lu", i, n);
		got = both(SYS(read, here_fd[i], a, n), syscall(SYS_read, host_fd[i], b, n));
		break;
	case 5:
		sprintf(log_text, "pread64 %d %lu at %lu", i, n, at);
		got = both(SYS(pread64, here_fd[i], a, n, at), syscall(SYS_pread64, host_fd[i], b, n, at));
		break;
	case 6:
		sprintf(log_text, "ftruncate %d %lu", i, at);
		both(SYS(ftruncate, here_fd[i], at), syscall(SYS_ftruncate, host_fd[i], at));
		return;
	case 7:
		how = (int)random_below(3);
		sprintf(log_text, "lseek %d %lu %d", i, at, how);
		/* A directory's offsets are the file system's own. */
		struct stat st;
		if (host_fd[i] >= 0 && !syscall(SYS_fstat, host_fd[i], &st) && S_ISREG(st.st_mode))
			both(SYS(lseek, here_fd[i], at, how), syscall(SYS_lseek, host_fd[i], at, how));
		return;
	default:
		how = (int)random_below(4);
		sprintf(log_text, "fallocate %d mode %d %lu %lu", i, how, at, n);
		if (how != 2 && how != 3)
			both(SYS(fallocate, here_fd[i], how, at, n), syscall(SYS_fallocate, host_fd[i], how, at, n));
		return;
	}
	if (got > 0 && memcmp(a, b, (size_t)got))
		test_fail("%s: bytes differ", log_text);
}

static void path_op(void)
{
	const char *a = PICK(names), *b = PICK(names), *target = PICK(targets);
	char x[200], y[200];
	unsigned n;
	long got;

	switch (random_below(14)) {
	case 0:
		sprintf(log_text, "mkdir %s", a);
		BOTH(mkdir, a, 0755);
		break;
	case 1:
		sprintf(log_text, "rmdir %s", a);
		BOTH(rmdir, a);
		break;
	case 2:
		sprintf(log_text, "unlink %s", a);
		BOTH(unlink, a);
		break;
	case 3:
	case 4:
		sprintf(log_text, "rename %s %s", a, b);
		BOTH(rename, a, b);
		break;
	case 5:
		n = (unsigned)random_below(2);
		sprintf(log_text, "renameat2 %s %s %u", a, b, n);
		BOTH(renameat2, AT_FDCWD, a, AT_FDCWD, b, n);
		break;
	case 6:
		n = random_below(2) ? AT_SYMLINK_FOLLOW : 0;
		sprintf(log_text, "linkat %s %s %u", a, b, n);
		BOTH(linkat, AT_FDCWD, a, AT_FDCWD, b, n);
		break;
	case 7:
		sprintf(log_text, "symlink %s %s", target, a);
		BOTH(symlink, target, a);
		break;
	case 8:
		sprintf(log_text, "readlink %s", a);
		n = 1 + (unsigned)random_below(9);
		got = both(SYS(readlink, a, x, n), syscall(SYS_readlink, a, y, n));
		if (got > 0 && memcmp(x, y, (size_t)got))
			test_fail("%s: texts differ", log_text);
		break;
	case 9:
		n = random_below(2) ? S_IFIFO : S_IFREG;
		sprintf(log_text, "mknod %s %o", a, n);
		if (n == S_IFREG) /* an open of a fifo would sleep */
			BOTH(mknod, a, n | 0600, 0);
		break;
	case 10:
		sprintf(log_text, "truncate %s", a);
		n = (unsigned)random_below(20000);
		BOTH(truncate, a, n);
		break;
	case 11:
		sprintf(log_text, "access %s", a);
		n = (unsigned)random_below(9);
		BOTH(access, a, n);
		break;
	case 12:
		sprintf(log_text, "chmod %s", a);
		n = 0600 | (unsigned)random_below(0200);
		BOTH(chmod, a, n);
		break;
	default:
		sprintf(log_text, "stat %s", a);
		same_stat(a, (int)random_below(2));
	}
}

TEST(fs_like_host)
{
	char root[] = "/dev/shm/aril-XXXXXX", command[60];

	shim_start();
	for (uint64_t seed = 1; seed <= 40; seed++) {
		memcpy(root + sizeof root - 7, "XXXXXX", 6);
		if (!mkdtemp(root) || chdir(root)) {
			/* No tmpfs to compare with. */
			return;
		}
		syscall(SYS_chmod, ".", 0755);
		syscall(SYS_mkdir, "top", 0755);
		CHECK_EQ(chdir("top"), 0);
		sprintf(command, "/tmp/run%lu", seed);
		CHECK_EQ(SYS(mkdir, command, 0755), 0);
		CHECK_EQ(SYS(chdir, command), 0);
		CHECK_EQ(SYS(mkdir, "top", 0755), 0);
		CHECK_EQ(SYS(chdir, "top"), 0);
		memset(here_fd, -1, sizeof here_fd);
		memset(host_fd, -1, sizeof host_fd);
		random_seed(seed);
		for (int i = 0; i < 4000; i++) {
			if (random_below(3))
				path_op();
			else
				file_op();
		}
		for (int i = 0; i < FILES; i++)
			if (here_fd[i] >= 0) {
				SYS(close, here_fd[i]);
				close(host_fd[i]);
			}
		sprintf(command, "rm -rf %s", root);
		CHECK_EQ(chdir("/"), 0);
		CHECK_EQ(system(command), 0);
	}
}

/* ---- terminal */
static int master, slave;

/* What the host's terminal shows: as many bytes as are expected, and whatever else is there. */
static size_t host_screen(char *to, size_t max, size_t expected)
{
	size_t n = 0;

	while (n < max) {
		struct pollfd p = { master, POLLIN, 0 };
		long got;

		if (poll(&p, 1, n < expected ? 1000 : 0) <= 0)
			break;
		got = read(master, to + n, max - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n;
}

static void hex(char *to, const char *from, size_t n)
{
	for (size_t i = 0; i < n && i < 40; i++)
		to += sprintf(to, "%02x ", (unsigned char)from[i]);
	*to = 0;
}

static void same_bytes(const char *what, const char *here, size_t here_n, const char *host, size_t host_n)
{
	char a[130], b[130];

	if (here_n == host_n && !memcmp(here, host, here_n))
		return;
	hex(a, here, here_n);
	hex(b, host, host_n);
	test_fail("%s after %s: here %s, host %s", what, log_text, a, b);
}

static void same_screen(const char *what)
{
	static char here[4000], host[4000];
	size_t n = tty_take_output(here, sizeof here);

	same_bytes(what, here, n, host, host_screen(host, sizeof host, n));
}

static void same_read(size_t max)
{
	static char here[5000], host[5000];
	int waiting, host_waiting = -1;
	long n, got;

	/* The host's side may still be at work on the last keys. */
	CHECK_EQ(SYS(ioctl, 0, FIONREAD, &waiting), 0);
	for (int i = 0; i < 1000 && (ioctl(slave, FIONREAD, &host_waiting) || host_waiting != waiting); i++)
		usleep(1000);
	n = SYS(read, 0, here, max);
	if (n == 0)
		poll(&(struct pollfd){ slave, POLLIN, 0 }, 1, 1000);
	got = read(slave, host, max);
	if (got < 0)
		got = -errno;
	if (n != got)
		test_fail("read %zu after %s: here %ld, host %ld", max, log_text, n, got);
	if (n > 0)
		same_bytes("read", here, (size_t)n, host, (size_t)n);
}

static void same_mode(int canonical)
{
	static const unsigned in[] = { ICRNL, INLCR, IGNCR, ISTRIP, IUTF8, IUCLC }, out[] = { OPOST, ONLCR, OCRNL, ONOCR, ONLRET, XTABS, OLCUC };
	static const unsigned local[] = { ECHO, ECHOE, ECHOK, ECHOKE, ECHOCTL, ECHONL, IEXTEN, ISIG, NOFLSH };
	static const unsigned usual[] = { ICRNL | IUTF8, OPOST | ONLCR, ECHO | ECHOE | ECHOK | ECHOKE | ECHOCTL | IEXTEN | ISIG };
	struct termios mode;

	CHECK_EQ(SYS(ioctl, 0, TCGETS, &mode), 0);
	mode.c_iflag = usual[0];
	mode.c_oflag = usual[1];
	mode.c_lflag = usual[2] | (canonical ? ICANON : 0);
	mode.c_cc[VEOL] = ';';
	mode.c_cc[VEOL2] = '@';
	for (uint64_t i = random_below(4); i; i--) {
		mode.c_iflag ^= PICK(in);
		mode.c_oflag ^= PICK(out);
		mode.c_lflag ^= PICK(local);
	}
	/* The host works at its own time: without an echo nothing tells when a signal's flush is over. */
	if (!(mode.c_lflag & ECHO))
		mode.c_lflag &= ~(unsigned)ISIG;
	CHECK_EQ(SYS(ioctl, 0, TCSETS, &mode), 0);
	CHECK_EQ(ioctl(slave, TCSETS, &mode), 0);
	sprintf(log_text, "i %o o %o l %o:", mode.c_iflag, mode.c_oflag, mode.c_lflag);
}

static void terminal_round(uint64_t seed)
{
	static const char keys[] = "abcXY_ ..\t\t\177\177\177\027\027\025\022\026\001\033\r\n\r\n\004\004\003\034\032;@\303\244\342\202\254\377";
	int number = 0, unlock = 0;
	char name[40];

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0)
		return;
	ioctl(master, TIOCSPTLCK, &unlock);
	ioctl(master, TIOCGPTN, &number);
	sprintf(name, "/dev/pts/%d", number);
	slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	CHECK(slave >= 0);
	random_seed(seed);
	same_mode(seed % 5 != 0);
	for (int i = 0; i < 60; i++) {
		char key = keys[random_below(sizeof keys - 1)];

		if (strlen(log_text) < sizeof log_text - 5)
			sprintf(log_text + strlen(log_text), " %02x", (unsigned char)key);
		tty_input(&key, 1);
		CHECK_EQ(write(master, &key, 1), 1);
		same_screen("echo");
		if (random_below(8) == 0 || key == '\n')
			same_read(1 + random_below(20));
		if (random_below(10) == 0) {
			char text[4] = { "ab\t\r\n\b\001"[random_below(7)], 'z', "\n\t q"[random_below(4)], 0 };

			both(SYS(write, 1, text, 3), write(slave, text, 3));
			same_screen("output");
		}
	}
	/* What is left is read too, then both start afresh. */
	tty_input("\n", 1);
	CHECK_EQ(write(master, "\n", 1), 1);
	same_screen("echo");
	SYS(ioctl, 0, TCFLSH, 2);
	close(slave);
	close(master);
}

TEST(tty_like_host)
{
	for (uint64_t seed = 1; seed <= 150; seed++) {
		shim_start();
		CHECK_EQ(files_open_tty(current_files()), 0);
		CHECK_EQ(SYS(fcntl, 0, F_SETFL, O_NONBLOCK), 0);
		terminal_round(seed);
	}
}
