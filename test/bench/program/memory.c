/* SPDX-License-Identifier: MIT */
/* Rows of memory: pages that come, are copied, change their rights. */
#include "measure.h"

#define N 301
#define COW_PAGES 400u
#define MANY 100

int row_demand_zero(void)
{
	size_t size = 64 * MIB;

	for (unsigned k = 0; k < 3; k++) {
		uint64_t from = ticks();
		char *m = touched(size);

		if (!m)
			return ENOMEM;
		(void)munmap(m, size);
		sample(from, ticks(), (double)(size / PAGE));
	}
	samples_say("");
	return 0;
}

/* A child that lives until the pipe's other end is closed. */
static pid_t sharer(int fd[2])
{
	pid_t child;

	if (pipe(fd) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		char byte;

		(void)close(fd[1]);
		(void)!read(fd[0], &byte, 1);
		_exit(0);
	}
	(void)close(fd[0]);
	return child;
}

/* Writes all pages: one sample, by pages. */
static void pages_write(char *m)
{
	uint64_t from = ticks();

	for (unsigned i = 0; i < COW_PAGES; i++)
		m[i * PAGE] = 2;
	sample(from, ticks(), COW_PAGES);
}

static int cow(int shared)
{
	char *m = touched(COW_PAGES * PAGE);

	NEED(m != 0);
	for (unsigned k = 0; k < 5; k++) {
		int fd[2], e = 0;
		pid_t child = sharer(fd);

		NEED(child > 0);
		if (shared)
			pages_write(m);
		(void)close(fd[1]);
		if ((e = ended_well(child)) != 0)
			return e;
		if (!shared)
			pages_write(m);
	}
	samples_say("");
	return 0;
}

int row_cow_copy(void) { return cow(1); }
int row_cow_last(void) { return cow(0); }

int row_mmap(void)
{
	NEED(touched(PAGE) != 0);
	EACH(rounds(N), , {
		void *m = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		(void)munmap(m, PAGE);
	}, );
	samples_say("");
	return 0;
}

static int mprotect_pages(unsigned pages)
{
	char *m = touched(3 * MANY * PAGE);

	NEED(m != 0);
	m += MANY * PAGE;
	NEED(mprotect(m, pages * PAGE, PROT_READ) == 0 && mprotect(m, pages * PAGE, PROT_READ | PROT_WRITE) == 0);
	EACH(rounds(N), , (void)mprotect(m, pages * PAGE, k % 2 ? PROT_READ | PROT_WRITE : PROT_READ), );
	samples_say("");
	return 0;
}

int row_mprotect1(void) { return mprotect_pages(1); }
int row_mprotect100(void) { return mprotect_pages(MANY); }
