/* SPDX-License-Identifier: MIT */
/* SIGKILL ends a process that spins with its upcalls off, whatever the one that made it does: it sleeps, is stopped,
 * spins in the same way, is gone; and whatever process 1 was told. Aril only. */
#include "check.h"
#include <poll.h>
#include <rt/gate.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void spin(void)
{
	((volatile struct exo_page *)rt_exo(rt_self()))->disabled = 1;
	for (;;)
		;
}

static void sleeps(void)
{
	for (;;)
		pause();
}

static void stops(void)
{
	for (;;)
		raise(SIGSTOP);
}

static void leaves(void) { _exit(0); }

static const struct { const char *name; void (*run)(void); } makers[] = {
	{ "sleeps", sleeps }, { "is stopped", stops }, { "spins", spin }, { "is gone", leaves },
};

/* The numbers of a process and of the one that it made, which spins. */
static pid_t pair_make(void (*run)(void), pid_t *spinner)
{
	int end[2];
	pid_t maker;

	CHECK(pipe(end) == 0);
	maker = fork();
	CHECK(maker >= 0);
	if (!maker) {
		pid_t pid = fork();

		if (!pid)
			spin();
		CHECK(write(end[1], &pid, sizeof pid) == sizeof pid);
		run();
	}
	CHECK(read(end[0], spinner, sizeof *spinner) == sizeof *spinner && *spinner > 0);
	CHECK(close(end[0]) == 0 && close(end[1]) == 0);
	return maker;
}

/* Waits for the end of a process that need not be a child. */
static void ended(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	CHECK(fd >= 0);
	CHECK(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1) == 1);
	CHECK(close(fd) == 0);
}

int main(void)
{
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	CHECK(kill(1, SIGSTOP) == 0); /* nothing to process 1 */
	for (unsigned i = 0; i < sizeof makers / sizeof *makers; i++) {
		pid_t spinner = 0, maker = pair_make(makers[i].run, &spinner);

		usleep(50000); /* both are at what they do */
		CHECK(kill(spinner, SIGKILL) == 0);
		ended(spinner);
		(void)kill(maker, SIGKILL);
		(void)wait_status(maker);
		CHECK(wait_status(spinner) == 128 + SIGKILL);
		printf("the maker %s: ended\n", makers[i].name);
		fflush(stdout);
	}
	return 0;
}
