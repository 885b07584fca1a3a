/* SPDX-License-Identifier: MIT */
/* How the CPU is shared, for a machine whose time is counted in instructions: `fair equal` and `fair nice` print what two spinning processes did in a second,
 * `fair threads` two processes of one and of three threads; `fair timer` and `fair message` how late a process beside ten spinning ones gets the CPU, in us. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include "check.h"

#define MS 1000000l

static volatile struct { uint64_t n, pad[7]; } *done;
static pid_t child[16];
static int children;

static int64_t now(void)
{
	struct timespec t;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

static void until(int64_t at)
{
	struct timespec t = { at / (1000 * MS), at % (1000 * MS) };

	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0) == 0);
}

static void *spin(void *i)
{
	for (;;)
		done[(long)i].n++;
	return 0;
}

static void start(long i, int nice, int threads)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		pthread_t t;

		CHECK(setpriority(PRIO_PROCESS, 0, nice) == 0 && getpriority(PRIO_PROCESS, 0) == nice);
		while (--threads)
			CHECK(pthread_create(&t, 0, spin, (void *)(i + threads)) == 0);
		spin((void *)i);
	}
	child[children++] = pid;
}

static void compare(int nice, int threads)
{
	uint64_t from[4], to[4];

	start(0, 0, 1);
	start(1, nice, threads);
	until(now() + 100 * MS);
	for (int i = 0; i < 4; i++)
		from[i] = done[i].n;
	until(now() + 1000 * MS);
	for (int i = 0; i < 4; i++)
		to[i] = done[i].n;
	for (int i = 0; i < 1 + threads; i++)
		printf("%llu ", (unsigned long long)(to[i] - from[i]));
	printf("\n");
}

static void lateness(int by_message)
{
	int64_t worst = 0, sum = 0;
	int fd[2];

	CHECK(pipe(fd) == 0);
	for (int i = 0; i < 10; i++)
		start(i, 0, 1);
	if (by_message && (child[children++] = fork()) == 0) {
		for (;;) {
			int64_t at;

			until(now() + 7 * MS);
			at = now();
			CHECK(write(fd[1], &at, sizeof at) == sizeof at);
		}
	}
	for (int i = 0; i < 100; i++) {
		int64_t at = now() + 7 * MS + i * MS / 50, late;

		if (by_message)
			CHECK(read(fd[0], &at, sizeof at) == sizeof at);
		else
			until(at);
		late = now() - at;
		sum += late;
		worst = late > worst ? late : worst;
	}
	printf("%ld %ld\n", (long)(sum / 100000), (long)(worst / 1000));
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	done = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(done != MAP_FAILED);
	if (!strcmp(what, "equal"))
		compare(0, 1);
	else if (!strcmp(what, "nice"))
		compare(5, 1);
	else if (!strcmp(what, "threads"))
		compare(0, 3);
	else
		lateness(!strcmp(what, "message"));
	for (int i = 0; i < children; i++)
		(void)kill(child[i], SIGKILL);
	return 0;
}
