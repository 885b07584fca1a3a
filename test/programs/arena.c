/* SPDX-License-Identifier: MIT */
/* munmap, mprotect, mremap, MADV_DONTNEED, mincore and fork in random order over addresses on either side of a border
 * of 1 GiB, in pieces of a page and in whole tables, beside a model: after each step pages drawn by chance have their
 * bytes and rights, in the end all have, and a child has what its parent had, whatever either does next. */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include "check.h"

#define PAGE 4096ul
#define TABLE 512 /* pages */
#define PAGES (24 * TABLE)
#define BASE ((char *)(70ul << 30) - 12 * TABLE * PAGE)
#define NONE 8 /* in prot: nothing is mapped */

static uint8_t prot[PAGES];
static uint32_t value[PAGES]; /* 0: zeros; of what is mapped */
static uint8_t is_there[PAGES];
static uint32_t seed = 1, stamp, depth;
static sigjmp_buf jump;

static unsigned draw(unsigned below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

static void on_fault(int sig)
{
	siglongjmp(jump, sig);
}

static char *page(unsigned i) { return BASE + i * PAGE; }

/* In one way of three whole tables, in another a few pages. */
static void range(unsigned *from, unsigned *n)
{
	unsigned kind = draw(3);

	*from = draw(PAGES);
	*n = 1 + draw(kind == 1 ? 20 : 6 * TABLE);
	if (kind == 0) {
		*from = *from / TABLE * TABLE;
		*n = (1 + draw(8)) * TABLE;
	}
	if (*n > PAGES - *from)
		*n = PAGES - *from;
}

/* Bytes of a page that may be read, and whether it may be written: as the model has it. */
static void page_check(unsigned i)
{
	volatile uint32_t *at = (volatile uint32_t *)(page(i) + 1028);
	volatile int done = 0;

	if (!sigsetjmp(jump, 1)) {
		CHECK(*at == value[i]);
		done = 1;
		*at = value[i];
		done = 2;
	}
	if (prot[i] == NONE || !prot[i])
		CHECK(done == 0);
	else
		CHECK(done == (prot[i] & PROT_WRITE ? 2 : 1));
}

static void check(unsigned every)
{
	for (unsigned i = draw(every); i < PAGES; i += 1 + draw(2 * every))
		page_check(i);
}

static void touch(unsigned from, unsigned n)
{
	unsigned step = 1 + draw(3) * draw(200);

	for (unsigned i = from; i < from + n; i += step)
		if (prot[i] != NONE && prot[i] & PROT_WRITE) {
			value[i] = ++stamp;
			*(volatile uint32_t *)(page(i) + 1028) = stamp;
		}
}

static void unmap(unsigned from, unsigned n)
{
	CHECK(!munmap(page(from), n * PAGE));
	memset(prot + from, NONE, n);
	memset(value + from, 0, n * sizeof *value);
}

static void map(unsigned from, unsigned n)
{
	int p = draw(4) ? PROT_READ | PROT_WRITE : PROT_READ;

	CHECK(mmap(page(from), n * PAGE, p, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page(from));
	if (draw(8) == 0)
		(void)madvise(page(from), n * PAGE, MADV_HUGEPAGE);
	memset(prot + from, p, n);
	memset(value + from, 0, n * sizeof *value);
}

static unsigned holes(unsigned from, unsigned n)
{
	unsigned found = 0;

	for (unsigned i = from; i < from + n; i++)
		found += prot[i] == NONE;
	return found;
}

/* Only over what is mapped throughout: where there is a hole, how much was done is another matter. */
static void protect(unsigned from, unsigned n)
{
	static const int rights[] = { PROT_READ, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_EXEC, PROT_NONE };
	int p = rights[draw(6)];

	if (holes(from, n))
		return;
	CHECK(!mprotect(page(from), n * PAGE, p));
	memset(prot + from, p, n);
}

/* From one mapping's inside to anywhere else. */
static void move(unsigned from, unsigned n, unsigned to)
{
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (draw(3) ? 0 : MREMAP_DONTUNMAP);

	for (unsigned i = from; i < from + n; i++)
		if (prot[i] != prot[from] || prot[i] == NONE)
			n = i - from;
	if (n > PAGES - to)
		n = PAGES - to;
	if (!n || (from < to + n && to < from + n))
		return;
	/* Neighbours that are alike may be two mappings: huge pages were asked for in one. */
	if (mremap(page(from), n * PAGE, n * PAGE, flags, page(to)) == MAP_FAILED) {
		CHECK(errno == EFAULT);
		unmap(to, n); /* may have been done, or not */
		return;
	}
	memcpy(prot + to, prot + from, n);
	memcpy(value + to, value + from, n * sizeof *value);
	memset(value + from, 0, n * sizeof *value);
	if (!(flags & MREMAP_DONTUNMAP))
		memset(prot + from, NONE, n);
}

static void forget(unsigned from, unsigned n)
{
	if (holes(from, n))
		return;
	CHECK(!madvise(page(from), n * PAGE, MADV_DONTNEED));
	memset(value + from, 0, n * sizeof *value);
}

/* What was written and may be read is there; how much else is, is nobody's business. */
static void residents(unsigned from, unsigned n)
{
	memset(is_there, 2, n);
	if (mincore(page(from), n * PAGE, is_there)) {
		CHECK(errno == ENOMEM && holes(from, n));
		return;
	}
	CHECK(!holes(from, n));
	for (unsigned i = 0; i < n; i++)
		CHECK(is_there[i] < 2 && (is_there[i] || !value[from + i] || !prot[from + i]));
}

static void steps(unsigned n);

static void child(unsigned n)
{
	static pid_t late;
	pid_t one;

	if (depth >= 2)
		return;
	if (late)
		CHECK(wait_status(late) == 0);
	late = 0;
	one = fork();
	CHECK(one >= 0);
	if (!one) {
		depth++;
		late = 0;
		seed += 77 * depth;
		check(3);
		steps(n);
		check(3);
		_exit(late && wait_status(late));
	}
	if (draw(2))
		CHECK(wait_status(one) == 0);
	else
		late = one; /* both go on */
	check(20);
}

static void steps(unsigned count)
{
	unsigned from, n;

	for (unsigned i = 0; i < count; i++) {
		range(&from, &n);
		switch (draw(12)) {
		case 0: case 1: map(from, n); break;
		case 2: unmap(from, n); break;
		case 3: case 4: case 5: protect(from, n); break;
		case 6: case 7: move(from, n, draw(2) ? draw(PAGES) : draw(24) * TABLE); break;
		case 8: forget(from, n); break;
		case 9: residents(from, n); break;
		case 10: child(12); break;
		default: touch(from, n);
		}
		if (draw(2))
			touch(from, n);
		check(100);
	}
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_fault };

	seed = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
	CHECK(!sigaction(SIGSEGV, &act, 0) && !sigaction(SIGBUS, &act, 0));
	memset(prot, NONE, sizeof prot);
	map(0, PAGES);
	touch(0, PAGES);
	steps(argc > 2 ? (unsigned)atoi(argv[2]) : 400);
	check(1);
	while (wait(0) > 0)
		;
	puts("as the model has it");
	return 0;
}
