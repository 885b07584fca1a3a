/* SPDX-License-Identifier: MIT */
/* Linux's own asynchronous I/O, as libaio asks for it: what is refused, requests of each kind and their events, waiting
 * for events, the ring that programs read for themselves, and eventfds that tell. */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <time.h>
#include "try.h"

/* The head of the ring, which is where the context's number points. */
struct ring { uint32_t id, size, head, tail, magic, features, others, header; struct io_event event[]; };

static aio_context_t context;
static struct io_event events[64];
static int file;
static const struct timespec none, soon = { 0, 3000000 };

static long setup(unsigned n, aio_context_t *c) { return syscall(SYS_io_setup, n, c); }
static long submit(long n, struct iocb **list) { return syscall(SYS_io_submit, context, n, list); }
static long get(long least, long most, const struct timespec *t)
{
	return syscall(SYS_io_getevents, context, least, most, events, t);
}

static struct iocb request(int command, int fd, void *at, uint64_t n, int64_t offset)
{
	return (struct iocb){ .aio_lio_opcode = (uint16_t)command, .aio_fildes = (uint32_t)fd, .aio_buf = (uintptr_t)at,
		.aio_nbytes = n, .aio_offset = offset, .aio_data = 42, .aio_key = 7 };
}

/* One request: what submitting gives, and what its event says. */
static void one(const char *what, struct iocb b)
{
	struct iocb *list[] = { &b };
	long r = submit(1, list);

	if (r < 0) {
		printf("%s: error %d\n", what, errno);
		return;
	}
	CHECK(r == 1 && get(1, 64, 0) == 1 && events[0].data == 42 && events[0].obj == (uintptr_t)&b && b.aio_key == 0);
	printf("%s: %lld, %lld\n", what, (long long)events[0].res, (long long)events[0].res2);
}

static void refused(void)
{
	aio_context_t set = 1, zero = 0;
	struct iocb b = request(IOCB_CMD_PREAD, file, buffer, 1, 0), closed = b, *list[] = { &b, (void *)BAD, &closed };
	const struct timespec t = none;

	TRY(io_setup, 1, BAD);
	TRY(io_setup, 1, &set);
	TRY(io_setup, 0, &zero);
	TRY(io_setup, 0x7fffffff, &zero);
	TRY(io_setup, 1000000, &zero);
	TRY(io_destroy, 8);
	TRY(io_destroy, 0);
	TRY(io_submit, 8, 1, list);
	TRY(io_submit, context, -1l, list);
	TRY(io_submit, context, 0, BAD);
	TRY(io_submit, context, 1, BAD);
	TRY(io_submit, context, 1, list + 1);
	TRY(io_submit, context, 2, list);
	closed.aio_fildes = (uint32_t)NOFD;
	TRY(io_submit, context, 1, list + 2);
	TRY(io_getevents, context, 2, 1, events, &t);
	TRY(io_getevents, context, -1l, 1, events, &t);
	TRY(io_getevents, 8, 0, 1, events, &t);
	TRY(io_getevents, context, 0, 1, events, BAD);
	TRY(io_getevents, context, 0, 1, BAD, &t);
	TRY(io_getevents, context, 0, 1, events, &t);
	TRY(io_getevents, context, 0, 1, events, &t);
	TRY(io_getevents, context, 0, 0, events, &t);
	TRY(io_cancel, context, BAD, events);
	TRY(io_cancel, context, &b, events);
	b.aio_key = 7;
	TRY(io_cancel, context, &b, events);
	TRY(io_cancel, 8, &b, events);
}

