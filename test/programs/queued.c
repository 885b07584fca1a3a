/* SPDX-License-Identifier: MIT */
/* Signals that wait in queues, and timers that would send some: as many as RLIMIT_SIGPENDING says, in their order. */
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include "check.h"

#define LIMIT 600
#define SLACK 40 /* what else the host's user may have pending */

static timer_t timers[LIMIT];
static sigset_t all;

static int take(siginfo_t *info)
{
	static const struct timespec none;

	return sigtimedwait(&all, info, &none);
}

static int queue(int sig, int value)
{
	const union sigval v = { .sival_int = value };

	return sigqueue(getpid(), sig, v);
}

static int near_limit(int n) { return n <= LIMIT && n > LIMIT - SLACK; }

/* Those of two numbers, in turn: the lower number comes first, each in its order. */
static void in_order(void)
{
	siginfo_t info;
	int low = 0, high = 0;

	for (int i = 0; i < 200; i++)
		CHECK(!queue(SIGRTMIN + 5 - i % 2, i));
	CHECK(!kill(getpid(), SIGUSR1) && take(&info) == SIGUSR1);
	for (; low < 100; low++)
		CHECK(take(&info) == SIGRTMIN + 4 && info.si_code == SI_QUEUE && info.si_value.sival_int == 2 * low + 1);
	for (; high < 100; high++)
		CHECK(take(&info) == SIGRTMIN + 5 && info.si_value.sival_int == 2 * high);
	CHECK(take(&info) == -1 && errno == EAGAIN);
}

static void full(void)
{
	siginfo_t info;
	int n = 0, taken = 0;

	while (!queue(SIGRTMIN + 1, n))
		n++;
	printf("queue full: %d %s", near_limit(n), strerror(errno));
	/* A first signal of a number comes all the same, when it is sent by kill. */
	printf(" %d", kill(getpid(), SIGRTMIN + 2));
	printf(" by tgkill: %d", syscall(SYS_tgkill, getpid(), getpid(), SIGRTMIN + 3) ? errno : 0);
	CHECK(take(&info) == SIGRTMIN + 1 && info.si_value.sival_int == 0);
	CHECK(!queue(SIGRTMIN + 1, n) && queue(SIGRTMIN + 1, n) == -1 && errno == EAGAIN);
	while (take(&info) == SIGRTMIN + 1)
		CHECK(info.si_value.sival_int == ++taken);
	CHECK(taken == n && info.si_signo == SIGRTMIN + 2);
	printf(" cause %d\n", info.si_code);
	CHECK(take(&info) == -1);
}

static void arm(timer_t id, long ns)
{
	CHECK(!timer_settime(id, 0, &(struct itimerspec){ .it_value = { ns / 1000000000, ns % 1000000000 } }, 0));
}

static void timers_full(void)
{
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3 };
	static char came[LIMIT];
	siginfo_t info;
	int n = 0, got = 0;

	for (; n < LIMIT; n++) {
		e.sigev_value.sival_int = n;
		if (timer_create(CLOCK_MONOTONIC, &e, &timers[n]))
			break;
	}
	printf("timers full: %d %d", near_limit(n), n == LIMIT || errno == EAGAIN);
	/* Every third goes, every other third is far away; those that are left come all, whatever the order. */
	for (int i = 0; i < n; i++)
		arm(timers[i], 3600000000000l - i);
	for (int i = n - 1; i >= 0; i--)
		if (i % 3 == 0)
			CHECK(!timer_delete(timers[i]));
		else if (i % 3 == 1)
			arm(timers[i], 1000 + i * 7919l % 997 * 1000);
	for (int left = n - n / 3 - (n % 3 > 0) - n / 3; got < left; got++) {
		CHECK(sigtimedwait(&all, &info, &(struct timespec){ 20, 0 }) == SIGRTMIN + 3 && info.si_code == SI_TIMER);
		CHECK(info.si_value.sival_int % 3 == 1 && !came[info.si_value.sival_int]++);
	}
	CHECK(take(&info) == -1);
	for (int i = 0; i < n; i++) {
		struct itimerspec is;
		int there = !timer_gettime(timers[i], &is);

		CHECK(there == (i % 3 != 0) && (!there || (is.it_value.tv_sec > 3000) == (i % 3 == 2)));
	}
	CHECK(!timer_create(CLOCK_MONOTONIC, &e, &timers[0]) && !timer_delete(timers[0]));
	for (int i = 0; i < n; i++)
		if (i % 3)
			CHECK(!timer_delete(timers[i]));
	printf(" gone %d\n", timer_delete(timers[1]) != 0);
}

int main(void)
{
	struct rlimit r;

	CHECK(!getrlimit(RLIMIT_SIGPENDING, &r));
	r.rlim_cur = LIMIT;
	CHECK(!setrlimit(RLIMIT_SIGPENDING, &r));
	sigfillset(&all);
	CHECK(!sigprocmask(SIG_BLOCK, &all, 0));
	in_order();
	full();
	timers_full();
	in_order();
	puts("queued: ok");
	return 0;
}
