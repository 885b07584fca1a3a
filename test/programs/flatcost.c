/* SPDX-License-Identifier: MIT */
/* Operations whose cost does not grow with what else there is: processes that wait for something else, files that are
 * watched, files that are open, signals that wait, timers, children, sleepers, mappings, threads.
 * Ticks of one against how many they are, a line for each point. Counted by -icount,
 * where a tick is as good as an instruction (test_budget.py). */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <time.h>
#include "check.h"

#define SAMPLES 51

static uint64_t taken[SAMPLES];

static inline uint64_t ticks(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The median of n samples, each of so many operations. */
static void point(const char *curve, unsigned x, int n, unsigned operations)
{
	qsort(taken, (size_t)n, sizeof taken[0], by_size);
	printf("point %s %u %.2f\n", curve, x, (double)taken[n / 2] / operations);
	fflush(stdout);
}

#define TRIPS 200

static const unsigned counts[] = { 1, 3, 10, 30, 100, 300, 900 }; /* three decades, seven points */
#define COUNTS (sizeof counts / sizeof counts[0])

static int there[2], back[2];

static void echo(void)
{
	char byte;

	while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
		;
	_exit(0);
}

/* Sleeps in poll until all writers of that pipe are gone. Says first that it is about to. */
static void sleeper(const int pipe_of[2], int ready)
{
	struct pollfd p = { pipe_of[0], POLLIN, 0 };

	(void)close(pipe_of[1]);
	(void)!write(ready, "", 1);
	(void)poll(&p, 1, -1);
	_exit(0);
}

/* One byte from a process to another, and back, while n sleep in poll. */
static void curve_poll(void)
{
	unsigned have = 0;
	int quiet[2], ready[2];
	char byte = 0;
	pid_t child;

	CHECK(pipe(there) == 0 && pipe(back) == 0 && pipe(quiet) == 0 && pipe(ready) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		(void)close(quiet[1]);
		echo();
	}
	for (unsigned i = 0; i < COUNTS; i++) {
		for (; have < counts[i]; have++) {
			pid_t one = fork();

			CHECK(one >= 0);
			if (one == 0)
				sleeper(quiet, ready[1]);
			CHECK(read(ready[0], &byte, 1) == 1);
		}
		(void)usleep(10000); /* the last one sleeps */
		for (int k = 0; k < 7; k++) {
			uint64_t from = ticks();

			for (int trip = 0; trip < TRIPS; trip++) {
				(void)!write(there[1], &byte, 1);
				(void)!read(back[0], &byte, 1);
			}
			taken[k] = ticks() - from;
		}
		point("poll", counts[i], 7, 2 * TRIPS);
	}
	(void)kill(child, SIGKILL);
	(void)close(quiet[1]);
	while (waitpid(-1, 0, 0) > 0)
		;
}

/* A look at an epoll of n, none of which is ready; and one of n that is. */
static void curve_epoll(void)
{
	static const unsigned watched[] = { 10, 30, 100, 300, 1000, 3000, 10000 };
	struct rlimit most = { 10100, 10100 };
	struct epoll_event event = { EPOLLIN, { 0 } }, got[8];
	unsigned have = 0;
	int ep = epoll_create1(0), last = -1;
	uint64_t word = 1;

	CHECK(ep >= 0 && setrlimit(RLIMIT_NOFILE, &most) == 0);
	for (unsigned i = 0; i < sizeof watched / sizeof watched[0]; i++) {
		for (; have < watched[i]; have++)
			CHECK((last = eventfd(0, 0)) >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, last, &event) == 0);
		CHECK(epoll_wait(ep, got, 8, 0) == 0);
		for (int k = 0; k < SAMPLES; k++) {
			uint64_t from = ticks();

			(void)epoll_wait(ep, got, 8, 0);
			taken[k] = ticks() - from;
		}
		point("epoll", watched[i], SAMPLES, 1);
		for (int k = 0; k < SAMPLES; k++) {
			uint64_t from;

			CHECK(write(last, &word, 8) == 8);
			from = ticks();
			CHECK(epoll_wait(ep, got, 8, 0) == 1);
			taken[k] = ticks() - from;
			CHECK(read(last, &word, 8) == 8 && epoll_wait(ep, got, 8, 0) == 0);
		}
		point("epoll-ready", watched[i], SAMPLES, 1);
	}
}

