/* SPDX-License-Identifier: MIT */
/* Lab 2, yours: which page goes. This is first in, first out. */
#include <lab2.h>

unsigned victim_choose(const unsigned present[PLACES])
{
	static unsigned next;

	(void)present;
	return next++ % PLACES;
}
