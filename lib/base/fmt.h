/* SPDX-License-Identifier: MIT */
/* Formatted text into a caller's buffer: C's snprintf without floating point and without locale. */
#ifndef BASE_FMT_H
#define BASE_FMT_H
#include <stdarg.h>
#include <stddef.h>

/* Conversions d i u x X o c s p %, lengths hh h l ll z j t, flags - 0 + space #, width and precision (also *).
 * Returns the length that the whole text has; at most max - 1 bytes of it and a NUL are stored (nothing when max is 0).
 * A length above INT_MAX: -1. A conversion that it does not know is stored as it stands. */
int fmt(char *to, size_t max, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vfmt(char *to, size_t max, const char *format, va_list args) __attribute__((format(printf, 3, 0)));
#endif
