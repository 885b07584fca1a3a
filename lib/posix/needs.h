/* SPDX-License-Identifier: MIT */
/* What this room wants of whoever links it: the app's choices (parts.h). */
#ifndef POSIX_NEEDS_H
#define POSIX_NEEDS_H
#include <stddef.h>

struct task;

#pragma GCC visibility push(hidden)
struct posix_app;
extern const struct posix_app posix_app;

/* What process 1 is told; family lock held. reboot(2): the machine ends soon, with status 0, or starts again; a signal
 * was sent to it; a process dies, and this is its last line. */
void init_request_off(int again);
void init_signal(int sig);
void init_last_words(const struct task *t, const char *text, size_t n);
#pragma GCC visibility pop
#endif