static void kinds(void)
{
	char in[16] = "", more[16] = "";
	struct iovec v[2] = { { in, 3 }, { more, 4 } };
	int p[2], dir = open(".", O_RDONLY), rdonly = open("file", O_RDONLY), wronly = open("file", O_WRONLY);
	struct iocb b;

	CHECK(pipe(p) == 0);
	one("write", request(IOCB_CMD_PWRITE, file, (char *)"0123456789", 10, 5));
	one("read", request(IOCB_CMD_PREAD, file, in, 4, 6));
	CHECK(!strcmp(in, "1234") && lseek(file, 0, SEEK_CUR) == 0);
	one("read at the end", request(IOCB_CMD_PREAD, file, in, 4, 14));
	one("read behind it", request(IOCB_CMD_PREAD, file, in, 4, 100));
	one("readv", request(IOCB_CMD_PREADV, file, v, 2, 5));
	CHECK(!memcmp(in, "012", 3) && !strcmp(more, "3456"));
	one("writev", request(IOCB_CMD_PWRITEV, file, v, 2, 0));
	one("fsync", request(IOCB_CMD_FSYNC, file, 0, 0, 0));
	one("fdatasync", request(IOCB_CMD_FDSYNC, file, 0, 0, 0));
	one("fsync with an offset", request(IOCB_CMD_FSYNC, file, 0, 0, 1));
	one("a pipe's write", request(IOCB_CMD_PWRITE, p[1], (char *)"abc", 3, 77));
	one("a pipe's read", request(IOCB_CMD_PREAD, p[0], in, 9, 99));
	one("fsync of a pipe", request(IOCB_CMD_FSYNC, p[0], 0, 0, 0));
	one("a bad address", request(IOCB_CMD_PREAD, file, (void *)BAD, 4, 0));
	one("a bad vector", request(IOCB_CMD_PREADV, file, (void *)BAD, 2, 0));
	one("a long vector", request(IOCB_CMD_PREADV, file, v, 5000, 0));
	one("before the file", request(IOCB_CMD_PREAD, file, in, 4, -1));
	one("too long", request(IOCB_CMD_PREAD, file, in, -1ul, 0));
	one("no file", request(IOCB_CMD_PREAD, (int)NOFD, in, 4, 0));
	one("a folder", request(IOCB_CMD_PREAD, dir, in, 4, 0));
	one("write where one reads", request(IOCB_CMD_PWRITE, rdonly, in, 4, 0));
	one("read where one writes", request(IOCB_CMD_PREAD, wronly, in, 4, 0));
	one("no such command", request(99, file, in, 4, 0));
	one("nothing at all", request(IOCB_CMD_NOOP, file, in, 4, 0));
	b = request(IOCB_CMD_PREAD, file, in, 4, 0);
	b.aio_reserved2 = 1;
	one("a reserved field", b);
	b = request(IOCB_CMD_PREAD, file, in, 4, 0);
	b.aio_rw_flags = 0x40000000;
	one("an unknown flag", b);
	b = request(IOCB_CMD_PREAD, file, in, 4, 0);
	b.aio_flags = IOCB_FLAG_RESFD;
	b.aio_resfd = (uint32_t)file;
	one("told by a file", b);
	b.aio_resfd = (uint32_t)NOFD;
	one("told by nothing", b);
}

/* The first that is wrong ends the list. */
static void lists(void)
{
	struct iocb b[3];
	struct iocb *list[3] = { &b[0], &b[1], &b[2] };
	int tells = eventfd(0, EFD_NONBLOCK);
	uint64_t count;

	for (int i = 0; i < 3; i++) {
		b[i] = request(IOCB_CMD_PREAD, file, buffer, (uint64_t)i, 0);
		b[i].aio_flags = IOCB_FLAG_RESFD;
		b[i].aio_resfd = (uint32_t)tells;
	}
	CHECK(submit(3, list) == 3 && read(tells, &count, 8) == 8 && count == 3);
	CHECK(get(0, 2, &none) == 2 && events[0].res == 0 && events[1].res == 1);
	CHECK(get(1, 2, &none) == 1 && events[0].res == 2 && get(1, 2, &none) == 0);
	b[1].aio_lio_opcode = 99;
	CHECK(submit(3, list) == 1 && read(tells, &count, 8) == 8 && count == 1 && get(1, 9, 0) == 1);
	CHECK(submit(2, list + 1) == -1 && errno == EINVAL && read(tells, &count, 8) == -1);
}

static void full(void)
{
	struct iocb b = request(IOCB_CMD_PREAD, file, buffer, 1, 0), *list[1] = { &b };
	long n = 0, back = 0, r;

	while ((r = submit(1, list)) == 1)
		n++;
	printf("full: error %d\n", errno);
	TRY(io_submit, context, 1, list);
	while ((r = get(0, 64, &none)) > 0)
		back += r;
	CHECK(n == back && n >= 16 && submit(1, list) == 1 && get(1, 1, 0) == 1);
}

/* As libaio does it where it needs no call, and fio with userspace_reap. */
static void by_hand(void)
{
	volatile struct ring *ring = (void *)context;
	struct iocb b = request(IOCB_CMD_PREAD, file, buffer, 3, 0), *list[1] = { &b };

	printf("magic %x features %x others %x header %u\n", ring->magic, ring->features, ring->others, ring->header);
	CHECK(ring->head == ring->tail && ring->size >= 17);
	for (int i = 0; i < 500; i++) {
		uint32_t head = ring->head;

		CHECK(submit(1, list) == 1 && ring->tail == (head + 1) % ring->size);
		CHECK(ring->event[head].res == 3 && ring->event[head].obj == (uintptr_t)&b);
		ring->head = (head + 1) % ring->size;
		CHECK(get(0, 1, &none) == 0);
	}
}

