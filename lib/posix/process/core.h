/* SPDX-License-Identifier: MIT */
/* Private to core.c and core_name.c. */
#ifndef POSIX_CORE_H
#define POSIX_CORE_H
#include <stddef.h>

#define CORE_NAME_MAX 512

#pragma GCC visibility push(hidden)
/* Of the caller's process, which that signal ends; cut at max with its NUL. Family lock held. */
void core_name(char *to, size_t max, int sig);
#pragma GCC visibility pop
#endif
