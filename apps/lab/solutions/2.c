/* SPDX-License-Identifier: MIT */
/* Lab 2, a solution: the clock. The hand passes over who was touched since it came by last. */
#include <lab2.h>

unsigned victim_choose(const unsigned present[PLACES])
{
	static unsigned hand;

	while (page_touched(present[hand]))
		hand = (hand + 1) % PLACES;
	hand = (hand + 1) % PLACES;
	return (hand + PLACES - 1) % PLACES;
}
