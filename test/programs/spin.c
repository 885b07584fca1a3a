/* SPDX-License-Identifier: MIT */
/* Time is shared: two children spin without a system call, a third sleeps and prints how far all have come; all progress at once. */
#include "check.h"
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

int main(void)
{
	volatile unsigned long *n = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(n != MAP_FAILED);
	pid_t spinner[2];
	for (int i = 0; i < 2; i++) {
		spinner[i] = fork();
		CHECK(spinner[i] >= 0);
		while (!spinner[i])
			n[i * 8]++;
	}
	pid_t third = fork();
	CHECK(third >= 0);
	if (!third) {
		unsigned long last[2] = { 0, 0 };
		for (int round = 1; round <= 5; round++) {
			struct timespec t = { 0, 200000000 };
			CHECK(!nanosleep(&t, 0));
			for (int i = 0; i < 2; i++) {
				unsigned long now = n[i * 8];
				CHECK(now > last[i]);
				last[i] = now;
			}
			printf("round %d: both moved\n", round);
			fflush(stdout);
		}
		/* Neither has had more than four times the other's. */
		CHECK(last[0] / 4 < last[1] && last[1] / 4 < last[0]);
		_exit(0);
	}
	CHECK(wait_status(third) == 0);
	for (int i = 0; i < 2; i++) {
		CHECK(!kill(spinner[i], SIGKILL));
		CHECK(wait_status(spinner[i]) == 128 + SIGKILL);
	}
	printf("ok\n");
	return 0;
}
