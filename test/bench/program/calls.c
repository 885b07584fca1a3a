/* SPDX-License-Identifier: MIT */
/* Rows of single calls: into the system and back. */
#include <time.h>
#include "measure.h"

#define N 501

static inline long call(long number, long a, long b)
{
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return result;
}

int row_null(void)
{
	NEED(call(SYS_getppid, 0, 0) > 0);
	EACH(rounds(N), , (void)call(SYS_getppid, 0, 0), );
	samples_say("");
	return 0;
}

int row_clock_vdso(void)
{
	struct timespec t;

	NEED(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	EACH(rounds(N), , (void)clock_gettime(CLOCK_MONOTONIC, &t), );
	samples_say("");
	return 0;
}

int row_clock_call(void)
{
	struct timespec t;

	EACH(rounds(N), , (void)call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&t), );
	samples_say("");
	return 0;
}

static inline long call_int80(long number)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number) : "memory", "r8", "r9", "r10", "r11");
	return result;
}

int row_int80(void)
{
	long r = call_int80(64);

	if (r <= 0)
		return r == -ENOSYS ? ENOSYS : EIO;
	EACH(rounds(N), , (void)call_int80(64), );
	samples_say("");
	return 0;
}