static pid_t spawn_none(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return child;
}

/* The lowest free number, just closed, and then the next one, above all n that are open. */
static void curve_open(void)
{
	static const unsigned opened[] = { 100, 300, 1000, 3000, 10000, 30000, 100000, 1000000 };
	struct rlimit most = { 1048576, 1048576 };
	int last = 0;

	CHECK(setrlimit(RLIMIT_NOFILE, &most) == 0 && syscall(SYS_close_range, 3, ~0u, 0) == 0);
	for (unsigned i = 0; i < sizeof opened / sizeof opened[0]; i++) {
		while (last < (int)opened[i])
			CHECK((last = dup(0)) >= 0);
		for (int k = 0; k < SAMPLES; k++) {
			uint64_t from;

			CHECK(close(50) == 0);
			from = ticks();
			CHECK(dup(0) == 50 && dup(0) == last + 1);
			taken[k] = ticks() - from;
			CHECK(close(last + 1) == 0);
		}
		point("open", opened[i], SAMPLES, 2);
	}
	CHECK(!wait_status(spawn_none()) && !syscall(SYS_close_range, 3, ~0u, 0)); /* a child of who has a million */
}

#define MANY_SIGNALS 50000
static const unsigned to_many[] = { 50, 150, 500, 1500, 5000, 15000, MANY_SIGNALS };
#define POINTS (sizeof to_many / sizeof to_many[0])

static const struct timespec now;

/* One more signal of a number of which n are queued, and the first of them taken. */
static void curve_signals(void)
{
	const union sigval value = { .sival_int = 1 };
	struct rlimit most = { 2 * MANY_SIGNALS, 2 * MANY_SIGNALS };
	unsigned have = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK(!setrlimit(RLIMIT_SIGPENDING, &most) && !sigprocmask(SIG_BLOCK, &set, 0));
	for (unsigned i = 0; i < POINTS; i++) {
		for (; have < to_many[i]; have++)
			CHECK(!sigqueue(getpid(), SIGRTMIN, value));
		for (int k = 0; k < SAMPLES; k++) {
			uint64_t from = ticks();

			CHECK(!sigqueue(getpid(), SIGRTMIN, value) && sigtimedwait(&set, 0, &now) == SIGRTMIN);
			taken[k] = ticks() - from;
		}
		point("sigqueue", to_many[i], SAMPLES, 2);
	}
	while (sigtimedwait(&set, 0, &now) == SIGRTMIN)
		;
}

/* A timer is set to another time, somewhere among n that run. */
static void curve_timers(void)
{
	static timer_t timer[MANY_SIGNALS];
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec at = { .it_value.tv_nsec = 1 };
	struct rlimit most = { 2 * MANY_SIGNALS, 2 * MANY_SIGNALS };
	unsigned have = 0, draw = 1;

	CHECK(!setrlimit(RLIMIT_SIGPENDING, &most));
	for (unsigned i = 0; i < POINTS; i++) {
		for (; have < to_many[i]; have++) {
			at.it_value.tv_sec = 10000 + (long)(have * 7919ul % 10007);
			CHECK(!timer_create(CLOCK_MONOTONIC, &event, &timer[have]) && !timer_settime(timer[have], 0, &at, 0));
		}
		for (int k = 0; k < SAMPLES; k++) {
			uint64_t from;

			draw = draw * 1103515245 + 12345;
			at.it_value.tv_sec = 10000 + (long)(draw >> 8) % 10007;
			from = ticks();
			CHECK(!timer_settime(timer[(draw >> 4) % have], 0, &at, 0));
			taken[k] = ticks() - from;
		}
		point("timer", to_many[i], SAMPLES, 1);
	}
	while (have--)
		CHECK(!timer_delete(timer[have]));
}

/* Among n children that sleep: a look at one of them, at all of them, and another one that is made, ends and is
 * waited for. */
