/* SPDX-License-Identifier: MIT */
/* The second door: int 0x80 with i386 numbers, from a 64-bit program, pointers below 4 GiB; all registers but rax are kept. */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>

enum { I386_EXIT = 1, I386_FORK = 2, I386_READ = 3, I386_WRITE = 4, I386_OPEN = 5, I386_CLOSE = 6, I386_GETPID = 20 };

static long call(long number, long a, long b, long c)
{
	long result;
	register long r12 __asm__("r12") = 12;
	__asm__ volatile("int $0x80" : "=a"(result), "+r"(r12) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	CHECK(r12 == 12);
	return result;
}

int main(void)
{
	char *low = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	int status;
	CHECK(low == (void *)0x10000000);
	CHECK(call(I386_GETPID, 0, 0, 0) == getpid());
	CHECK(call(9999, 0, 0, 0) == -38);
	strcpy(low, "through the second door\n");
	fflush(stdout);
	CHECK(call(I386_WRITE, 1, (long)low, 24) == 24);
	strcpy(low, "/etc/passwd");
	long fd = call(I386_OPEN, (long)low, O_RDONLY, 0);
	CHECK(fd > 2 && call(I386_READ, fd, (long)low, 4) == 4 && !memcmp(low, "root", 4) && call(I386_CLOSE, fd, 0, 0) == 0);
	CHECK(call(I386_READ, fd, (long)low, 1) == -9);
	long child = call(I386_FORK, 0, 0, 0);
	if (!child)
		call(I386_EXIT, 9, 0, 0);
	CHECK(child > 0 && waitpid((int)child, &status, 0) == child && WEXITSTATUS(status) == 9);
	return 0;
}
