/* SPDX-License-Identifier: MIT */
/* What the library has to say goes to the kernel's log, which adds the env's name and the line's end. */
#include <stdarg.h>
#include <base/fmt.h>
#include <rt/gate.h>
#include "posix.h"

void posix_log(const char *format, ...)
{
	char line[256];
	va_list list;
	int n;

	va_start(list, format);
	n = vfmt(line, sizeof line, format, list);
	va_end(list);
	if (n > 0)
		(void)gate_log(line, (uint64_t)n < sizeof line ? (uint64_t)n : sizeof line - 1);
}