static void curve_children(void)
{
	static pid_t child[1000];
	unsigned have = 0;
	int quiet[2], ready[2];
	char byte;

	CHECK(pipe(quiet) == 0 && pipe(ready) == 0);
	for (unsigned i = 0; i < COUNTS; i++) {
		for (; have < counts[i]; have++) {
			child[have] = fork();
			CHECK(child[have] >= 0);
			if (child[have] == 0)
				sleeper(quiet, ready[1]);
			CHECK(read(ready[0], &byte, 1) == 1);
		}
		(void)usleep(10000);
		for (int k = 0; k < SAMPLES; k++) {
			uint64_t from = ticks();

			CHECK(waitpid(child[(unsigned)k % have], 0, WNOHANG) == 0);
			taken[k] = ticks() - from;
		}
		point("wait-one", counts[i], SAMPLES, 1);
		for (int k = 0; k < SAMPLES; k++) {
			uint64_t from = ticks();

			CHECK(waitpid(-1, 0, WNOHANG) == 0);
			taken[k] = ticks() - from;
		}
		point("wait-any", counts[i], SAMPLES, 1);
		for (int k = 0; k < SAMPLES; k++) {
			uint64_t from = ticks();
			pid_t one = fork();

			if (one == 0)
				_exit(0);
			CHECK(waitpid(one, 0, 0) == one);
			taken[k] = ticks() - from;
		}
		point("fork", counts[i], SAMPLES, 1);
	}
	(void)close(quiet[1]);
	while (waitpid(-1, 0, 0) > 0)
		;
}

static unsigned draw(unsigned below)
{
	static unsigned x = 1;

	x = x * 1103515245 + 12345;
	return (x >> 8) % below;
}

/* Among n mappings of a page each, of different rights: one more is made and goes; one of them, anywhere, gets another
 * right and gets it back, is touched for the first time, goes; a child is made and ends. */
