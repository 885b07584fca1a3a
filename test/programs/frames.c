/* SPDX-License-Identifier: MIT */
/* Prints the machine's free frames, from the public info page, and with them the family's pages of control memory that
 * are free: the monitor would take them back. Aril only. */
#include <exo/env.h>
#include <family/monitor.h>
#include <family/memory.h>
#include <stdio.h>

int main(void)
{
	const volatile struct exo_info *info = (const volatile struct exo_info *)EXO_INFO;
	const volatile struct told_head *told = (const volatile struct told_head *)FAMILY_BASE;

	printf("%llu\n", (unsigned long long)info->frames_free + SAID->control_pages - told->control_used);
	return 0;
}
