/* SPDX-License-Identifier: MIT */
/* Memory for which pages of 2 MiB are asked (madvise MADV_HUGEPAGE): that it is memory like any other, whatever of it is forked, cut, protected, moved and given back.
 * `hugepages runs` tells how many such pages the machine has after each step: on Aril only. */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <exo/env.h>
#include <exo/page.h>
#include "check.h"

#define SIZE (2ul << 20)
#define COUNT 6

static int tells;
static sigjmp_buf jump;
static volatile int expected;

static void on_segv(int sig)
{
	CHECK(expected);
	siglongjmp(jump, sig);
}

static int faults(volatile char *at)
{
	expected = 1;
	if (!sigsetjmp(jump, 1)) {
		(void)*at;
		expected = 0;
	}
	return expected ? expected--, 1 : 0;
}

static void tell(const char *what)
{
	const volatile struct exo_info *info = (const volatile struct exo_info *)EXO_INFO;
	const volatile struct exo_frame_rec *frames = (const volatile struct exo_frame_rec *)EXO_FRAMES;
	int runs = 0;

	for (uint64_t i = 0; tells && i < info->frame_count; i++)
		runs += frames[i].type == EXO_RUN;
	printf(tells ? "%s: %d\n" : "%s\n", what, runs);
}

/* COUNT blocks of 2 MiB, and half a one on each side. */
static char *blocks(void)
{
	char *m = mmap(0, (COUNT + 2) * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at = (char *)(((uintptr_t)m + SIZE + SIZE / 2 - 1) & -SIZE);

	CHECK(m != MAP_FAILED && madvise(at - 4096, COUNT * SIZE + 2 * 4096, MADV_HUGEPAGE) == 0);
	return at;
}

static void fill(char *m, size_t size, int seed)
{
	for (size_t i = 0; i < size; i += 4096)
		m[i + i / 4096 % 4096] = (char)(i / 4096 * 7 + (size_t)seed);
}

static int is_filled(const char *m, size_t from, size_t to, int seed)
{
	for (size_t i = from; i < to; i += 4096)
		if (m[i + i / 4096 % 4096] != (char)(i / 4096 * 7 + (size_t)seed))
			return 0;
	return 1;
}

static int is_zero(const char *m, size_t size)
{
	for (size_t i = 0; i < size; i += 8)
		if (*(const uint64_t *)(m + i))
			return 0;
	return 1;
}

int main(int argc, char **argv)
{
	struct sigaction a = { .sa_handler = on_segv };
	char *m, *moved, *gap;
	pid_t pid;

	(void)argv;
	tells = argc > 1;
	CHECK(sigaction(SIGSEGV, &a, 0) == 0);
	tell("before");
	m = blocks();
	for (int i = 0; i < COUNT; i++)
		CHECK(m[i * SIZE + 12345] == 0);
	tell("touched");
	m[-1] = 3;
	CHECK(is_zero(m, COUNT * SIZE) && m[-2] == 0);
	fill(m, COUNT * SIZE, 1);
	CHECK(is_filled(m, 0, COUNT * SIZE, 1));
	CHECK(mprotect(m + SIZE + 8192, 4096, PROT_READ) == 0);
	tell("a page read-only");
	CHECK(mprotect(m + SIZE + 8192, 4096, PROT_READ | PROT_WRITE) == 0);
	CHECK(mprotect(m + 2 * SIZE - 4096, 8192, PROT_NONE) == 0 && faults(m + 2 * SIZE) && faults(m + 2 * SIZE - 1) && !faults(m + 2 * SIZE + 4096));
	CHECK(mprotect(m + 2 * SIZE - 4096, 8192, PROT_READ | PROT_WRITE) == 0);
	tell("two pages away and back");
	CHECK(is_filled(m, 0, COUNT * SIZE, 1));
	CHECK(madvise(m + 3 * SIZE, SIZE, MADV_DONTNEED) == 0);
	tell("a whole one given back");
	CHECK(is_zero(m + 3 * SIZE, SIZE));
	tell("and touched again");
	CHECK(is_filled(m, 0, 3 * SIZE, 1) && is_filled(m, 4 * SIZE, COUNT * SIZE, 1));
	CHECK(madvise(m + 4 * SIZE + 4096, 4096, MADV_DONTNEED) == 0 && is_zero(m + 4 * SIZE + 4096, 4096));
	tell("a part given back");
	CHECK(is_filled(m, 0, 3 * SIZE, 1) && is_filled(m, 4 * SIZE, 4 * SIZE + 4096, 1) && is_filled(m, 4 * SIZE + 8192, COUNT * SIZE, 1));
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(is_filled(m, 0, 3 * SIZE, 1) && is_filled(m, 5 * SIZE, COUNT * SIZE, 1));
		fill(m, COUNT * SIZE, 2);
		CHECK(is_filled(m, 0, COUNT * SIZE, 2));
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	tell("forked");
	CHECK(is_filled(m, 0, 3 * SIZE, 1) && is_zero(m + 3 * SIZE, SIZE) && is_filled(m, 5 * SIZE, COUNT * SIZE, 1));
	CHECK(munmap(m - SIZE / 2, (COUNT + 1) * SIZE) == 0 && faults(m));

	m = blocks();
	fill(m, COUNT * SIZE, 3);
	tell("another");
	CHECK(munmap(m + SIZE / 2, SIZE) == 0 && faults(m + SIZE / 2) && faults(m + SIZE) && !faults(m + SIZE / 2 - 1));
	tell("a hole over two halves");
	CHECK(is_filled(m, 0, SIZE / 2, 3) && is_filled(m, SIZE + SIZE / 2, COUNT * SIZE, 3));
	gap = mmap(m + 4 * SIZE, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(gap == m + 4 * SIZE && is_zero(gap, SIZE));
	tell("one mapped over");
	moved = mremap(m + 2 * SIZE, 2 * SIZE, 3 * SIZE, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED && is_zero(moved + 2 * SIZE, SIZE));
	for (size_t i = 0; i < 2 * SIZE; i += 4096)
		CHECK(moved[i + (i + 2 * SIZE) / 4096 % 4096] == (char)((i + 2 * SIZE) / 4096 * 7 + 3));
	tell("two moved");
	CHECK(is_filled(m, 5 * SIZE, COUNT * SIZE, 3));
	CHECK(madvise(m, 4096, MADV_NOHUGEPAGE) == 0 && madvise(m, 4095 * 4096, MADV_HUGEPAGE) == -1 && errno == ENOMEM);

	/* What is there stays when no more is asked for, until a fork. */
	m = blocks();
	fill(m, COUNT * SIZE, 4);
	CHECK(madvise(m, COUNT * SIZE, MADV_NOHUGEPAGE) == 0);
	tell("no more are asked for");
	pid = fork();
	if (pid == 0) {
		fill(m, COUNT * SIZE, 5);
		_exit(is_filled(m, 0, COUNT * SIZE, 5) ? 0 : 1);
	}
	CHECK(wait_status(pid) == 0 && is_filled(m, 0, COUNT * SIZE, 4));
	tell("forked");
	printf("done\n");
	return 0;
}
