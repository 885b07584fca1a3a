/* SPDX-License-Identifier: MIT */
/* Recursion to 4 MiB of stack, and again in a child; a fall through the guard ends in SIGSEGV. */
#include "check.h"
#include <sys/resource.h>

static unsigned deep(unsigned n, unsigned seed)
{
	volatile unsigned char block[1000];
	for (unsigned i = 0; i < sizeof block; i += 100)
		block[i] = (unsigned char)(seed + i);
	unsigned r = n ? deep(n - 1, seed * 31 + 7) : 0;
	for (unsigned i = 0; i < sizeof block; i += 100)
		if (block[i] != (unsigned char)(seed + i))
			_exit(3);
	return r * 5 + block[n % 10 * 100];
}

#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int endless(int n)
{
	volatile char block[8192];
	block[0] = (char)n;
	return endless(n + 1) + block[0];
}

int main(void)
{
	unsigned frames = (4u << 20) / 1000, r = deep(frames, 1);
	printf("deep %u\n", r);
	fflush(stdout);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		_exit(deep(frames, 1) == r ? 0 : 1);
	CHECK(wait_status(pid) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		_exit(endless(0) & 1);
	CHECK(wait_status(pid) == 128 + 11);
	printf("ok\n");
	return 0;
}
