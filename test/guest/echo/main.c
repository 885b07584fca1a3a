/* SPDX-License-Identifier: MIT */
/* In a box: says each line of its input again, and at the end how many bytes there were. echo-polls = 1: it never waits
 * for them. */
#include <rt/rt.h>

static int64_t input(char *to, size_t n)
{
	int64_t r;

	if (!rt_setting("echo-polls", 0))
		return rt_input(to, n, 1);
	while ((r = rt_input(to, n, 0)) == -EXO_EAGAIN)
		(void)gate_yield(rt_box() ? rt_box()->maker : 0, 0);
	return r;
}

void app_main(exo_name self)
{
	char line[200], piece[97];
	unsigned size = 0;
	uint64_t sum = 0;
	int64_t n;

	(void)self;
	while ((n = input(piece, sizeof piece)) > 0) {
		sum += (uint64_t)n;
		for (int64_t i = 0; i < n; i++)
			if (piece[i] == '\n' || size == sizeof line) {
				rt_log("%.*s", (int)size, line);
				size = 0;
			} else {
				line[size++] = piece[i];
			}
	}
	rt_log("echo: %lu bytes", sum);
	rt_off(3);
}
