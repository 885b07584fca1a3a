/* SPDX-License-Identifier: MIT */
/* Many at once: 10,000 threads, 10,000 files in one poll and one epoll, as many mappings as there may be; and of
 * several epolls that watch one file exclusively, one wakes. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "check.h"

#define THREADS 10000
#define FILES   10000
#define STACK   16384

static int quiet[2], files[FILES];
static struct pollfd asked[FILES];
static pthread_t thread[THREADS];
static volatile int begun;

static void *sleep_on_pipe(void *number)
{
	char byte;

	__atomic_fetch_add(&begun, 1, __ATOMIC_RELAXED);
	(void)!read(quiet[0], &byte, 1);
	return number;
}

static void threads(void)
{
	/* One mapping for all stacks: how many mappings there may be is another question. */
	char *stacks = mmap(0, (size_t)THREADS * STACK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pthread_attr_t a;
	void *result;
	long n = 0, sum = 0;

	CHECK(stacks != MAP_FAILED && !pipe(quiet) && !pthread_attr_init(&a));
	for (; n < THREADS; n++)
		if (pthread_attr_setstack(&a, stacks + n * STACK, STACK)
			|| pthread_create(&thread[n], &a, sleep_on_pipe, (void *)n))
			break;
	while (begun < n)
		(void)usleep(1000);
	CHECK(!kill(getpid(), 0) && !close(quiet[1]));
	for (long i = 0; i < n; i++) {
		CHECK(!pthread_join(thread[i], &result));
		sum += (long)result == i;
	}
	CHECK(sum == n && !close(quiet[0]) && !munmap(stacks, (size_t)THREADS * STACK));
	printf("%ld threads\n", n);
}

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event e = { events, { .fd = fd } };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static void waiting(void)
{
	struct epoll_event got[4];
	int ep = epoll_create1(0), last = FILES - 7;
	pid_t child;

	for (int i = 0; i < FILES; i++) {
		CHECK((files[i] = eventfd(0, EFD_NONBLOCK)) >= 0 && !add(ep, files[i], EPOLLIN));
		asked[i] = (struct pollfd){ files[i], POLLIN, 0 };
	}
	for (int by_epoll = 0; by_epoll < 2; by_epoll++) {
		child = fork();
		if (!child) {
			(void)usleep(20000);
			_exit(write(files[last], &(uint64_t){ 1 }, 8) != 8);
		}
		if (by_epoll)
			CHECK(epoll_wait(ep, got, 4, 20000) == 1 && got[0].data.fd == files[last]);
		else
			CHECK(poll(asked, FILES, 20000) == 1 && asked[last].revents == POLLIN);
		CHECK(wait_status(child) == 0 && read(files[last], &(uint64_t){ 0 }, 8) == 8);
	}
	for (int i = 0; i < FILES; i++)
		CHECK(!close(files[i]));
	CHECK(!close(ep));
	printf("%d files\n", FILES);
}

#define WATCHERS 5

/* So many processes wait by an epoll of their own each; how many of them say, by the pipe, that they were woken. */
static int woken(int fd, uint32_t events, void (*deed)(void))
{
	pid_t child[WATCHERS];
	struct pollfd p;
	int said[2], ready[2], count = 0;
	char byte;

	CHECK(!pipe(said) && !pipe(ready));
	for (int i = 0; i < WATCHERS; i++) {
		child[i] = fork();
		if (!child[i]) {
			struct epoll_event got;
			int ep = epoll_create1(0);

			CHECK(!prctl(PR_SET_PDEATHSIG, SIGKILL) && !add(ep, fd, events) && write(ready[1], "", 1) == 1);
			CHECK(epoll_wait(ep, &got, 1, -1) == 1 && write(said[1], "", 1) == 1);
			(void)pause();
		}
		CHECK(read(ready[0], &byte, 1) == 1);
	}
	(void)usleep(200000); /* all sleep */
	deed();
	p = (struct pollfd){ said[0], POLLIN, 0 };
	while (poll(&p, 1, count ? 300 : 20000) == 1)
		count += read(said[0], &byte, 1) == 1;
	for (int i = 0; i < WATCHERS; i++)
		CHECK(!kill(child[i], SIGKILL) && wait_status(child[i]) == 128 + SIGKILL);
	CHECK(!close(said[0]) && !close(said[1]) && !close(ready[0]) && !close(ready[1]));
	return count;
}

static int event;
static void tell(void) { CHECK(write(event, &(uint64_t){ 1 }, 8) == 8); }

static int refused(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event e = { events, { .fd = fd } };

	return epoll_ctl(ep, op, fd, &e) ? errno : 0;
}

static void exclusive(void)
{
	int ep = epoll_create1(0), other = epoll_create1(0);

	CHECK((event = eventfd(0, 0)) >= 0);
	printf("all: %d", woken(event, EPOLLIN, tell));
	CHECK(read(event, &(uint64_t){ 0 }, 8) == 8);
	printf(" exclusive: %d", woken(event, EPOLLIN | EPOLLEXCLUSIVE, tell));
	CHECK(read(event, &(uint64_t){ 0 }, 8) == 8);
	printf(" by edges: %d", woken(event, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, tell));
	CHECK(read(event, &(uint64_t){ 0 }, 8) == 8);
	printf(" refused: %d", refused(ep, EPOLL_CTL_ADD, event, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT));
	printf(" %d", refused(ep, EPOLL_CTL_ADD, other, EPOLLIN | EPOLLEXCLUSIVE));
	printf(" %d", refused(ep, EPOLL_CTL_ADD, event, EPOLLIN | EPOLLEXCLUSIVE));
	printf(" %d", refused(ep, EPOLL_CTL_MOD, event, EPOLLIN));
	printf(" %d", refused(ep, EPOLL_CTL_MOD, event, EPOLLIN | EPOLLEXCLUSIVE));
	printf(" %d\n", refused(ep, EPOLL_CTL_DEL, event, 0));
	CHECK(!close(event) && !close(ep) && !close(other));
}

