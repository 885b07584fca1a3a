/* SPDX-License-Identifier: MIT */
/* cputime FROM SECONDS [fork]: from that second of the machine's clock on it works for so many seconds, and says how
 * many thousandths of them it had the CPU. fork: its work is to make children that end at once. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static long long used(int who)
{
	struct rusage u;

	(void)getrusage(who, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000ll + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static void child(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	long long begin = argc > 2 ? atoll(argv[1]) * 1000000000ll : 0, seconds = argc > 2 ? atoll(argv[2]) : 0, before;

	while (now() < begin)
		usleep(1000);
	before = used(RUSAGE_SELF) + used(RUSAGE_CHILDREN);
	while (now() < begin + seconds * 1000000000ll)
		if (argc > 3)
			child();
	before = used(RUSAGE_SELF) + used(RUSAGE_CHILDREN) - before;
	printf("%lld\n", before / (seconds ? seconds * 1000 : 1));
	return 0;
}
