/* SPDX-License-Identifier: MIT */
/* setitimer and alarm: ticks come while spinning and while asleep, EINTR and SA_RESTART are told apart, the clock moves as the ticks say. */
#include "check.h"
#include <signal.h>
#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t ticks;
static void on_tick(int s) { (void)s; ticks++; }

static long ms(void)
{
	struct timespec t;
	CHECK(!clock_gettime(CLOCK_MONOTONIC, &t));
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_tick };
	CHECK(!sigaction(SIGALRM, &sa, 0));
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } }, old;
	long start = ms();
	CHECK(!setitimer(ITIMER_REAL, &it, 0));
	while (ticks < 10)
		;
	long took = ms() - start;
	CHECK(took >= 95 && took < 20000);
	CHECK(!getitimer(ITIMER_REAL, &old) && old.it_interval.tv_usec == 10000);
	it = (struct itimerval) { { 0, 0 }, { 0, 0 } };
	CHECK(!setitimer(ITIMER_REAL, &it, &old));
	/* One shot, asleep: nanosleep ends early with what is left. */
	ticks = 0;
	it = (struct itimerval) { { 0, 0 }, { 0, 50000 } };
	CHECK(!setitimer(ITIMER_REAL, &it, 0));
	struct timespec want = { 30, 0 }, left = { 0, 0 };
	errno = 0;
	CHECK(nanosleep(&want, &left) == -1 && errno == EINTR && ticks == 1 && left.tv_sec >= 1);
	/* A read without SA_RESTART is interrupted; with it, it goes on until the child writes. */
	int fd[2];
	char c;
	CHECK(!pipe(fd));
	CHECK(!setitimer(ITIMER_REAL, &it, 0));
	errno = 0;
	CHECK(read(fd[0], &c, 1) == -1 && errno == EINTR && ticks == 2);
	sa.sa_flags = SA_RESTART;
	CHECK(!sigaction(SIGALRM, &sa, 0));
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		struct timespec t = { 0, 200000000 };
		nanosleep(&t, 0);
		CHECK(write(fd[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK(!setitimer(ITIMER_REAL, &it, 0));
	CHECK(read(fd[0], &c, 1) == 1 && c == 'x' && ticks == 3);
	CHECK(wait_status(pid) == 0);
	/* The child of a fork has no timer; an unhandled alarm kills. */
	CHECK(alarm(100) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(alarm(0) == 0);
		signal(SIGALRM, SIG_DFL);
		alarm(1);
		for (;;)
			pause();
	}
	CHECK(wait_status(pid) == 128 + SIGALRM);
	CHECK(alarm(0) > 0);
	printf("ok\n");
	return 0;
}
