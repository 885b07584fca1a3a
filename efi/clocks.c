/* SPDX-License-Identifier: MIT */
/* Which clock to believe. Pure, so that it is tested on the host. */
#include "clocks.h"

uint64_t clock_tsc_hz(const struct clock *c)
{
	uint64_t low, high;

	__asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(c->tsc_passed), "r"(c->rate) : "cc");
	if (high >= c->passed)
		return 0; /* also when it does not count */
	__asm__("divq %2" : "+a"(low), "+d"(high) : "r"(c->passed) : "cc");
	return low;
}

int clocks_agree(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= a / 64;
}

int clocks_choose(const struct clock *c, int n)
{
	int first = -1;

	for (int i = 0; i < n; i++) {
		uint64_t hz = clock_tsc_hz(&c[i]);

		if (!hz)
			continue;
		for (int j = 0; j < n; j++)
			if (j != i && clock_tsc_hz(&c[j]) && clocks_agree(hz, clock_tsc_hz(&c[j])))
				return i;
		if (first < 0)
			first = i;
	}
	return first;
}
