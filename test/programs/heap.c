/* SPDX-License-Identifier: MIT */
/* malloc of 64 MiB, brk and mmap beside it; parent and child check each other's bytes. */
#include "check.h"
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define SIZE (64ul << 20)

static uint64_t sum(const uint64_t *p, uint64_t seed)
{
	uint64_t s = seed;
	for (size_t i = 0; i < SIZE / 8; i++)
		s = s * 6364136223846793005u + p[i];
	return s;
}

int main(void)
{
	uint64_t *p = malloc(SIZE);
	CHECK(p);
	for (size_t i = 0; i < SIZE / 8; i++)
		p[i] = i * 0x9e3779b97f4a7c15u;
	uint64_t mine = sum(p, 1), theirs;
	printf("sum %016llx\n", (unsigned long long)mine);
	fflush(stdout);
	int fd[2];
	CHECK(!pipe(fd));
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		/* Write one word in each MiB: the parent must not see them. */
		theirs = sum(p, 1);
		for (size_t i = 0; i < SIZE / 8; i += (1 << 20) / 8)
			p[i] = ~p[i];
		CHECK(sum(p, 1) != mine);
		CHECK(write(fd[1], &theirs, 8) == 8);
		_exit(0);
	}
	close(fd[1]);
	CHECK(read(fd[0], &theirs, 8) == 8 && theirs == mine);
	CHECK(wait_status(pid) == 0);
	CHECK(sum(p, 1) == mine);
	free(p);
	/* The system call itself: musl's sbrk refuses. */
	char *before = (char *)syscall(SYS_brk, 0);
	CHECK((char *)syscall(SYS_brk, before + (1 << 20)) == before + (1 << 20));
	memset(before, 7, 1 << 20);
	CHECK(before[(1 << 20) - 1] == 7);
	CHECK((char *)syscall(SYS_brk, before) == before);
	CHECK((char *)syscall(SYS_brk, before + 4096) == before + 4096 && before[0] == 0);
	CHECK((char *)syscall(SYS_brk, before) == before);
	char *m = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(m != MAP_FAILED);
	memset(m, 1, 3 * 4096);
	CHECK(!munmap(m + 4096, 4096));
	CHECK(m[0] == 1 && m[2 * 4096] == 1);
	CHECK(mmap(m + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == m + 4096 && m[4096] == 0);
	CHECK(mmap(0, 1ul << 46, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
	printf("ok\n");
	return 0;
}
