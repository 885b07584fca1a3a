/* SPDX-License-Identifier: MIT */
/* Prints how often a virtio rng device has given bytes for the family's generator, and the last ones; before that it
 * has the generator used. Aril only. */
#include <family/memory.h>
#include <family/monitor.h>
#include <stdio.h>
#include <sys/random.h>

int main(void)
{
	char bytes[8];

	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		return 1;
	printf("%u ", (unsigned)SAID->seeds);
	for (unsigned i = 0; i < SAID_SEED; i++)
		printf("%02x", SAID->seed[i]);
	printf("\n");
	return 0;
}
