/* SPDX-License-Identifier: MIT */
/* Prints how many frames are free. Aril only. */
#include <stdint.h>
#include <stdio.h>
#include "spare.h"

int main(void)
{
	printf("%llu\n", (unsigned long long)frames_free());
	return 0;
}
