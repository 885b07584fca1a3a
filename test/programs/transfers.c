/* SPDX-License-Identifier: MIT */
/* Bytes that move without the program, or by rules of their own: splice and its kin, sizes and packets of pipes, writes that meet a bad page, several messages by
 * one call; and files that tell by signal, are sealed, or change places. */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include "try.h"

#ifndef TIOCPKT
#define TIOCPKT 0x5420
#endif

static int full[2];

static void say(const char *what, const char *bytes, long n)
{
	if (n < 0)
		printf("%s: error %d\n", what, errno);
	else
		printf("%s: %ld %.*s\n", what, n, (int)(n < 40 ? n : 40), bytes);
}

static void spliced(void)
{
	char text[64] = { 0 };
	int p[2], q[2], s[2], f = open("spliced", O_CREAT | O_RDWR | O_TRUNC, 0600), append = open("appended", O_CREAT | O_WRONLY | O_APPEND, 0600), null = open("/dev/null", O_WRONLY);
	struct iovec v[2] = { { "vector ", 7 }, { "of two", 6 } };
	loff_t at = 2, bad = -1;

	CHECK(pipe(p) == 0 && pipe(q) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && f >= 0 && append >= 0 && null >= 0);
	CHECK(write(p[1], "hello world", 11) == 11);
	printf("pipe to file: %ld\n", (long)splice(p[0], 0, f, 0, 5, 0));
	printf("to a place: %ld, then at %ld\n", (long)splice(p[0], 0, f, &at, 3, SPLICE_F_MOVE), (long)at);
	say("the file", text, pread(f, text, 64, 0));
	printf("position %ld\n", (long)lseek(f, 0, SEEK_CUR));
	printf("to nowhere: %ld\n", (long)splice(p[0], 0, null, 0, 100, 0));
	printf("tee: %ld\n", (long)(write(p[1], "twice", 5), tee(p[0], q[1], 100, 0)));
	say("copy", text, read(q[0], text, 64));
	printf("between pipes: %ld\n", (long)splice(p[0], 0, q[1], 0, 3, 0));
	say("moved", text, read(q[0], text, 64));
	say("left", text, read(p[0], text, 64));
	at = 1;
	printf("file to pipe: %ld", (long)splice(f, &at, p[1], 0, 100, 0));
	printf(", then at %ld\n", (long)at);
	say("of it", text, read(p[0], text, 64));
	printf("at the end: %ld\n", (long)splice(f, &at, p[1], 0, 100, 0));
	CHECK(write(s[0], "socket", 6) == 6);
	printf("socket to pipe: %ld\n", (long)splice(s[1], 0, p[1], 0, 100, 0));
	printf("and back: %ld\n", (long)splice(p[0], 0, s[1], 0, 100, 0));
	say("round", text, read(s[0], text, 64));
	printf("vmsplice: %ld\n", (long)vmsplice(p[1], v, 2, 0));
	v[0] = (struct iovec){ text, 20 };
	say("and out", text, vmsplice(p[0], v, 1, 0));
	fflush(stdout);
	TRY(splice, p[0], 0, q[1], 0, 9, SPLICE_F_NONBLOCK);
	TRY(splice, p[0], 0, f, 0, 0, 0);
	TRY(splice, p[0], &at, f, 0, 9, 0);
	TRY(splice, p[0], 0, p[1], 0, 9, 0);
	TRY(splice, f, 0, null, 0, 9, 0);
	TRY(splice, p[1], 0, f, 0, 9, 0);
	TRY(splice, NOFD, 0, f, 0, 9, 0);
	TRY(splice, p[0], 0, f, 0, 9, 0x100);
	TRY(splice, f, &bad, p[1], 0, 9, 0);
	TRY(splice, f, BAD, p[1], 0, 9, 0);
	CHECK(write(p[1], "x", 1) == 1);
	TRY(splice, p[0], 0, append, 0, 9, 0);
	TRY(tee, p[0], f, 9, 0);
	TRY(tee, NOFD, q[1], 9, 0);
	TRY(tee, p[0], p[1], 9, 0);
	TRY(tee, q[0], p[1], 9, SPLICE_F_NONBLOCK);
	TRY(tee, q[0], p[1], 9, 0x100);
	TRY(vmsplice, f, v, 1, 0);
	TRY(vmsplice, NOFD, v, 1, 0);
	TRY(vmsplice, p[1], v, 2000, 0);
	TRY(vmsplice, q[0], v, 1, SPLICE_F_NONBLOCK);
	TRY(vmsplice, p[1], v, 1, 0x100);
	close(p[1]);
	CHECK(read(p[0], text, 1) == 1);
	printf("from a pipe without writers: %ld\n", (long)splice(p[0], 0, f, 0, 9, 0));
	for (int i = 0; i < 2; i++)
		close(q[i]), close(s[i]);
	close(p[0]);
	close(f);
	close(append);
	close(null);
	CHECK(unlink("spliced") == 0 && unlink("appended") == 0);
}

