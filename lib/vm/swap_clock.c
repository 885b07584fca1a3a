/* SPDX-License-Identifier: MIT */
/* The policy that is shipped: the hand of a clock goes round the pages. One that was used since it came by last stays
 * and is looked at anew the next time; one that was not goes (Corbato, 1968). */
#include <exo/page.h>
#include "swap.h"

unsigned swap_clock(struct swap_view *v)
{
	unsigned i = 0, found = 0;

	for (; i < v->count && found < v->wanted; i++)
		found += v->goes[i] = v->entry[i] && !(v->entry[i] & EXO_PTE_A);
	return i;
}
