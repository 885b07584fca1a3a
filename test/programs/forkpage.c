/* SPDX-License-Identifier: MIT */
/* fork is real: parent and child write the same page and each sees its own; shared mappings are shared; vfork's child runs first. */
#include "check.h"
#include <sys/mman.h>

static volatile int data = 1;
static volatile int bss[1024];

static int grandchild(int depth)
{
	if (!depth)
		return data;
	data += depth;
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		_exit(grandchild(depth - 1));
	int mine = data, got = wait_status(pid);
	CHECK(data == mine);
	return got;
}

int main(void)
{
	volatile int local = 5;
	int *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int *private = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED && private != MAP_FAILED);
	*private = 5;
	int to[2], from[2];
	char c;
	CHECK(!pipe(to) && !pipe(from));
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		data = 2, bss[7] = 2, local = 2, *private = 2, *shared = 2;
		CHECK(write(from[1], "a", 1) == 1 && read(to[0], &c, 1) == 1);
		CHECK(data == 2 && bss[7] == 2 && local == 2 && *private == 2 && *shared == 3);
		CHECK(getppid() != getpid());
		_exit(0);
	}
	CHECK(read(from[0], &c, 1) == 1);
	CHECK(data == 1 && bss[7] == 0 && local == 5 && *private == 5 && *shared == 2);
	data = 3, bss[7] = 3, local = 3, *private = 3, *shared = 3;
	CHECK(write(to[1], "b", 1) == 1);
	CHECK(wait_status(pid) == 0);
	CHECK(data == 3 && bss[7] == 3 && local == 3 && *private == 3);
	printf("pages ok\n");
	fflush(stdout);
	data = 0;
	CHECK(grandchild(8) == 36);
	printf("line of eight ok\n");
	fflush(stdout);
	static volatile int seen;
	pid = vfork();
	CHECK(pid >= 0);
	if (!pid) {
		seen = 1;
		_exit(17);
	}
	CHECK(seen == 1 && wait_status(pid) == 17);
	/* A child after the parent is gone still owns what it inherited. */
	CHECK(!pipe(to));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		bss[9] = 77;
		if (!fork()) {
			for (int i = 0; i < 50 && getppid() != 1; i++)
				usleep(10000);
			char good = bss[9] == 77 ? 'y' : 'n';
			bss[9]++;
			CHECK(write(to[1], &good, 1) == 1);
			_exit(0);
		}
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	CHECK(read(to[0], &c, 1) == 1 && c == 'y' && bss[9] == 0);
	printf("ok\n");
	return 0;
}
