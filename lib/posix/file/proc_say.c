/* SPDX-License-Identifier: MIT */
/* How the text of a file of /proc is put together: what finds no room is left out. */
#include <stdarg.h>
#include "proc.h"

void say(struct text *t, const char *format, ...)
{
	va_list list;
	int n;

	va_start(list, format);
	n = vfmt(t->to + t->n, t->max - t->n, format, list);
	va_end(list);
	t->n = min_u64(t->n + (n > 0 ? (size_t)n : 0), t->max - 1);
}

void say_bytes(struct text *t, const void *from, size_t n)
{
	n = min_u64(n, t->max - t->n);
	memcpy(t->to + t->n, from, n);
	t->n += n;
}
