/* SPDX-License-Identifier: MIT */
/* Memory that a child still shares, and its maker unmaps: it is the child's from then on, who can write it, and whose
 * end frees it, though its maker lives. Aril only. */
#include <sys/mman.h>
#include "check.h"
#include "spare.h"

#define PAGE 4096ul
#define SIZE (9ul << 20) /* whole tables, and parts of two */

/* The child goes on once its maker has unmapped `gone` bytes. */
static void round_of(size_t from, size_t gone, int writes)
{
	char *m = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), byte = 1;
	int go[2];
	pid_t child;

	CHECK(m != MAP_FAILED && !pipe(go));
	for (size_t i = 0; i < SIZE; i += PAGE)
		m[i] = (char)(i / PAGE);
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		CHECK(read(go[0], &byte, 1) == 1);
		for (size_t i = 0; i < SIZE; i += PAGE) {
			CHECK(m[i] == (char)(i / PAGE));
			if (writes)
				m[i] = 'c';
		}
		_exit(0);
	}
	CHECK(!munmap(m + from, gone) && write(go[1], &byte, 1) == 1 && wait_status(child) == 0);
	CHECK(!munmap(m, SIZE) && !close(go[0]) && !close(go[1]));
}

static void rounds(void)
{
	for (int writes = 0; writes < 2; writes++) {
		round_of(0, SIZE, writes);
		round_of(0, SIZE / 2, writes);
		round_of(SIZE / 2, PAGE, writes);
		round_of(4ul << 20, 2ul << 20, writes);
	}
}

int main(void)
{
	uint64_t before;

	rounds();
	before = frames_free();
	rounds();
	frames_back_tell(before);
	return 0;
}
