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

/* Each page a mapping of its own, whose neighbour has another right: nothing beside it can come with it. */
int row_demand_zero_one(void)
{
	char *m = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(m != MAP_FAILED && mprotect(m + PAGE, PAGE, PROT_READ) == 0);
	m[0] = 1;
	EACH(rounds(N), NEED(madvise(m, PAGE, MADV_DONTNEED) == 0), *(volatile char *)m = 1, );
	samples_say("");
	return 0;
}

/* A child that writes each page there (none: 0) and lives until the pipe's other end is closed. */
static pid_t sharer(int fd[2], char *written)
{
	pid_t child;

	if (pipe(fd) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		char byte;

		(void)close(fd[1]);
		for (unsigned i = 0; written && i < COW_PAGES; i++)
			written[i * PAGE] = 3;
		(void)!read(fd[0], &byte, 1);
		_exit(0);
	}
	(void)close(fd[0]);
	return child;
}

/* Writes so many pages: one sample, by pages. */
static void pages_write(char *m, unsigned pages)
{
	uint64_t from = ticks();

	for (unsigned i = 0; i < pages; i++)
		m[i * PAGE] = 2;
	sample(from, ticks(), pages);
}

/* Writes so many pages while the child lives (none: 0), or all after its end; it may have written them itself. */
static int cow(unsigned while_shared, int child_writes)
{
	char *m = touched(COW_PAGES * PAGE);

	NEED(m != 0);
	for (unsigned k = 0; k < 5; k++) {
		int fd[2], e = 0;
		pid_t child = sharer(fd, child_writes ? m : 0);

		NEED(child > 0);
		if (while_shared)
			pages_write(m, while_shared);
		(void)close(fd[1]);
		if ((e = ended_well(child)) != 0)
			return e;
		if (!while_shared)
			pages_write(m, COW_PAGES);
	}
	samples_say("");
	return 0;
}

int row_cow_copy(void) { return cow(COW_PAGES, 0); }
int row_cow_copy_one(void) { return cow(1, 0); }
int row_cow_last(void) { return cow(0, 0); }
int row_cow_last_child(void) { return cow(0, 1); }

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
