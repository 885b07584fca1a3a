/* SPDX-License-Identifier: MIT */
/* Raw system calls, most of them wrong: what each gives is printed, and must be what it gives on Linux. */
#ifndef TRY_H
#define TRY_H
#include <sys/syscall.h>
#include "check.h"

#define BAD  8L               /* no address of a program's */
#define NOFD 0x7000L
#define TRY(name, ...) tried(#name "(" #__VA_ARGS__ ")", syscall(SYS_##name, ##__VA_ARGS__))

static char buffer[8192] __attribute__((unused)), longest[5000] __attribute__((unused)), name256[300] __attribute__((unused));

/* Small results are told, others (descriptors, too) only as good. */
static inline void tried(const char *what, long result)
{
	if (result == -1)
		printf("%s: error %d\n", what, errno);
	else if (result < 5)
		printf("%s: %ld\n", what, result);
	else
		printf("%s: good\n", what);
}
#endif
