/* SPDX-License-Identifier: MIT */
/* The log of calls that `strace = 1` of aril.conf asks for: a line for each call, over a pipe of its own to pid 1 and from there to the host. */
#ifndef POSIX_STRACE_H
#define POSIX_STRACE_H
#include <family/process.h>

/* name: NULL for a number that is not provided; arguments: a letter for each, as syscall.def has them. Before a call that may not come back, and after every other. */
void strace_begin(const struct user_regs *r, const char *name, const char *arguments);
void strace_end(const struct user_regs *r, const char *name, const char *arguments);
#endif
