/* SPDX-License-Identifier: MIT */
/* What fork costs, counted in ring 3 over the public frame table: `forkframes MIB` touches so much, forks, and lets the child write one byte.
 * Prints the region's tables before and after, frames that fork took in all, and what the one byte took. Aril only. */
#include "check.h"
#include <exo/env.h>
#include <exo/page.h>
#include <sys/mman.h>

#define info   ((const volatile struct exo_info *)EXO_INFO)
#define frames ((const volatile struct exo_frame_rec *)EXO_FRAMES)
/* A GiB of slot 0 in which nothing else lies. */
#define REGION (64ul << 30)

struct census { unsigned long data, pt1, pt2, tables, free, shared_tables; };

/* Tables of the region by their base; data frames of the whole machine. */
static struct census look(unsigned long bytes)
{
	struct census c = { 0, 0, 0, 0, 0, 0 };
	unsigned long lo = REGION >> 21, hi = (REGION + bytes + (1 << 21) - 1) >> 21;
	for (unsigned long i = 0; i < info->frame_count; i++) {
		unsigned type = frames[i].type, base = frames[i].base;
		if (type == EXO_DATA)
			c.data++;
		else if (type == EXO_FREE)
			c.free++;
		else if (type >= EXO_PT1 && type <= EXO_PT4) {
			c.tables++;
			if (type == EXO_PT1 && base >= lo && base < hi) {
				c.pt1++;
				c.shared_tables += frames[i].glinks + frames[i].plinks > 1;
			}
			if (type == EXO_PT2 && base == lo) {
				c.pt2++;
				c.shared_tables += frames[i].glinks + frames[i].plinks > 1;
			}
		}
	}
	return c;
}

static int to[2], from[2];

static void tell(int fd, char c) { CHECK(write(fd, &c, 1) == 1); }
static char hear(int fd) { char c; CHECK(read(fd, &c, 1) == 1); return c; }

int main(int argc, char **argv)
{
	unsigned long mib = argc > 1 ? strtoul(argv[1], 0, 10) : 64, bytes = mib << 20;
	volatile char *p = mmap((void *)REGION, 1ul << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	CHECK(p == (void *)REGION);
	for (unsigned long i = 0; i < bytes; i += 4096)
		p[i] = (char)(i >> 12);
	static volatile char warm[3 * 4096];
	CHECK(!pipe(to) && !pipe(from));
	/* The pipes' pages exist from here on. */
	tell(to[1], 'w');
	hear(to[0]);
	tell(from[1], 'w');
	hear(from[0]);
	struct census before = look(bytes);
	before = look(bytes);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		warm[4096] = 1;
		CHECK(warm[4096]);
		tell(from[1], 'a');
		CHECK(hear(to[0]) == 'b');
		tell(from[1], 'c');
		CHECK(hear(to[0]) == 'd');
		p[bytes / 2] ^= 1;
		tell(from[1], 'e');
		CHECK(hear(to[0]) == 'f');
		for (unsigned long i = 0; i < bytes; i += 4096)
			CHECK(p[i] == (char)((i >> 12) ^ (i == bytes / 2)));
		_exit(0);
	}
	CHECK(hear(from[0]) == 'a');
	tell(to[1], 'b');
	CHECK(hear(from[0]) == 'c');
	struct census forked = look(bytes);
	tell(to[1], 'd');
	CHECK(hear(from[0]) == 'e');
	struct census wrote = look(bytes);
	tell(to[1], 'f');
	CHECK(wait_status(pid) == 0);
	for (unsigned long i = 0; i < bytes; i += 4096)
		CHECK(p[i] == (char)(i >> 12));
	printf("region_pt1 %lu %lu %lu\n", before.pt1, forked.pt1, wrote.pt1);
	printf("region_pt2 %lu %lu %lu\n", before.pt2, forked.pt2, wrote.pt2);
	printf("region_shared %lu %lu\n", before.shared_tables, forked.shared_tables);
	printf("fork_frames %ld\n", (long)(before.free - forked.free));
	printf("write_data %ld\n", (long)(wrote.data - forked.data));
	printf("write_tables %ld\n", (long)(wrote.tables - forked.tables));
	printf("write_frames %ld\n", (long)(forked.free - wrote.free));
	return 0;
}
