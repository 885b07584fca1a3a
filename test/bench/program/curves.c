/* SPDX-License-Identifier: MIT */
/* Curves: how a cost grows with memory, with processes alive, with the size of a call. A curve ends where the machine has no more. */
#include <signal.h>
#include "measure.h"

int curve_fork(void)
{
	size_t have = 0;

	for (size_t size = MIB; size <= 1024 * MIB; size *= 2) {
		if (!touched(size - have))
			return ENOMEM;
		have = size;
		EACH(5, , {
			pid_t child = fork();

			if (child == 0)
				_exit(0);
			(void)waitpid(child, 0, 0);
		}, );
		samples_point("fork", (double)(size / MIB));
	}
	return 0;
}

/* A ring: each member waits for the token from the one before it and hands it on. */
static void member(int in, int out)
{
	char token;

	while (read(in, &token, 1) == 1 && write(out, &token, 1) == 1)
		;
	_exit(0);
}

static int ring(unsigned n)
{
	int first[2], in, next[2];
	char token = 't';
	int e = 0;

	NEED(pipe(first) == 0);
	in = first[0];
	for (unsigned i = 1; i < n && !e; i++) {
		pid_t child;

		if (pipe(next) < 0 || (child = fork()) < 0) {
			e = errno;
			break;
		}
		if (child == 0) {
			(void)close(first[1]);
			(void)close(next[0]);
			member(in, next[1]);
		}
		(void)close(in);
		(void)close(next[1]);
		in = next[0];
	}
	if (!e) {
		for (int lap = 0; lap < 4; lap++) {
			uint64_t from = ticks();

			(void)!write(first[1], &token, 1);
			if (read(in, &token, 1) != 1)
				e = EIO;
			if (lap)
				sample(from, ticks(), n);
		}
	}
	(void)close(first[1]);
	(void)close(in);
	while (waitpid(-1, 0, 0) > 0)
		;
	return e;
}

int curve_switch(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	for (unsigned n = 2; n <= 256; n *= 2) {
		int e = ring(n);

		if (e)
			return e;
		samples_point("switch", n);
	}
	return 0;
}

int curve_map(void)
{
	for (size_t pages = 1; pages <= 4096; pages *= 2) {
		for (unsigned k = 0; k < 7; k++) {
			uint64_t from = ticks();
			char *m = mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

			if (m == MAP_FAILED)
				return errno;
			for (size_t i = 0; i < pages; i++)
				m[i * PAGE] = 1;
			(void)munmap(m, pages * PAGE);
			if (k)
				sample(from, ticks(), (double)pages);
		}
		samples_point("map", (double)pages);
	}
	return 0;
}
