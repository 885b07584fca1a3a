/* SPDX-License-Identifier: MIT */
/* Which clock to believe. Pure, so that it is tested on the host. */
#include <base/duration.h>
#include "clocks.h"

uint64_t clock_hz(uint64_t rate, uint64_t passed, uint64_t tsc_passed)
{
	uint64_t hz = mul_div(tsc_passed, rate, passed);

	return hz == UINT64_MAX ? 0 : hz; /* also when it does not count */
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
