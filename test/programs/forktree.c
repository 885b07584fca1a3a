/* SPDX-License-Identifier: MIT */
/* A fork tree of argv[1] processes (default 200) comes and goes; each adds its index to a shared page and its parent collects it. */
#include "check.h"
#include <sys/mman.h>

static int *seen;
static int total;

static void node(int i)
{
	__atomic_add_fetch(&seen[i], 1, __ATOMIC_SEQ_CST);
	pid_t pid[3];
	int n = 0;
	for (int k = 1; k <= 3; k++) {
		int child = i * 3 + k;
		if (child >= total)
			break;
		pid[n] = fork();
		CHECK(pid[n] >= 0);
		if (!pid[n]) {
			node(child);
			_exit(child % 100);
		}
		n++;
	}
	/* In the other order than made. */
	while (n-- > 0)
		CHECK(wait_status(pid[n]) == (i * 3 + n + 1) % 100);
}

int main(int argc, char **argv)
{
	total = argc > 1 ? atoi(argv[1]) : 200;
	CHECK(total > 0 && total <= 1024);
	seen = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(seen != MAP_FAILED);
	node(0);
	for (int i = 0; i < total; i++)
		CHECK(seen[i] == 1);
	/* As many at the same time, all asleep until told. */
	int go[2];
	CHECK(!pipe(go));
	int count = total < 200 ? total : 200;
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			char c;
			close(go[1]);
			CHECK(read(go[0], &c, 1) == 0);
			_exit(0);
		}
	}
	close(go[1]);
	for (int i = 0; i < count; i++) {
		int st;
		CHECK(wait(&st) > 0 && st == 0);
	}
	CHECK(wait(0) == -1 && errno == ECHILD);
	printf("%d processes ok\n", total);
	return 0;
}