/* Many senders of one receiver, of which those that found no room hear of some. */
static void senders(void)
{
	enum { MANY = 50 };
	static char text[32000];
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0walls" };
	int to = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), from[MANY], heard = 0;
	struct pollfd p[MANY];

	(void)sprintf(name.sun_path + 6, "%d", (int)getpid());
	CHECK(!bind(to, (struct sockaddr *)&name, sizeof name));
	for (int i = 0; i < MANY; i++) {
		from[i] = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		p[i] = (struct pollfd){ from[i], POLLOUT, 0 };
		CHECK(from[i] >= 0 && !connect(from[i], (struct sockaddr *)&name, sizeof name));
	}
	for (int round = 0; round < 3; round++) {
		pid_t child;

		while (write(from[round], text, sizeof text) > 0)
			;
		CHECK(errno == EAGAIN);
		for (int i = 0; i < MANY; i++) /* a sender may have room of its own left, on another system */
			while (write(from[i], text, sizeof text) > 0)
				;
		child = fork();
		if (!child) {
			(void)usleep(20000);
			while (read(to, text, sizeof text) > 0)
				;
			_exit(0);
		}
		CHECK(poll(p, MANY, 20000) > 0 && wait_status(child) == 0);
		CHECK(poll(p, MANY, 20000) == MANY);
		heard++;
	}
	for (int i = 0; i < MANY; i++)
		CHECK(!close(from[i]));
	CHECK(!close(to));
	printf("senders: %d\n", heard);
}

#define MAPS 60000
#define MOST 65530 /* max_map_count */
#define PAGE 4096l

static char *map[MOST + 100];

static char *one_more(long i)
{
	return mmap(0, PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long lines_of_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	long n = 0;

	CHECK(f);
	for (int c; (c = getc(f)) != EOF;)
		n += c == '\n';
	CHECK(!fclose(f));
	return n;
}

static void marks_look(long step, char mark)
{
	for (long i = 0; i < MAPS; i += step)
		CHECK(*map[i] == (i % (4 * step) ? 0 : mark));
}

static void marks_set(long step, char mark)
{
	for (long i = 0; i < MAPS; i += 4 * step)
		*map[i] = mark;
}

/* No more can be had, by any way; but what makes none more still goes, and then there is room. */
static void maps_full(long n)
{
	char *three;
	long said = 0;

	for (; n < MOST + 100 && (map[n] = one_more(n)) != MAP_FAILED; n++)
		;
	CHECK(errno == ENOMEM && n > MOST - 100 && n < MOST);
	said = lines_of_maps();
	CHECK(said > MOST - 10 && said < MOST + 10);
	CHECK(!munmap(map[10], PAGE) && !munmap(map[20], PAGE) && !munmap(map[30], PAGE));
	three = mmap(0, 5 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(three != MAP_FAILED);
	while ((map[n] = one_more(n)) != MAP_FAILED)
		n++;
	CHECK(munmap(three + PAGE, PAGE) == -1 && errno == ENOMEM);
	CHECK(mprotect(three + PAGE, PAGE, PROT_READ) == -1 && errno == ENOMEM);
	CHECK(!munmap(three, PAGE) && !munmap(three + 4 * PAGE, PAGE)); /* a shorter one is no other one */
	map[10] = map[20] = map[30] = three + PAGE;
	CHECK(!munmap(three + PAGE, 3 * PAGE));
	for (long i = 0; i < n; i++)
		CHECK(!munmap(map[i * 7919 % n], PAGE)); /* in no order */
}

static void mappings(void)
{
	pid_t child;
	long before = lines_of_maps();

	for (long i = 0; i < MAPS; i++)
		CHECK((map[i] = one_more(i)) != MAP_FAILED);
	CHECK(lines_of_maps() >= MAPS);
	marks_set(50, 'p');
	for (int round = 0; round < 2; round++) {
		child = fork();
		CHECK(child >= 0);
		if (!child) {
			marks_look(50, 'p');
			marks_set(50, 'c');
			CHECK(!mprotect(map[MAPS / 2 + 1], PAGE, PROT_READ | PROT_WRITE) && !munmap(map[MAPS / 3 + 1], PAGE));
			map[MAPS / 2 + 1][0] = 1;
			child = fork();
			if (!child) {
				marks_look(50, 'c');
				_exit(6);
			}
			CHECK(wait_status(child) == 6);
			_exit(5);
		}
		CHECK(wait_status(child) == 5);
		marks_look(50, 'p');
	}
	maps_full(MAPS);
	CHECK(lines_of_maps() == before);
	printf("%d mappings\n", MAPS);
}

int main(void)
{
	struct rlimit most;

	CHECK(!getrlimit(RLIMIT_NOFILE, &most));
	most.rlim_cur = FILES + 100;
	CHECK(!setrlimit(RLIMIT_NOFILE, &most));
	setvbuf(stdout, NULL, _IONBF, 0);
	waiting();
	exclusive();
	senders();
	mappings();
	threads();
	puts("walls: ok");
	return 0;
}
