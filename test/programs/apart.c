/* SPDX-License-Identifier: MIT */
/* What it costs to run a program apart from others, from before its start to behind its end, in ticks: apart plain|
 * unshare, or apart plain PROGRAM [ARG]... The program is this one, which ends at once, or PROGRAM. unshare: with new
 * namespaces of every kind that Linux has for clone(2). */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define ROUNDS 9
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
	CLONE_NEWNET)

static int order(const void *a, const void *b)
{
	return *(const uint64_t *)a < *(const uint64_t *)b ? -1 : *(const uint64_t *)a > *(const uint64_t *)b;
}

int main(int argc, char **argv)
{
	char *nothing[] = { "/bin/apart", "nothing", NULL };
	uint64_t ticks[ROUNDS];
	char **program = argc > 2 ? argv + 2 : nothing;
	unsigned long flags;

	if (argc < 2 || !strcmp(argv[1], "nothing"))
		return 0;
	flags = strcmp(argv[1], "unshare") ? 0 : NAMESPACES;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t begin = __rdtsc();
		long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
		int status = 0;

		if (!child) {
			execv(program[0], program);
			_exit(127);
		}
		if (child < 0 || waitpid((pid_t)child, &status, 0) != child || status) {
			printf("apart: %s: it cannot be run, or has failed\n", program[0]);
			return 1;
		}
		ticks[i] = __rdtsc() - begin;
	}
	qsort(ticks, ROUNDS, sizeof *ticks, order);
	printf("apart %lu\n", (unsigned long)ticks[ROUNDS / 2]);
	return 0;
}