static void maps_point(unsigned n, char *const map[])
{
	uint64_t from;

	for (int k = 0; k < SAMPLES; k++) {
		void *at;

		from = ticks();
		at = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(at != MAP_FAILED && munmap(at, 4096) == 0);
		taken[k] = ticks() - from;
	}
	point("mmap", n, SAMPLES, 1);
	for (int k = 0; k < SAMPLES; k++) {
		unsigned i = draw(n);

		from = ticks();
		CHECK(!mprotect(map[i], 4096, PROT_READ | PROT_EXEC));
		CHECK(!mprotect(map[i], 4096, i % 2 ? PROT_READ : PROT_WRITE));
		taken[k] = ticks() - from;
	}
	point("mprotect", n, SAMPLES, 2);
	for (int k = 0; k < SAMPLES; k++) {
		volatile char *at = map[draw(n) & ~1u];

		*at = 1; /* its table is there */
		CHECK(!madvise((void *)at, 4096, MADV_DONTNEED));
		from = ticks();
		*at = 1;
		taken[k] = ticks() - from;
		CHECK(!madvise((void *)at, 4096, MADV_DONTNEED));
	}
	point("fault", n, SAMPLES, 1);
	for (int k = 0; k < SAMPLES; k++) {
		unsigned i = draw(n);

		from = ticks();
		CHECK(!munmap(map[i], 4096));
		taken[k] = ticks() - from;
		CHECK(mmap(map[i], 4096, i % 2 ? PROT_READ : PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
			== map[i]);
	}
	point("munmap", n, SAMPLES, 1);
	for (int k = 0; k < 7; k++) {
		from = ticks();
		CHECK(!wait_status(spawn_none()));
		taken[k] = ticks() - from;
	}
	point("fork-maps", n, 7, 1);
}

static void curve_maps(void)
{
	static const unsigned mapped[] = { 30, 100, 300, 1000, 3000, 10000, 30000, 60000 };
	static char *map[60000];
	unsigned have = 0;

	for (unsigned i = 0; i < sizeof mapped / sizeof mapped[0]; i++) {
		for (; have < mapped[i]; have++)
			CHECK((map[have] = mmap(0, 4096, have % 2 ? PROT_READ : PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
				!= MAP_FAILED);
		maps_point(have, map);
	}
	while (have--)
		CHECK(!munmap(map[have], 4096));
}

/* Among n mappings of a page each of a file, where 31 bits reach: one more there; a shared segment that comes and goes;
 * a child. */
static void places_point(unsigned n, int segment)
{
	uint64_t from;

	for (int k = 0; k < SAMPLES; k++) {
		void *at;

		from = ticks();
		at = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		taken[k] = ticks() - from;
		CHECK(at != MAP_FAILED && (uintptr_t)at < 1ul << 31 && munmap(at, 8192) == 0);
	}
	point("mmap-32bit", n, SAMPLES, 1);
	for (int k = 0; k < SAMPLES; k++) {
		void *at = shmat(segment, 0, 0);

		CHECK(at != (void *)-1);
		from = ticks();
		CHECK(!shmdt(at));
		taken[k] = ticks() - from;
	}
	point("shmdt", n, SAMPLES, 1);
	for (int k = 0; k < 7; k++) {
		from = ticks();
		CHECK(!wait_status(spawn_none()));
		taken[k] = ticks() - from;
	}
	point("fork-files", n, 7, 1);
}

static void curve_places(void)
{
	static const unsigned mapped[] = { 30, 100, 300, 1000, 3000, 10000, 30000 };
	int file = memfd_create("pages", 0), segment = shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600);
	unsigned have = 0;

	CHECK(file >= 0 && segment >= 0 && !ftruncate(file, 8192));
	for (unsigned i = 0; i < sizeof mapped / sizeof mapped[0]; i++) {
		for (; have < mapped[i]; have++)
			CHECK(mmap(0, 4096, have % 3 ? PROT_READ : PROT_WRITE, have % 3 == 1 ? MAP_PRIVATE | MAP_32BIT :
				MAP_SHARED | MAP_32BIT, file, have % 2 * 4096) != MAP_FAILED);
		places_point(have, segment);
	}
	CHECK(!shmctl(segment, IPC_RMID, 0));
}

static void *thread_quiet(void *fd)
{
	char byte;

	(void)!read(*(int *)fd, &byte, 1);
	return 0;
}

static void *thread_none(void *none) { return none; }

/* A thread is made and waited for, beside n that sleep. */
static void curve_threads(void)
{
	static pthread_t thread[1000];
	pthread_attr_t small;
	pthread_t one;
	unsigned have = 0;
	int quiet[2];

	CHECK(!pipe(quiet) && !pthread_attr_init(&small) && !pthread_attr_setstacksize(&small, 16384));
	for (unsigned i = 0; i < COUNTS; i++) {
		for (; have < counts[i]; have++)
			CHECK(!pthread_create(&thread[have], &small, thread_quiet, &quiet[0]));
		(void)usleep(10000);
		for (int k = 0; k < SAMPLES; k++) {
			uint64_t from = ticks();

			CHECK(!pthread_create(&one, &small, thread_none, 0) && !pthread_join(one, 0));
			taken[k] = ticks() - from;
		}
		point("thread", counts[i], SAMPLES, 1);
	}
	(void)close(quiet[1]);
	while (have--)
		CHECK(!pthread_join(thread[have], 0));
}

/* Of n pages that are there: which are, a page; another right, and back, and another place, a page; a child of who has
 * taken the right away. */
static void ranges_point(unsigned n, unsigned char *is_there)
{
	const size_t size = n * 4096ul, room = 2 * size + (4ul << 20);
	char *all = mmap(0, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *m;
	uint64_t from;

	CHECK(all != MAP_FAILED);
	m = (char *)(((uintptr_t)all + (2ul << 20) - 1) & -(2ul << 20));
	CHECK(!munmap(all, room));
	CHECK(mmap(m, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == m);
	(void)madvise(m, size, MADV_NOHUGEPAGE); /* the same pages on Linux */
	for (unsigned i = 0; i < n; i++)
		m[i * 4096ul] = 1;
	from = ticks();
	CHECK(!mincore(m, size, is_there));
	taken[0] = ticks() - from;
	point("mincore", n, 1, n);
	for (unsigned i = 0; i < n; i++)
		CHECK(is_there[i] == 1);
	from = ticks();
	CHECK(!mprotect(m, size, PROT_READ));
	taken[0] = ticks() - from;
	point("mprotect-less", n, 1, n);
	from = ticks();
	CHECK(!mprotect(m, size, PROT_READ | PROT_WRITE));
	taken[0] = ticks() - from;
	point("mprotect-more", n, 1, n);
	from = ticks();
	CHECK(mremap(m, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, m + size + (2ul << 20)) == m + size + (2ul << 20));
	taken[0] = ticks() - from;
	point("mremap", n, 1, n);
	m += size + (2ul << 20);
	CHECK(m[size - 4096] == 1 && !mprotect(m, size, PROT_READ));
	from = ticks();
	CHECK(!wait_status(spawn_none()));
	taken[0] = ticks() - from;
	point("fork-readonly", n, 1, n);
	from = ticks();
	CHECK(!munmap(m, size));
	taken[0] = ticks() - from;
	point("munmap-full", n, 1, n);
}

/* Addresses of so many MiB where each table was used once. */
static void emptied_point(unsigned mib)
{
	const size_t size = (size_t)mib << 20;

	for (int again = 0; again < 2; again++) {
		char *m = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		uint64_t from;

		CHECK(m != MAP_FAILED && !madvise(m, size, MADV_NOHUGEPAGE));
		for (size_t at = 0; at < size && !again; at += 2ul << 20)
			m[at] = 1;
		from = ticks();
		CHECK(!munmap(m, size));
		taken[0] = ticks() - from;
	}
	point("munmap-empty", mib, 1, 1);
}

static void curve_ranges(void)
{
	static const unsigned pages[] = { 256, 1024, 4096, 16384, 65536, 131072, 262144 };
	static const unsigned mib[] = { 64, 256, 1024, 4096, 16384, 32768, 65536 };
	unsigned char *is_there = malloc(262144);

	CHECK(is_there);
	memset(is_there, 2, 262144);
	for (unsigned i = 0; i < sizeof pages / sizeof pages[0]; i++)
		ranges_point(pages[i], is_there);
	for (unsigned i = 0; i < sizeof mib / sizeof mib[0]; i++)
		emptied_point(mib[i]);
	free(is_there);
}

#define ARGUMENT 64 /* bytes of each, with its end */

/* Another program with so many KiB of arguments: this one, which has nothing to do then. */
static void args_point(unsigned kib)
{
	static char *argument[1 + (1 << 20) / ARGUMENT + 1];
	static char text[ARGUMENT];
	char *const no_env[] = { 0 };
	unsigned n = (kib << 10) / ARGUMENT;

	memset(text, 'a', ARGUMENT - 1);
	argument[0] = (char *)"nothing";
	for (unsigned i = 1; i <= n; i++)
		argument[i] = text;
	argument[n + 1] = 0;
	for (int k = 0; k < 7; k++) {
		uint64_t from = ticks();
		pid_t one = vfork();

		if (one == 0) {
			(void)execve("/bin/flatcost", argument, no_env);
			_exit(1);
		}
		CHECK(!wait_status(one));
		taken[k] = ticks() - from;
	}
	point("exec-args", kib, 7, 1);
}

static void curve_args(void)
{
	static const unsigned kib[] = { 1, 4, 16, 64, 256, 512, 1024 };

	for (unsigned i = 0; i < sizeof kib / sizeof kib[0]; i++)
		args_point(kib[i]);
}

/* A file of so many pages, all there, is mapped, read once in each and unmapped: a page. */
static void mapped_point(unsigned n)
{
	int file = memfd_create("pages", 0);
	const size_t size = n * 4096ul;
	static char page[4096];
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i++)
		CHECK(write(file, memset(page, 1, sizeof page), sizeof page) == sizeof page);
	for (int k = 0; k < 7; k++) {
		uint64_t from = ticks();
		const volatile char *m = mmap(0, size, PROT_READ, MAP_SHARED, file, 0);

		CHECK(m != MAP_FAILED);
		for (size_t at = 0; at < size; at += 4096)
			sum += (unsigned)m[at];
		CHECK(!munmap((void *)m, size));
		taken[k] = ticks() - from;
	}
	CHECK(sum == 7 * n && !close(file));
	point("mapped-read", n, 7, n);
}

static void curve_mapped(void)
{
	static const unsigned pages[] = { 16, 64, 256, 1024, 4096, 8192, 16384 };

	for (unsigned i = 0; i < sizeof pages / sizeof pages[0]; i++)
		mapped_point(pages[i]);
}

/* A text of /proc, read whole: its lines. */
static unsigned text_read(const char *path)
{
	static char text[65536];
	unsigned lines = 0;
	int file = open(path, O_RDONLY);
	long n;

	CHECK(file >= 0);
	while ((n = read(file, text, sizeof text)) > 0)
		for (const char *at = text; (at = memchr(at, '\n', (size_t)(text + n - at))); at++)
			lines++;
	CHECK(n == 0 && !close(file));
	return lines;
}

/* What /proc says of a process with n mappings: its state; its mappings, a line. */
static void curve_texts(void)
{
	static const unsigned mapped[] = { 30, 100, 300, 1000, 3000, 10000, 30000 };
	static char *map[30000];
	unsigned have = 0, lines = 0;

	for (unsigned i = 0; i < sizeof mapped / sizeof mapped[0]; i++) {
		for (; have < mapped[i]; have++)
			CHECK((map[have] = mmap(0, 4096, have % 2 ? PROT_READ : PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
				!= MAP_FAILED);
		for (int k = 0; k < 7; k++) {
			uint64_t from = ticks();

			CHECK(text_read("/proc/self/stat") == 1);
			taken[k] = ticks() - from;
		}
		point("stat", have, 7, 1);
		for (int k = 0; k < 7; k++) {
			uint64_t from = ticks();

			lines = text_read("/proc/self/maps");
			taken[k] = ticks() - from;
		}
		CHECK(lines >= have);
		point("maps-line", have, 7, lines);
	}
	while (have--)
		CHECK(!munmap(map[have], 4096));
}

/* So many MiB that may be huge pages: a child of who has written them, and the first write after it. */
static void huge_point(unsigned mib)
{
	const size_t size = (size_t)mib << 20;
	char *all = mmap(0, size + (2ul << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *m;
	uint64_t first[5];

	CHECK(all != MAP_FAILED);
	m = (char *)(((uintptr_t)all + (2ul << 20) - 1) & -(2ul << 20));
	CHECK(!madvise(m, size, MADV_HUGEPAGE));
	for (size_t at = 0; at < size; at += 4096)
		m[at] = 1;
	for (int k = 0; k < 5; k++) {
		int quiet[2];
		uint64_t from = ticks();
		pid_t one;

		CHECK(!wait_status(spawn_none()));
		taken[k] = ticks() - from;
		CHECK(!pipe(quiet));
		one = fork();
		if (one == 0) {
			char byte;

			(void)close(quiet[1]);
			(void)!read(quiet[0], &byte, 1);
			_exit(0);
		}
		from = ticks();
		*(volatile char *)(m + (size_t)k % (mib / 2) * (2ul << 20)) = 2;
		first[k] = ticks() - from;
		CHECK(!close(quiet[0]) && !close(quiet[1]) && !wait_status(one));
	}
	point("fork-huge", mib, 5, 1);
	memcpy(taken, first, sizeof first);
	point("fork-huge-write", mib, 5, 1);
	CHECK(!munmap(all, size + (2ul << 20)));
}

static void curve_huge(void)
{
	static const unsigned mib[] = { 2, 8, 32, 128, 256, 512, 1024 };

	for (unsigned i = 0; i < sizeof mib / sizeof mib[0]; i++)
		huge_point(mib[i]);
}

static const struct curve { const char *name; void (*run)(void); } curves[] = {
	{ "poll", curve_poll }, { "children", curve_children }, { "threads", curve_threads }, { "epoll", curve_epoll },
	{ "open", curve_open }, { "signals", curve_signals }, { "timers", curve_timers }, { "maps", curve_maps },
	{ "ranges", curve_ranges }, { "places", curve_places }, { "args", curve_args }, { "mapped", curve_mapped },
	{ "texts", curve_texts }, { "huge", curve_huge },
};

/* All, or those that are named. */
int main(int argc, char **argv)
{
	if (!strcmp(argv[0], "nothing"))
		return 0;
	if (getpid() == 1)
		(void)mount("proc", "/proc", "proc", 0, 0); /* the first program of a Linux without others */
	for (unsigned i = 0; i < sizeof curves / sizeof curves[0]; i++) {
		int wanted = argc == 1;

		for (int k = 1; k < argc; k++)
			wanted |= !strcmp(argv[k], curves[i].name);
		if (wanted)
			curves[i].run();
	}
	return 0;
}
