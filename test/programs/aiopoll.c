/* SPDX-License-Identifier: MIT */
/* IOCB_CMD_POLL: a request that is done when a file is ready, also by what another process does, while its own one
 * sleeps, reads the ring for itself, or has gone. */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include "try.h"

struct ring { uint32_t id, size, head, tail; };

static aio_context_t context;
static struct io_event events[64];
static const struct timespec none, soon = { 0, 3000000 };

static long submit(struct iocb *b) { return syscall(SYS_io_submit, context, 1l, &b); }
static long cancel(struct iocb *b) { return syscall(SYS_io_cancel, context, b, events); }
static long get(long least, const struct timespec *t)
{
	return syscall(SYS_io_getevents, context, least, 64l, events, t);
}
static int is_told(void)
{
	const volatile struct ring *ring = (const void *)context;

	return ring->head != ring->tail;
}

static struct iocb poll_of(int fd, uint64_t mask)
{
	return (struct iocb){ .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (uint32_t)fd, .aio_buf = mask,
		.aio_data = 42 };
}

static void one(const char *what, struct iocb b)
{
	long r = submit(&b);

	if (r < 0) {
		printf("%s: error %d\n", what, errno);
	} else if (get(0, &soon) == 0) {
		CHECK(cancel(&b) == -1 && errno == EINPROGRESS && get(1, 0) == 1 && events[0].res == 0);
		printf("%s: waits\n", what);
	} else {
		printf("%s: 0x%llx %lld\n", what, (long long)events[0].res, (long long)events[0].res2);
		CHECK(events[0].data == 42 && events[0].obj == (uintptr_t)&b);
	}
}

/* What an event says, without the bits that Linux tells unasked of some files. */
static int asked(long i) { return (int)events[i].res & (POLLIN | POLLOUT | POLLHUP | POLLERR); }

static void at_once(void)
{
	int p[2], s[2], file = open("file", O_RDWR | O_CREAT, 0600), many = epoll_create1(0), event = eventfd(1, 0);
	struct epoll_event of = { .events = EPOLLIN };
	struct iocb b;

	CHECK(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && file >= 0 && many >= 0 && event >= 0);
	CHECK(epoll_ctl(many, EPOLL_CTL_ADD, p[0], &of) == 0);
	one("an empty pipe", poll_of(p[0], POLLIN));
	one("its other end", poll_of(p[1], POLLOUT | POLLIN));
	one("nothing of it", poll_of(p[1], 0));
	one("an epoll", poll_of(many, POLLIN));
	one("an eventfd", poll_of(event, POLLIN | POLLOUT | POLLPRI));
	one("a file", poll_of(file, POLLIN));
	one("what no file has", poll_of(file, POLLPRI));
	one("more bits than there are", poll_of(p[1], 0x10000 | POLLOUT));
	one("a high bit", poll_of(p[1], 0x8000 | POLLOUT));
	b = poll_of(p[1], POLLOUT);
	b.aio_offset = 1;
	one("an offset", b);
	b = poll_of(p[1], POLLOUT);
	b.aio_nbytes = 1;
	one("a size", b);
	b = poll_of(p[1], POLLOUT);
	b.aio_rw_flags = 1;
	one("a flag", b);
	CHECK(write(p[1], "x", 1) == 1);
	one("a pipe", poll_of(p[0], POLLIN));
	one("an epoll of it", poll_of(many, POLLIN));
	close(p[1]);
	one("without its writer", poll_of(p[0], POLLIN));
	CHECK(read(p[0], buffer, 9) == 1);
	one("and empty", poll_of(p[0], POLLIN));
	one("asked for nothing", poll_of(p[0], 0));
	one("a socket", poll_of(s[0], POLLIN | POLLRDHUP));
	CHECK(shutdown(s[1], SHUT_WR) == 0);
	one("a socket's end", poll_of(s[0], POLLIN | POLLRDHUP));
	one("nothing open", poll_of((int)NOFD, POLLIN));
	close(p[0]);
	close(s[0]);
	close(s[1]);
	close(file);
	close(many);
	close(event);
}

/* By the process itself: an event in the ring without a further call, and an eventfd that tells. */
static void later(void)
{
	struct iocb b, again;
	int p[2], tells = eventfd(0, EFD_NONBLOCK);
	uint64_t count;

	CHECK(pipe(p) == 0);
	b = poll_of(p[0], POLLIN);
	b.aio_flags = IOCB_FLAG_RESFD;
	b.aio_resfd = (uint32_t)tells;
	again = poll_of(p[0], POLLIN | POLLRDNORM);
	CHECK(submit(&b) == 1 && submit(&again) == 1 && !is_told() && get(0, &none) == 0);
	CHECK(write(p[1], "x", 1) == 1);
	while (!is_told())
		;
	CHECK(get(2, 0) == 2 && asked(0) == POLLIN && asked(1) == POLLIN);
	CHECK(read(tells, &count, 8) == 8 && count == 1);
	CHECK(cancel(&b) == -1 && errno == EINVAL);
	close(tells);

	/* The request has the file, also when its number is closed; then nobody has. */
	CHECK(read(p[0], buffer, 9) == 1);
	b.aio_flags = 0;
	CHECK(submit(&b) == 1 && close(p[0]) == 0 && write(p[1], "x", 1) == 1 && get(1, 0) == 1 && asked(0) == POLLIN);
	CHECK(write(p[1], "x", 1) == -1 && errno == EPIPE);
	close(p[1]);
}

