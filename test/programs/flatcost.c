/* SPDX-License-Identifier: MIT */
/* Operations whose cost does not grow with what else there is: processes that wait for something else, files that are
 * watched, files that are open. Ticks of one against how many they are, a line for each point. Counted by -icount,
 * where a tick is as good as an instruction (test_budget.py). */
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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
}

int main(void)
{
	curve_poll();
	curve_epoll();
	curve_open();
	return 0;
}