static void sizes(void)
{
	char text[64];
	int p[2], n = 0;

	CHECK(pipe(p) == 0);
	printf("size %d", fcntl(p[0], F_GETPIPE_SZ));
	printf(", then %d", fcntl(p[1], F_SETPIPE_SZ, 5000));
	printf(", %d", fcntl(p[1], F_SETPIPE_SZ, 1));
	printf(", of nothing: %d\n", fcntl(p[1], F_SETPIPE_SZ, 0));
	CHECK(fcntl(p[1], F_SETFL, O_NONBLOCK) == 0);
	while (write(p[1], buffer, 1024) == 1024)
		n += 1024;
	printf("full at %d\n", n);
	CHECK(fcntl(p[1], F_SETPIPE_SZ, 16384) == 16384);
	while (write(p[1], "letters..", 8) == 8 && n < 9000)
		n += 8;
	printf("smaller than what is in it: %d\n", fcntl(p[1], F_SETPIPE_SZ, 4096) < 0 ? errno : 0);
	for (int i = 0; i < 4096; i += 1024)
		CHECK(read(p[0], buffer + 1024, 1024) == 1024 && !memcmp(buffer, buffer + 1024, 1024));
	CHECK(fcntl(p[1], F_SETPIPE_SZ, 65536) == 65536 && read(p[0], text, 16) == 16);
	printf("kept: %.16s\n", text);
	memset(buffer, 0, sizeof buffer);
	n = open(".", O_RDONLY);
	printf("not a pipe: %d\n", fcntl(n, F_SETPIPE_SZ, 4096) < 0 ? errno : 0);
	close(n);
	close(p[0]);
	close(p[1]);
}

static void packets(void)
{
	char text[64];
	int p[2], n = 0;

	CHECK(pipe2(p, O_DIRECT | O_NONBLOCK) == 0);
	CHECK(write(p[1], "first", 5) == 5 && write(p[1], "second", 6) == 6 && write(p[1], "third", 5) == 5);
	say("packet", text, read(p[0], text, 64));
	say("cut", text, read(p[0], text, 3));
	CHECK(ioctl(p[0], FIONREAD, &n) == 0);
	printf("%d bytes wait\n", n);
	say("next", text, read(p[0], text, 64));
	CHECK(fcntl(p[1], F_SETFL, O_NONBLOCK) == 0 && write(p[1], "ab", 2) == 2 && write(p[1], "cd", 2) == 2);
	say("not packets any more", text, read(p[0], text, 64));
	CHECK(fcntl(p[1], F_SETFL, O_NONBLOCK | O_DIRECT) == 0);
	for (n = 0; write(p[1], "x", 1) == 1; n++)
		;
	printf("%d packets, poll %d\n", n, poll(&(struct pollfd){ p[1], POLLOUT, 0 }, 1, 0));
	CHECK(read(p[0], text, 64) == 1);
	printf("what one packet holds: %ld\n", (long)write(p[1], buffer, 5000));
	close(p[0]);
	close(p[1]);
}

