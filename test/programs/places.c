/* SPDX-License-Identifier: MIT */
/* Where memory comes to lie: mremap that keeps or doubles what it moves, MAP_32BIT; and sched_setattr and
 * sched_getattr. */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "try.h"

#define PAGE 4096l
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static char *map(long pages, int flags, int fd)
{
	char *m = mmap(0, (size_t)(pages * PAGE), PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(m != MAP_FAILED);
	return m;
}

static char *moved(void *old, long size, long new_size, int flags, void *to)
{
	return (char *)syscall(SYS_mremap, old, size, new_size, flags, to);
}

static void doubled(void)
{
	char *shared = map(4, MAP_SHARED | MAP_ANONYMOUS, -1), *private = map(2, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *again, *there;
	int fd = open("file", O_CREAT | O_RDWR, 0600), status;

	CHECK(ftruncate(fd, 4 * PAGE) == 0);
	shared[0] = 'a';
	again = moved(shared, 0, 4 * PAGE, MREMAP_MAYMOVE, 0);
	CHECK((long)again > 0 && again != shared);
	again[3 * PAGE] = 'd';
	printf("%c%c ", again[0], shared[3 * PAGE]);
	shared[1] = 'b';
	printf("%c\n", again[1]);
	if (fork() == 0) {
		again[2] = 'c';
		_exit(shared[2] != 'c');
	}
	CHECK(wait(&status) > 0 && status == 0);
	printf("%c%c\n", shared[2], again[2]);
	CHECK(munmap(shared, 4 * PAGE) == 0);
	printf("%c\n", again[1]);
	there = moved(again + PAGE, 0, PAGE, MREMAP_MAYMOVE, 0);
	CHECK((long)there > 0);
	again[PAGE] = 'p';
	printf("%c\n", *there);
	TRY(mremap, again, 0, PAGE, 0);
	TRY(mremap, private, 0, PAGE, MREMAP_MAYMOVE);
	TRY(mremap, private, 0, 0, MREMAP_MAYMOVE);
	shared = map(4, MAP_SHARED, fd);
	there = map(8, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	again = moved(shared + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, there);
	CHECK(again == there);
	shared[PAGE] = 'f';
	again[PAGE + 1] = 'g';
	printf("%c%c\n", again[0], shared[2 * PAGE + 1]);
	/* Shared anonymous memory that moves is the same still. */
	shared = map(2, MAP_SHARED | MAP_ANONYMOUS, -1);
	shared[PAGE] = 's';
	again = moved(shared, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, there + 4 * PAGE);
	CHECK(again == there + 4 * PAGE);
	printf("%c\n", again[PAGE]);
	if (fork() == 0) {
		again[0] = 't';
		_exit(0);
	}
	wait(&status);
	printf("%c\n", again[0]);
	TRY(mremap, shared, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, there);
	close(fd);
}

static void kept(void)
{
	char *m = map(4, MAP_PRIVATE | MAP_ANONYMOUS, -1), *to, *there = map(4, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int fd = open("file", O_RDWR);

	strcpy(m + PAGE, "moved");
	to = moved(m, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	CHECK((long)to > 0 && to != m);
	printf("%s, %d left\n", to + PAGE, m[PAGE]);
	m[0] = 'n';
	printf("%d\n", to[0]);
	to = moved(to, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, there);
	CHECK(to == there);
	printf("%s\n", to + PAGE);
	TRY(mremap, m, 4 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	TRY(mremap, m, 4 * PAGE, 4 * PAGE, MREMAP_DONTUNMAP);
	TRY(mremap, m, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | 8);
	TRY(mremap, m + 1, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	TRY(mremap, m, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, m);
	m = map(1, MAP_SHARED, fd);
	m[5] = 'f';
	to = moved(m, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	CHECK((long)to > 0);
	printf("%c%c\n", to[5], m[5]);
	m = map(1, MAP_SHARED | MAP_ANONYMOUS, -1);
	m[5] = 's';
	to = moved(m, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	CHECK((long)to > 0);
	to[6] = 't';
	printf("%c%c\n", to[5], m[6]);
	close(fd);
}

static void low(void)
{
	const unsigned long end = 1ul << 31;
	int fd = open("file", O_RDWR);
	char *m[3], *high = map(1, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	for (int i = 0; i < 3; i++) {
		m[i] = map(1 + i, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1);
		CHECK((unsigned long)m[i] + PAGE <= end);
		m[i][0] = 1;
	}
	m[0] = map(1, MAP_SHARED | MAP_32BIT, fd);
	CHECK((unsigned long)m[0] + PAGE <= end);
	m[1] = mmap(high, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	printf("a hint beyond: %s\n", (unsigned long)m[1] < end ? "low" : "taken");
	m[2] = mmap(m[1] + 64 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	printf("a hint: %s\n", m[2] == m[1] + 64 * PAGE ? "taken" : "not");
	m[1] = mmap(high, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT | MAP_FIXED, -1, 0);
	printf("fixed: %s\n", m[1] == high ? "taken" : "not");
	TRY(mmap, 0, 1ul << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT | MAP_NORESERVE, -1, 0);
	TRY(mmap, 0, 1ul << 31, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT | MAP_NORESERVE, -1, 0);
	close(fd);
}

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t least, most, more[4];
};

static void shown(void)
{
	struct attr a = { 0 };

	CHECK(syscall(SYS_sched_getattr, 0, &a, 56, 0) == 0);
	printf("size %u, policy %u, flags %lx, ", a.size, a.policy, (long)a.flags);
	printf("nice %d, priority %u\n", a.nice, a.priority);
}

static void attributes(void)
{
	struct attr a = { .size = 48, .policy = SCHED_BATCH, .nice = 3 };

	shown();
	TRY(sched_setattr, 0, &a, 0);
	shown();
	CHECK(getpriority(PRIO_PROCESS, 0) == 3 && sched_getscheduler(0) == SCHED_BATCH);
	a.nice = 99;
	a.flags = 1;
	TRY(sched_setattr, 0, &a, 0);
	shown();
	if (fork() == 0) {
		shown();
		fflush(stdout);
		_exit(0);
	}
	wait(0);
	a = (struct attr){ .size = 56, .policy = SCHED_OTHER, .flags = 8, .nice = 5 };
	TRY(sched_setattr, 0, &a, 0);
	shown();
	a = (struct attr){ .size = 48, .policy = SCHED_OTHER, .flags = 0x10, .nice = 7 };
	TRY(sched_setattr, 0, &a, 0);
	shown();
	a = (struct attr){ .policy = SCHED_IDLE };
	TRY(sched_setattr, 0, &a, 0);
	shown();
	TRY(sched_setattr, 0, &a, 1);
	TRY(sched_setattr, 0, 0, 0);
	TRY(sched_setattr, -1, &a, 0);
	TRY(sched_setattr, 999999, &a, 0);
	TRY(sched_setattr, 0, BAD, 0);
	a.size = 10;
	TRY(sched_setattr, 0, &a, 0);
	printf("size %u\n", a.size);
	a.size = 5000;
	TRY(sched_setattr, 0, &a, 0);
	a.size = sizeof a;
	TRY(sched_setattr, 0, &a, 0);
	a.more[3] = 1;
	TRY(sched_setattr, 0, &a, 0);
	a = (struct attr){ .policy = 99 };
	TRY(sched_setattr, 0, &a, 0);
	a.policy = -5;
	TRY(sched_setattr, 0, &a, 0);
	a = (struct attr){ .flags = 1 << 20 };
	TRY(sched_setattr, 0, &a, 0);
	a = (struct attr){ .priority = 5 };
	TRY(sched_setattr, 0, &a, 0);
	a = (struct attr){ .policy = SCHED_FIFO };
	TRY(sched_setattr, 0, &a, 0);
	a.priority = 100;
	TRY(sched_setattr, 0, &a, 0);
	a = (struct attr){ .size = 48, .flags = 0x20 };
	TRY(sched_setattr, 0, &a, 0);
	TRY(sched_getattr, 0, 0, 48, 0);
	TRY(sched_getattr, 0, &a, 48, 0);
	printf("size %u\n", a.size);
	TRY(sched_getattr, 0, &a, 47, 0);
	TRY(sched_getattr, 0, &a, 5000, 0);
	TRY(sched_getattr, 0, &a, 48, 1);
	TRY(sched_getattr, -1, &a, 48, 0);
	TRY(sched_getattr, 999999, &a, 48, 0);
	TRY(sched_getattr, 0, BAD, 48, 0);
}

int main(void)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	doubled();
	kept();
	low();
	attributes();
	return 0;
}
