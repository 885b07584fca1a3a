/* SPDX-License-Identifier: MIT */
/* A sleep, a timer and a byte that comes from outside reach a process while all others sleep, and while one spins with
 * its upcalls switched off. argv[1]: sleep or spin. Aril only. */
#include "check.h"
#include <poll.h>
#include <rt/gate.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#define OTHERS 5

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

static void other(int spins)
{
	if (spins)
		((volatile struct exo_page *)rt_exo(rt_self()))->disabled = 1;
	for (;;)
		if (!spins)
			pause();
}

int main(int argc, char **argv)
{
	int spin = argc > 1 && !strcmp(argv[1], "spin");
	struct timespec begin, end;
	pid_t pid[OTHERS];
	char byte = 0;

	for (int i = 0; i < OTHERS; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (!pid[i])
			other(spin && !i);
	}
	usleep(20000);
	/* Sleeps end, and none before its time. */
	CHECK(clock_gettime(CLOCK_MONOTONIC, &begin) == 0);
	for (int i = 0; i < 10; i++)
		CHECK(usleep(20000) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &end) == 0);
	CHECK((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000 >= 200);
	/* A timer fires. */
	signal(SIGALRM, on_alarm);
	CHECK(setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 20000 }, { 0, 20000 } }, NULL) == 0);
	while (alarms < 5)
		pause();
	CHECK(setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 0 } }, NULL) == 0);
	/* A byte comes after it was asked for. */
	printf("ready\n");
	fflush(stdout);
	CHECK(poll(&(struct pollfd){ .fd = 0, .events = POLLIN }, 1, -1) == 1);
	CHECK(read(0, &byte, 1) == 1);
	for (int i = 0; i < OTHERS; i++) {
		CHECK(kill(pid[i], SIGKILL) == 0);
		CHECK(wait_status(pid[i]) == 128 + SIGKILL);
	}
	printf("got %c\n", byte);
	return 0;
}