/* What was moved before a page that is not there is what the call returns. */
static void partial(void)
{
	char *two = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), text[16] = "good";
	struct iovec v[3] = { { text, 4 }, { two + 4096, 4 }, { text, 4 } };
	int f = open("partial", O_CREAT | O_RDWR | O_TRUNC, 0600), p[2];
	struct stat st;

	CHECK(two != MAP_FAILED && f >= 0 && pipe(p) == 0);
	memset(two, 'w', 4096);
	CHECK(munmap(two + 4096, 4096) == 0);
	TRY(writev, f, v, 3);
	TRY(write, f, two + 4090, 100);
	TRY(write, f, two + 4096, 100);
	CHECK(fstat(f, &st) == 0);
	printf("size %ld, position %ld\n", (long)st.st_size, (long)lseek(f, 0, SEEK_CUR));
	TRY(writev, p[1], v, 3);
	CHECK(ftruncate(f, 8192) == 0 && lseek(f, 0, SEEK_SET) == 0);
	printf("read: %ld\n", (long)read(f, two + 4000, 200));
	v[0].iov_len = 6;
	printf("readv: %ld\n", (long)preadv(f, v, 2, 0));
	close(f);
	close(p[0]);
	close(p[1]);
	CHECK(unlink("partial") == 0 && munmap(two, 4096) == 0);
}

static void several(void)
{
	char in[4][8] = { { 0 } };
	struct iovec v[4] = { { "a", 1 }, { "bc", 2 }, { "def", 3 }, { (void *)BAD, 1 } }, w[4];
	struct mmsghdr m[4] = { 0 }, r[4] = { 0 };
	struct timespec no_time = { 0, 0 };
	int s[2], f = open(".", O_RDONLY);

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0 && f >= 0);
	for (int i = 0; i < 4; i++) {
		w[i] = (struct iovec){ in[i], 8 };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = v + i, .msg_iovlen = 1 };
		r[i].msg_hdr = (struct msghdr){ .msg_iov = w + i, .msg_iovlen = 1 };
	}
	TRY(sendmmsg, s[0], m, 3, 0);
	printf("sizes %u %u %u\n", m[0].msg_len, m[1].msg_len, m[2].msg_len);
	TRY(recvmmsg, s[1], r, 2, 0, 0);
	printf("%s %s, %u %u\n", in[0], in[1], r[0].msg_len, r[1].msg_len);
	TRY(recvmmsg, s[1], r, 4, MSG_WAITFORONE, 0);
	printf("%s\n", in[0]);
	TRY(sendmmsg, s[0], m + 2, 2, 0);
	TRY(sendmmsg, s[0], m + 3, 1, 0);
	TRY(recvmmsg, s[1], r, 4, MSG_DONTWAIT, 0);
	TRY(recvmmsg, s[1], r, 1, MSG_DONTWAIT, 0);
	CHECK(send(s[0], "t", 1, 0) == 1 && send(s[0], "u", 1, 0) == 1);
	TRY(recvmmsg, s[1], r, 4, 0, &no_time);
	TRY(recvmmsg, s[1], r, 4, MSG_DONTWAIT, &(struct timespec){ -1, 0 });
	TRY(recvmmsg, s[1], r, 4, MSG_DONTWAIT, BAD);
	TRY(sendmmsg, NOFD, m, 1, 0);
	TRY(sendmmsg, f, m, 1, 0);
	TRY(recvmmsg, NOFD, m, 1, 0, 0);
	TRY(recvmmsg, f, m, 1, 0, 0);
	close(s[0]);
	close(s[1]);
	close(f);
}

static volatile int came, came_code, came_fd, came_band;
static void on_io(int sig, siginfo_t *info, void *context)
{
	(void)context;
	came = sig;
	came_code = info->si_code;
	came_fd = info->si_fd;
	came_band = (int)info->si_band;
}