/* A child that does something a little later. */
static pid_t child_writes(int fd, int closes)
{
	const struct timespec t = { 0, 20000000 };
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		nanosleep(&t, 0);
		CHECK(closes ? close(fd) == 0 : write(fd, "x", 1) == 1);
		_exit(0);
	}
	return pid;
}

static void by_others(void)
{
	struct iocb b;
	int p[2];
	pid_t pid;

	CHECK(pipe(p) == 0);
	b = poll_of(p[0], POLLIN);
	CHECK(submit(&b) == 1);
	pid = child_writes(p[1], 0);
	CHECK(get(1, 0) == 1 && asked(0) == POLLIN && wait_status(pid) == 0 && read(p[0], buffer, 9) == 1);
	CHECK(submit(&b) == 1);
	pid = child_writes(p[1], 0);
	while (!is_told())
		;
	CHECK(get(0, &none) == 1 && asked(0) == POLLIN && wait_status(pid) == 0 && read(p[0], buffer, 9) == 1);
	CHECK(submit(&b) == 1);
	pid = child_writes(p[1], 1);
	close(p[1]);
	CHECK(get(1, 0) == 1 && asked(0) == POLLHUP && wait_status(pid) == 0);
	close(p[0]);
}

/* Requests under way take places of the ring, until their events are taken. */
static void many(void)
{
	static struct iocb b[2000];
	int p[2], n = 0;
	long r, back = 0;

	CHECK(pipe(p) == 0);
	for (; n < 2000; n++) {
		b[n] = poll_of(p[0], POLLIN);
		if (submit(&b[n]) != 1)
			break;
	}
	CHECK(n >= 16 && n < 2000 && errno == EAGAIN);
	CHECK(cancel(&b[3]) == -1 && errno == EINPROGRESS && get(1, 0) == 1 && events[0].obj == (uintptr_t)&b[3]);
	CHECK(write(p[1], "x", 1) == 1);
	while (back < n - 1 && (r = get(1, 0)) > 0)
		for (long i = 0; i < r; i++, back++)
			CHECK(asked(i) == POLLIN);
	CHECK(back == n - 1 && get(0, &none) == 0 && submit(&b[0]) == 1 && get(1, 0) == 1);
	close(p[0]);
	close(p[1]);
}

/* A context, an image and a process that go leave no file open. */
static void gone(const char *self)
{
	struct iocb b;
	int p[2], went[2];
	char c;

	CHECK(pipe(p) == 0);
	b = poll_of(p[0], POLLIN);
	CHECK(submit(&b) == 1 && close(p[0]) == 0);
	CHECK(syscall(SYS_io_destroy, context) == 0 && write(p[1], "x", 1) == -1 && errno == EPIPE);
	close(p[1]);
	for (int execs = 0; execs < 2; execs++) {
		pid_t pid;

		CHECK(pipe(p) == 0 && pipe(went) == 0 && (pid = fork()) >= 0);
		if (pid == 0) {
			context = 0;
			CHECK(syscall(SYS_io_setup, 4, &context) == 0);
			b = poll_of(p[0], POLLIN);
			CHECK(submit(&b) == 1 && close(p[0]) == 0 && close(p[1]) == 0);
			CHECK(dup2(went[1], 1) == 1 && close(went[0]) == 0 && close(went[1]) == 0);
			if (!execs)
				_exit(0);
			execl(self, self, "image", (char *)0);
			_exit(1);
		}
		close(p[0]);
		close(went[1]);
		CHECK(execs ? read(went[0], &c, 1) == 1 : wait_status(pid) == 0);
		CHECK(write(p[1], "x", 1) == -1 && errno == EPIPE);
		close(went[0]);
		CHECK(!execs || wait_status(pid) == 0);
		close(p[1]);
	}
}

/* What the process has become: it says so, and goes when nobody listens. */
static int image(void)
{
	while (write(1, "x", 1) == 1)
		nanosleep(&soon, 0);
	return 0;
}

int main(int argc, char **argv)
{
	char folder[] = "aiopollXXXXXX", self[4096] = "";

	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "image"))
		return image();
	CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0 && mkdtemp(folder) && chdir(folder) == 0);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	CHECK(syscall(SYS_io_setup, 16, &context) == 0);
	at_once();
	fflush(stdout);
	later();
	by_others();
	many();
	gone(self);
	return 0;
}
