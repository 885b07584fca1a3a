/* SPDX-License-Identifier: MIT */
/* One fork, after which parent and child each write one byte of the same page: the subject of apps/forktime.svg. By
 * registers alone, so that neither touches its stack: each fault is one that is meant. */
#include <sys/syscall.h>

static inline __attribute__((always_inline)) long bare(long number, long a, volatile int *b)
{
	register long r10 __asm__("r10") = 0;
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(0), "r"(r10) : "rcx", "r11", "memory");
	return result;
}

static struct { volatile int byte, status; } page __attribute__((aligned(4096)));

int main(void)
{
	page.byte = 1;
	if (bare(SYS_fork, 0, 0) == 0) {
		page.byte = 2;
		(void)bare(SYS_exit_group, 7, 0);
	}
	page.byte = 3;
	if (bare(SYS_wait4, -1, &page.status) > 0 && page.byte == 3)
		(void)bare(SYS_exit_group, page.status >> 8, 0);
	return 1;
}
