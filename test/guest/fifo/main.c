/* SPDX-License-Identifier: MIT */
/* The Linux library OS with another policy of swap: pages go in the order of their addresses, round and round, used or
 * not. Nothing else differs from the app that is shipped. */
#include <vm/swap.h>

/* In place of the library's own (Makefile). */
unsigned swap_clock(struct swap_view *v)
{
	unsigned i = 0, found = 0;

	for (; i < v->count && found < v->wanted; i++)
		found += v->goes[i] = v->entry[i] != 0;
	return i;
}
