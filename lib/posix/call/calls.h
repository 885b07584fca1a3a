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
#endif
