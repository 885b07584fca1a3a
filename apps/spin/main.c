/* SPDX-License-Identifier: MIT */
/* The program that mini loads and forks: counts in a page of data by a step from its constants. Knows no kernel and no library OS but one call. */
#include <rt/rt.h>

static volatile uint64_t counter = 1000;
static const uint64_t step[2] = { 1, 3 };

void app_main(exo_name self)
{
	uint64_t result;

	(void)self;
	counter += step[counter & 1];
	__asm__ volatile("syscall" : "=a"(result) : "a"(57), "D"(&counter) : "rcx", "r11", "memory");
	for (;;)
		counter += step[counter & 1];
}
