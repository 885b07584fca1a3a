/* SPDX-License-Identifier: MIT */
/* How much of the CPU a runaway of SCHED_FIFO has, which nobody else wants, in percent of three seconds. */
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include "check.h"

static double now(clockid_t clock)
{
	struct timespec t;

	CHECK(clock_gettime(clock, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* musl has the call, and does not make it. */
static void class_set(pid_t pid, int priority)
{
	CHECK(syscall(SYS_sched_setscheduler, pid, SCHED_FIFO, &priority) == 0);
}

int main(void)
{
	pid_t pid = fork();
	double from, used;
	clockid_t clock;

	CHECK(pid >= 0);
	for (volatile int i = 0; pid == 0; i++)
		;
	CHECK(clock_getcpuclockid(pid, &clock) == 0);
	class_set(0, 20);
	class_set(pid, 10);
	from = now(CLOCK_MONOTONIC);
	used = now(clock);
	while (now(CLOCK_MONOTONIC) < from + 3)
		CHECK(usleep(100000) == 0);
	printf("%d\n", (int)(100 * (now(clock) - used) / (now(CLOCK_MONOTONIC) - from)));
	CHECK(kill(pid, SIGKILL) == 0 && wait_status(pid) == 128 + SIGKILL);
	return 0;
}
