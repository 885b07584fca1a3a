/* SPDX-License-Identifier: MIT */
/* Addresses far from where the C library works: mappings at fixed places all over the 47 bits, their fork, TiB that are reserved and let go, and what is refused.
 * Prints nothing but what is the same on every kernel. */
#include <signal.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include "check.h"

#define GIB (1ul << 30)
#define TIB (1ul << 40)
#define FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static sigjmp_buf jump;
static void on_segv(int sig) { siglongjmp(jump, sig); }

static int faults(volatile char *at)
{
	if (sigsetjmp(jump, 1))
		return 1;
	(void)*at;
	return 0;
}

static char *fixed(uint64_t at, size_t size, int prot)
{
	char *m = mmap((void *)at, size, prot, FLAGS | MAP_FIXED, -1, 0);

	CHECK(m == (char *)at);
	return m;
}

/* A mapping at each place, each with bytes of its own: a child sees them, writes its own, and changes nothing here. */
static void places(void)
{
	static const uint64_t at[] = { 3 * TIB, 16 * TIB + 5 * GIB, 40 * TIB + 511 * GIB, 96 * TIB, 126 * TIB };
	enum { N = sizeof at / sizeof *at };
	char *m[N];
	pid_t pid;

	for (int i = 0; i < N; i++) {
		m[i] = fixed(at[i], 4 * GIB, PROT_READ | PROT_WRITE);
		for (int k = 0; k < 5; k++)
			m[i][k * (GIB - 4096)] = (char)(10 * i + k + 1);
	}
	pid = fork();
	CHECK(pid >= 0);
	for (int i = 0; i < N; i++)
		for (int k = 0; k < 5; k++) {
			char *p = m[i] + k * (GIB - 4096);

			CHECK(*p == 10 * i + k + 1);
			if (pid == 0) {
				*p = 99;
				CHECK(p[1] == 0 && *p == 99);
			}
		}
	if (pid == 0) {
		/* A grandchild of these, and another place that only the child has. */
		char *more = fixed(70 * TIB, 8192, PROT_READ | PROT_WRITE);

		more[4096] = 5;
		pid = fork();
		if (pid == 0)
			_exit(*m[0] == 99 && more[4096] == 5 ? 0 : 1);
		_exit(wait_status(pid));
	}
	CHECK(wait_status(pid) == 0);
	CHECK(m[2][0] == 21 && faults((char *)(70 * TIB)));
	CHECK(mprotect(m[1], 4 * GIB, PROT_READ) == 0 && m[1][0] == 11);
	CHECK(mprotect(m[1], 4096, PROT_NONE) == 0 && faults(m[1]));
	CHECK(mprotect(m[1], 4 * GIB, PROT_READ | PROT_WRITE) == 0 && m[1][0] == 11);
	CHECK(madvise(m[1], 4 * GIB, MADV_DONTNEED) == 0 && m[1][0] == 0 && m[1][GIB - 4096] == 0);
	for (int i = 0; i < N; i++) {
		CHECK(munmap(m[i], 4 * GIB) == 0);
		CHECK(faults(m[i]));
	}
	printf("%d places\n", N);
}

/* TiB of which a page here and there is used. */
static void sparse(void)
{
	char *m = fixed(2 * TIB + 0x7000, 14 * TIB, PROT_READ | PROT_WRITE);

	for (uint64_t i = 0; i < 14; i++)
		m[i * TIB] = (char)i;
	for (uint64_t i = 0; i < 14; i++)
		CHECK(m[i * TIB] == (char)i && m[i * TIB + 8192] == 0);
	CHECK(madvise(m, 14 * TIB, MADV_DONTNEED) == 0 && m[13 * TIB] == 0);
	m[13 * TIB] = 7;
	CHECK(munmap(m, 14 * TIB) == 0 && faults(m + 13 * TIB));
	printf("14 TiB\n");
}

/* Reserved across everything that lies between, some of which a kernel may keep for itself; it can be given up by mapping over it, not touched. */
static void reservation(void)
{
	uint64_t from = 321 * GIB, to = 2 * TIB;
	char *m = fixed(from, to - from, PROT_NONE);

	CHECK(faults(m) && faults(m + (to - from) - 4096) && faults(m + 100 * GIB));
	m = fixed(from + GIB, 4096, PROT_READ | PROT_WRITE);
	m[5] = 5;
	CHECK(m[5] == 5 && faults(m + 4096));
	printf("a reservation\n");
}

/* What is too large for a hole between other things goes where there is room. */
static void large(void)
{
	char *a = mmap(0, 4 * TIB, PROT_NONE, FLAGS, -1, 0), *b = mmap(0, 400 * GIB, PROT_READ | PROT_WRITE, FLAGS, -1, 0);

	CHECK(a != MAP_FAILED && b != MAP_FAILED);
	CHECK(b + 400 * GIB <= a || b >= a + 4 * TIB);
	b[399 * GIB] = 3;
	CHECK(b[399 * GIB] == 3 && b[0] == 0);
	CHECK(munmap(b, 400 * GIB) == 0 && munmap(a, 4 * TIB) == 0);
	CHECK(mmap(0, 1ul << 46, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
	printf("large ones\n");
}

static void refusals(void)
{
	CHECK(mmap((void *)(1ul << 47), 4096, PROT_NONE, FLAGS | MAP_FIXED, -1, 0) == MAP_FAILED && errno == ENOMEM);
	CHECK(mmap((void *)((1ul << 47) - 8192), 1ul << 40, PROT_NONE, FLAGS | MAP_FIXED, -1, 0) == MAP_FAILED && errno == ENOMEM);
	CHECK(mmap((void *)(5 * TIB + 1), 4096, PROT_NONE, FLAGS | MAP_FIXED, -1, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(mmap(0, ~0ul << 12, PROT_NONE, FLAGS, -1, 0) == MAP_FAILED && errno == ENOMEM);
	CHECK(write(1, (void *)(5 * TIB), 1) == -1 && errno == EFAULT);
	CHECK(munmap((void *)(1ul << 47), 4096) == -1 && errno == EINVAL);
	printf("refusals\n");
}

int main(void)
{
	struct sigaction a = { .sa_handler = on_segv };

	CHECK(sigaction(SIGSEGV, &a, 0) == 0);
	places();
	sparse();
	large();
	refusals();
	reservation();
	return 0;
}
