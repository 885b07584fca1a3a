/* SPDX-License-Identifier: MIT */
/* Speaking and ending: a line to the kernel log, names of gate errors, power-off. */
#include <stdarg.h>
#include <base/fmt.h>
#include <rt/page.h>
#include <rt/rt.h>

#define LINE_MAX 256

void rt_log(const char *format, ...)
{
	char line[LINE_MAX + 1]; /* its last byte is rt_say's to use */
	va_list list;
	int n;

	va_start(list, format);
	n = vfmt(line, sizeof line, format, list);
	va_end(list);
	if (n < 0)
		return;
	rt_say(line, MIN_OF((size_t)n, (size_t)LINE_MAX));
}

const char *rt_error(int64_t result)
{
	switch (-result) {
#define ERROR(name, number, message) case number: return #name ": " message;
#include <exo/error.def>
#undef ERROR
	}
	return result < 0 ? "unknown error" : "no error";
}

void rt_off(int status)
{
	if (rt_self() == rt_info->first)
		(void)gate_env_set(0, EXO_SET_MACHINE, EXO_MACHINE_OFF, (uint32_t)status);
	rt_end(status);
	for (;;)
		(void)gate_env_kill(0);
}
