/* SPDX-License-Identifier: MIT */
/* Which clock to believe. Pure, so that it is tested on the host. */
#include "clocks.h"

uint64_t clock_hz(uint64_t rate, uint64_t passed, uint64_t tsc_passed)
{
	uint64_t low, high;

	__asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(tsc_passed), "r"(rate) : "cc");
	if (high >= passed)
		return 0; /* also when it does not count */
	__asm__("divq %2" : "+a"(low), "+d"(high) : "r"(passed) : "cc");
	return low;
}

uint64_t clock_middle(const uint64_t hz[3])
{
	int big = hz[1] > hz[0], small = !big; /* of the first two */

	return hz[2] >= hz[big] ? hz[big] : hz[2] <= hz[small] ? hz[small] : hz[2];
}

int clocks_agree(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= a / 64;
}

int clocks_choose(const struct clock *c, int n)
{
	int first = -1;

	for (int i = 0; i < n; i++) {
		uint64_t hz = c[i].hz;

		if (!hz)
			continue;
		for (int j = 0; j < n; j++)
			if (j != i && c[j].hz && clocks_agree(hz, c[j].hz))
				return i;
		if (first < 0)
			first = i;
	}
	return first;
}
