/* SPDX-License-Identifier: MIT */
/* A process that dies in the middle of a fork, when its child has an env but is not known to have it: three times, and
 * all frames are back. Aril only. */
#include "check.h"
#include <rt/gate.h>
#include <vm/space.h>
#include "spare.h"

/* fork counts the files of all regions when the child's env is made. */
static void die(void)
{
	for (uint32_t i = 0; i < FIRST_LEAF->count; i++)
		if (FIRST_LEAF->region[i].inode)
			FIRST_LEAF->region[i].inode = (struct inode *)~0ul;
	(void)fork();
	_exit(0);
}

int main(void)
{
	uint64_t before = 0;

	for (int round = 0; round < 3; round++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid)
			die();
		printf("died: %d\n", wait_status(pid));
		fflush(stdout);
		usleep(100000);
		if (!round)
			sleep(4); /* this process's own caches, and who cleans up */
		if (!round)
			before = frames_free();
	}
	frames_back_tell(before);
	return 0;
}
