/* SPDX-License-Identifier: MIT */
/* Mappings of a file whose operations sleep, in the working folder: read(2) of it into one, write(2) to it out
 * of one, where pages are met that are not there; another process maps, reads and writes it at the same time. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE  4096
#define PAGES 4
#define TIMES 10

static char page_of(int i) { return (char)('a' + i); }

static char *mapped(int fd)
{
	char *p = mmap(NULL, PAGES * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

/* n whole pages at p are the file's from its page `from` on. */
static void same(const char *p, int n, int from)
{
	for (int i = 0; i < n * SIZE; i++)
		if (p[i] != page_of(from + i / SIZE))
			errx(1, "byte %d of %d pages from %d: %d", i, n, from, p[i]);
}

static void round_of(int fd)
{
	char *p = mapped(fd), *q = mapped(fd), part[SIZE];

	/* Into pages that are not there, and over two of them. */
	if (pread(fd, p, 2 * SIZE, 2 * SIZE) != 2 * SIZE)
		err(1, "pread");
	same(p, 2, 2);
	same(p + 2 * SIZE, 2, 2);
	if (pread(fd, p + SIZE / 2, SIZE, SIZE) != SIZE || memcmp(p, q + 2 * SIZE, SIZE / 2) || p[SIZE / 2] != page_of(1))
		errx(1, "into the middle");
	munmap(q, PAGES * SIZE);
	/* Out of pages that are not there: each of the file becomes what it was. */
	q = mapped(fd);
	if (pwrite(fd, q, PAGES * SIZE, 0) != PAGES * SIZE)
		err(1, "pwrite");
	for (int i = 0; i < PAGES; i++) {
		if (pread(fd, part, SIZE, i * SIZE) != SIZE)
			err(1, "pread of a page");
		same(part, 1, i);
	}
	munmap(p, PAGES * SIZE);
	munmap(q, PAGES * SIZE);
}

int main(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600), status;
	char page[SIZE];
	pid_t child;

	if (fd < 0)
		err(1, "mapped");
	for (int i = 0; i < PAGES; i++) {
		memset(page, page_of(i), SIZE);
		if (write(fd, page, SIZE) != SIZE)
			err(1, "write");
	}
	child = fork();
	for (int i = 0; i < TIMES; i++)
		round_of(fd);
	if (!child)
		_exit(0);
	if (waitpid(child, &status, 0) != child || status)
		errx(1, "the other ended with %x", (unsigned)status);
	puts("mappings of what sleeps");
	return unlink("mapped") != 0;
}
