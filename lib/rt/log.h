/* SPDX-License-Identifier: MIT */
/* Lines to the kernel's log, which adds the env's name and the line's end; what gate errors mean. */
#ifndef RT_LOG_H
#define RT_LOG_H
#include <stdint.h>

#pragma GCC visibility push(hidden)
/* One line, printf format of <base/fmt.h>, no line end, at most 256 bytes. */
void rt_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Message of a gate result (negative), from error.def. */
const char *rt_error(int64_t result);
#pragma GCC visibility pop
#endif