static void on_signal(int sig) { (void)sig; }
static void *late(void *main_thread)
{
	struct iocb b = request(IOCB_CMD_PREAD, file, buffer, 2, 0), *list[1] = { &b };
	const struct timespec t = { 0, 20000000 };

	nanosleep(&t, 0);
	CHECK(submit(1, list) == 1);
	nanosleep(&t, 0);
	CHECK(main_thread ? pthread_kill(*(pthread_t *)main_thread, SIGUSR1) == 0 : submit(1, list) == 1);
	return 0;
}

static void waiting(void)
{
	struct sigaction a = { .sa_handler = on_signal };
	pthread_t me = pthread_self(), t;
	pid_t pid;

	CHECK(sigaction(SIGUSR1, &a, 0) == 0);
	CHECK(get(1, 1, &soon) == 0);
	CHECK(pthread_create(&t, 0, late, 0) == 0 && get(2, 9, 0) == 2 && pthread_join(t, 0) == 0);
	CHECK(pthread_create(&t, 0, late, &me) == 0 && get(2, 9, 0) == 1 && pthread_join(t, 0) == 0); /* what there was */
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		a.sa_flags = SA_RESTART;
		alarm(1);
		CHECK(setup(1, &(aio_context_t){ 0 }) == 0 && sigaction(SIGALRM, &a, 0) == 0);
		CHECK(get(0, 1, &none) == -1 && errno == EINVAL); /* the context is its parent's */
		context = 0;
		CHECK(setup(1, &context) == 0);
		TRY(io_getevents, context, 1, 1, events, 0);
		fflush(stdout);
		_exit(7);
	}
	CHECK(wait_status(pid) == 7);
}

/* Under a mask of the wait's own: a signal that is blocked else ends it, and its handler has run. */
static int signals;
static void count_signal(int sig) { (void)sig; signals++; }
static void masked(void)
{
	struct sigaction a = { .sa_handler = count_signal };
	struct { const void *mask; size_t size; } none_blocked = { &(uint64_t){ 0 }, 8 }, wrong = { &(uint64_t){ 0 }, 4 },
		nowhere = { (void *)BAD, 8 }, unset = { 0, 99 };
	struct iocb b = request(IOCB_CMD_PREAD, file, buffer, 2, 0), *list[1] = { &b };
	sigset_t one;

	CHECK(sigaction(SIGUSR2, &a, 0) == 0 && sigemptyset(&one) == 0 && sigaddset(&one, SIGUSR2) == 0);
	CHECK(sigprocmask(SIG_BLOCK, &one, 0) == 0 && kill(getpid(), SIGUSR2) == 0);
	TRY(io_pgetevents, context, 1, 1, events, 0, &none_blocked);
	printf("signals: %d\n", signals);
	TRY(io_pgetevents, context, 1, 1, events, 0, &wrong);
	TRY(io_pgetevents, context, 1, 1, events, 0, &nowhere);
	TRY(io_pgetevents, context, 1, 1, events, 0, BAD);
	TRY(io_pgetevents, context, 1, 1, events, BAD, 0);
	TRY(io_pgetevents, 8, 0, 1, events, 0, &none_blocked);
	TRY(io_pgetevents, context, 1, 1, events, &soon, &unset);
	CHECK(submit(1, list) == 1);
	TRY(io_pgetevents, context, 1, 1, events, 0, 0);
	CHECK(sigprocmask(SIG_BLOCK, 0, &one) == 0 && sigismember(&one, SIGUSR2));
}

int main(void)
{
	char folder[] = "aioXXXXXX";

	CHECK(mkdtemp(folder) && chdir(folder) == 0);
	file = open("file", O_RDWR | O_CREAT, 0600);
	CHECK(file >= 0);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	CHECK(setup(16, &context) == 0 && context);
	refused();
	kinds();
	lists();
	full();
	by_hand();
	fflush(stdout);
	waiting();
	masked();
	TRY(io_destroy, context);
	TRY(io_destroy, context);
	TRY(io_submit, context, 0, 0);
	for (int i = 0; i < 20; i++) {
		context = 0;
		CHECK(setup(100, &context) == 0 && syscall(SYS_io_destroy, context) == 0);
	}
	return 0;
}
