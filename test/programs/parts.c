/* SPDX-License-Identifier: MIT */
/* What a program sees of the parts of its library OS (guest/parts): `parts ahead`, `parts copied`, `parts order`. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE   4096ul
#define PAGES  64
#define ORDER  4
#define SPIN_S 0.1 /* of CPU time: many turns */

static volatile char *memory(void)
{
	void *p = mmap(NULL, PAGES * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static long faults(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_minflt;
}

/* Which of the first four pages are there when the first has been written. */
static int ahead(void)
{
	volatile char *p = memory();
	unsigned char there[4] = { 0 };

	if (!p)
		return 1;
	*p = 1;
	if (mincore((void *)(uintptr_t)p, sizeof there * SIZE, there))
		return 1;
	printf("%d %d %d %d\n", there[0] & 1, there[1] & 1, there[2] & 1, there[3] & 1);
	return 0;
}

/* Faults of a parent that writes what it had written before it forked. The child's memory is as it was then. */
static int copied(void)
{
	volatile char *p = memory();
	int end[2], status;
	long before;
	char c;

	if (!p || pipe(end))
		return 1;
	memset((void *)(uintptr_t)p, 1, PAGES * SIZE);
	before = faults();
	if (fork() == 0) {
		int sum = 0;

		close(end[1]);
		if (read(end[0], &c, 1) != 0)
			return 1;
		for (int i = 0; i < PAGES; i++)
			sum += p[i * SIZE];
		return sum != PAGES;
	}
	before = faults();
	for (int i = 0; i < PAGES; i++)
		p[i * SIZE] = 2;
	printf("%ld faults\n", faults() - before);
	close(end[1]);
	return wait(&status) < 0 || status;
}

/* Who is through first, of children that begin at once and have as much to do. */
static int order(void)
{
	int begin[2], through[2];
	char c, said[ORDER + 1] = "";

	if (pipe(begin) || pipe(through))
		return 1;
	for (int i = 0; i < ORDER; i++) {
		if (fork() == 0) {
			close(begin[1]);
			if (read(begin[0], &c, 1) != 0)
				return 1;
			while (clock() < SPIN_S * CLOCKS_PER_SEC)
				;
			c = (char)('1' + i);
			return write(through[1], &c, 1) != 1;
		}
	}
	close(begin[1]);
	for (int i = 0; i < ORDER; i++)
		if (wait(NULL) < 0)
			return 1;
	if (read(through[0], said, ORDER) != ORDER)
		return 1;
	puts(said);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (!strcmp(what, "ahead"))
		return ahead();
	return strcmp(what, "copied") ? order() : copied();
}
