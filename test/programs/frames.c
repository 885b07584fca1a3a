/* SPDX-License-Identifier: MIT */
/* Prints the machine's free frames, from the public info page. Aril only. */
#include <exo/env.h>
#include <stdio.h>

int main(void)
{
	const volatile struct exo_info *info = (const volatile struct exo_info *)EXO_INFO;
	printf("%llu\n", (unsigned long long)info->frames_free);
	return 0;
}