static void told(void)
{
	struct sigaction a = { .sa_sigaction = on_io, .sa_flags = SA_SIGINFO };
	int s[2], p[2], on = 1, f = open("file", O_CREAT | O_RDWR, 0600), owner = 0;
	char c;

	CHECK(sigaction(SIGIO, &a, 0) == 0 && sigaction(SIGRTMIN + 2, &a, 0) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && pipe(p) == 0 && f >= 0);
	printf("owner at first: %d\n", fcntl(s[0], F_GETOWN));
	CHECK(ioctl(s[0], FIOASYNC, &on) == 0 && write(s[1], "x", 1) == 1);
	printf("without an owner: %d\n", came);
	CHECK(fcntl(s[0], F_SETOWN, getpid()) == 0 && fcntl(s[0], F_GETOWN) == getpid() && ioctl(s[0], FIOGETOWN, &owner) == 0 && owner == getpid());
	CHECK(fcntl(s[0], F_GETFL) & O_ASYNC && write(s[1], "x", 1) == 1);
	printf("SIGIO: %d\n", came == SIGIO);
	came = on = 0;
	CHECK(ioctl(s[0], FIOASYNC, &on) == 0 && write(s[1], "x", 1) == 1);
	printf("off: %d\n", came);
	CHECK(fcntl(p[0], F_SETOWN, -getpgrp()) == 0 && fcntl(p[0], F_GETOWN) == -getpgrp() && fcntl(p[0], F_SETOWN, getpid()) == 0);
	CHECK(fcntl(p[0], F_SETSIG, SIGRTMIN + 2) == 0 && fcntl(p[0], F_GETSIG) == SIGRTMIN + 2 && fcntl(p[0], F_SETFL, O_ASYNC) == 0);
	CHECK(write(p[1], "y", 1) == 1);
	printf("its own signal: %d, code %d, descriptor %d, band %x\n", came == SIGRTMIN + 2, came_code, came_fd == p[0], came_band);
	came = 0;
	CHECK(read(p[0], &c, 1) == 1);
	printf("by its own reading: %d\n", came);
	TRY(ioctl, f, FIOASYNC, &(int){ 1 });
	printf("a file's flag is not kept: %d, %d\n", fcntl(f, F_SETFL, O_ASYNC), !!(fcntl(f, F_GETFL) & O_ASYNC));
	TRY(fcntl, p[0], F_SETOWN, 0x7ffffff);
	TRY(fcntl, p[0], F_SETSIG, 65);
	close(p[0]), close(p[1]), close(s[0]), close(s[1]), close(f);
	CHECK(unlink("file") == 0);
}

