/* SPDX-License-Identifier: MIT */
/* The calls of the process half; how one is written is fs/call.h. */
#ifndef POSIX_CALLS_H
#define POSIX_CALLS_H
#include <asm/errno.h>
#include <fs/call.h>
#include <posix/posix.h>

#define SYSCALL(number, name, arguments, flags) syscall_function sys_##name;
#include "proc_syscall.def"
#undef SYSCALL

#pragma GCC visibility push(hidden)
/* clock_set.c: the wall clock becomes ns since 1970: 0 or -EINVAL; adjtimex(2) with its struct there. */
long clock_set(uint64_t ns);
long clock_adjust(uint64_t at);
#pragma GCC visibility pop
#endif