static void sealed(void)
{
	int f = memfd_create("sealed", MFD_ALLOW_SEALING), plain = memfd_create("plain", 0);
	char *map, path[64];

	CHECK(f >= 0 && plain >= 0 && write(f, "0123456789", 10) == 10);
	printf("seals: %x, of one that did not ask: %x\n", fcntl(f, F_GET_SEALS), fcntl(plain, F_GET_SEALS));
	TRY(fcntl, plain, F_ADD_SEALS, F_SEAL_GROW);
	TRY(fcntl, f, F_ADD_SEALS, 0x1000);
	CHECK(fcntl(f, F_ADD_SEALS, F_SEAL_GROW) == 0);
	TRY(ftruncate, f, 20);
	TRY(pwrite64, f, buffer, 4, 8);
	TRY(pwrite64, f, buffer, 1, 8);
	TRY(fallocate, f, 0, 0, 20);
	CHECK(fcntl(f, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	TRY(ftruncate, f, 5);
	sprintf(path, "/proc/self/fd/%d", f);
	TRY(open, path, O_RDWR | O_TRUNC);
	TRY(open, path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	CHECK(map != MAP_FAILED);
	TRY(fcntl, f, F_ADD_SEALS, F_SEAL_WRITE);
	CHECK(munmap(map, 4096) == 0 && fcntl(f, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	TRY(pwrite64, f, buffer, 1, 0);
	TRY(fallocate, f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 5);
	printf("mapped to be written: %d\n", mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0) == MAP_FAILED ? errno : 0);
	map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, f, 0);
	CHECK(map != MAP_FAILED && (map[0] = 'p') && munmap(map, 4096) == 0);
	CHECK(fcntl(f, F_ADD_SEALS, F_SEAL_SEAL) == 0);
	TRY(fcntl, f, F_ADD_SEALS, F_SEAL_GROW);
	printf("seals: %x, of a pipe: %d\n", fcntl(f, F_GET_SEALS), fcntl(full[0], F_GET_SEALS) < 0 ? errno : 0);
	close(f);
	close(plain);
}

static long blocks(int f)
{
	struct stat st;

	CHECK(fstat(f, &st) == 0);
	return (long)st.st_blocks;
}

static void holes(void)
{
	int f = memfd_create("holes", 0);
	char text[2] = { 0 };
	long before;

	CHECK(f >= 0 && lseek(f, 0, SEEK_SET) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(memset(buffer, 'h', 4096) && write(f, buffer, 4096) == 4096);
	before = blocks(f);
	CHECK(fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4000, 3 * 4096) == 0);
	printf("given back: %ld, ", before - blocks(f));
	CHECK(pread(f, text, 1, 3999) == 1 && pread(f, text + 1, 1, 4000) == 1);
	printf("%d %d, ", text[0], text[1]);
	CHECK(pread(f, text, 1, 4000 + 3 * 4096 - 1) == 1 && pread(f, text + 1, 1, 4000 + 3 * 4096) == 1);
	printf("%d %d, hole at %ld\n", text[0], text[1], (long)lseek(f, 0, SEEK_HOLE));
	memset(buffer, 0, sizeof buffer);
	close(f);
}

static void swapped(void)
{
	struct stat a, b;

	CHECK(mkdir("folder", 0700) == 0 && mkdir("folder/inner", 0700) == 0 && close(open("plain", O_CREAT | O_WRONLY, 0600)) == 0);
	CHECK(stat("folder/inner", &a) == 0 && stat("plain", &b) == 0);
	TRY(renameat2, AT_FDCWD, "folder/inner", AT_FDCWD, "plain", 2);
	CHECK(stat("plain", &b) == 0 && b.st_ino == a.st_ino && stat("folder/inner", &b) == 0 && S_ISREG(b.st_mode) && stat("folder", &b) == 0);
	printf("links of the folder that lost one: %d\n", (int)b.st_nlink);
	CHECK(stat("plain/..", &a) == 0 && stat(".", &b) == 0 && a.st_ino == b.st_ino);
	TRY(renameat2, AT_FDCWD, "plain", AT_FDCWD, "absent", 2);
	TRY(renameat2, AT_FDCWD, "folder", AT_FDCWD, "folder/inner", 2);
	TRY(renameat2, AT_FDCWD, "plain", AT_FDCWD, "folder", 3);
	CHECK(unlink("folder/inner") == 0 && rmdir("folder") == 0 && rmdir("plain") == 0);
}

static void zero_mapped(void)
{
	int f = open("/dev/zero", O_RDWR), reads = open("/dev/zero", O_RDONLY);
	char *private = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, f, 0), *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	pid_t pid;

	CHECK(private != MAP_FAILED && shared != MAP_FAILED);
	private[0] = shared[0] = 'm';
	pid = fork();
	if (pid == 0) {
		private[1] = shared[1] = 'c';
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	printf("/dev/zero mapped: %d %d\n", private[1], shared[1]);
	printf("shared of one that reads: %d\n", mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reads, 0) == MAP_FAILED ? errno : 0);
	CHECK(munmap(private, 4096) == 0 && munmap(shared, 4096) == 0);
	close(f);
	close(reads);
}

static void terminal(void)
{
	char bytes[64] = { 0 };
	struct termios mode;
	struct { uint32_t flags[4]; uint8_t line, cc[19]; uint32_t in, out; } wide;
	struct { uint16_t flags[4]; uint8_t line, cc[8]; } old;
	int m, s, on = 1, got = 0;
	long n;

	CHECK(openpty(&m, &s, 0, 0, 0) == 0 && ioctl(m, TIOCPKT, &on) == 0 && ioctl(m, 0x80045438, &got) == 0);
	printf("packets: %d\n", got);
	CHECK(write(s, "hi", 2) == 2);
	n = read(m, bytes, 64);
	printf("%ld bytes, first %d, then %c\n", n, bytes[0], bytes[1]);
	CHECK(tcflush(s, TCIOFLUSH) == 0);
	printf("poll %x", poll(&(struct pollfd){ m, POLLPRI, 0 }, 1, 0));
	n = read(m, bytes, 64);
	printf(", %ld byte: %x\n", n, bytes[0]);
	CHECK(tcgetattr(s, &mode) == 0);
	mode.c_iflag &= ~(tcflag_t)IXON;
	CHECK(tcsetattr(s, TCSANOW, &mode) == 0);
	n = read(m, bytes, 64);
	printf("no flow control: %ld byte: %x\n", n, bytes[0]);
	CHECK(tcflow(s, TCOOFF) == 0 && read(m, bytes, 64) == 1);
	printf("stopped: %x", bytes[0]);
	CHECK(tcflow(s, TCOON) == 0 && read(m, bytes, 64) == 1);
	printf(", going on: %x\n", bytes[0]);
	CHECK(write(s, "x", 1) == 1 && tcdrain(s) == 0);
	printf("tcdrain does not wait for a reader\n");
	CHECK(ioctl(s, 0x802c542a, &wide) == 0);
	printf("speeds %u %u\n", wide.in, wide.out);
	wide.flags[2] = (wide.flags[2] & ~0x100fu) | 0x1000;
	wide.in = wide.out = 12345;
	CHECK(ioctl(s, 0x402c542b, &wide) == 0 && memset(&wide, 0, sizeof wide) && ioctl(s, 0x802c542a, &wide) == 0);
	printf("speeds %u %u\n", wide.in, wide.out);
	CHECK(ioctl(s, 0x5405, &old) == 0);
	old.flags[3] &= (uint16_t)~ECHO;
	CHECK(ioctl(s, 0x5406, &old) == 0 && tcgetattr(s, &mode) == 0);
	printf("by the old form: %d %d\n", !!(mode.c_lflag & ECHO), !!(mode.c_lflag & ICANON));
	close(m);
	close(s);
}

static void lock_told(void)
{
	struct flock whole = { .l_type = F_WRLCK, .l_len = 100 }, part = { .l_type = F_UNLCK, .l_start = 40, .l_len = 20 }, ask = { .l_type = F_WRLCK };
	int f = open("locked", O_CREAT | O_RDWR, 0600);
	pid_t pid;

	CHECK(f >= 0 && fcntl(f, F_SETLK, &whole) == 0 && fcntl(f, F_SETLK, &part) == 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		CHECK(fcntl(f, F_GETLK, &ask) == 0);
		printf("after a split: %ld %ld", (long)ask.l_start, (long)ask.l_len);
		ask = (struct flock){ .l_type = F_WRLCK, .l_start = 50 };
		CHECK(fcntl(f, F_GETLK, &ask) == 0);
		printf(", behind it: %ld %ld\n", (long)ask.l_start, (long)ask.l_len);
		fflush(stdout);
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	close(f);
	CHECK(unlink("locked") == 0);
}

int main(void)
{
	char folder[] = "/tmp/transfers-XXXXXX";

	setvbuf(stdout, NULL, _IOLBF, 0);
	CHECK(mkdtemp(folder) && chdir(folder) == 0 && pipe(full) == 0);
	spliced();
	sizes();
	packets();
	partial();
	several();
	told();
	sealed();
	holes();
	swapped();
	zero_mapped();
	terminal();
	lock_told();
	CHECK(chdir("/") == 0 && rmdir(folder) == 0);
	return 0;
}
