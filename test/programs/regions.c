/* SPDX-License-Identifier: MIT */
/* fork and exec of a process that knows many regions (each page of its own rights) in many slots of 512 GiB: a child sees them all, writes its own, and so does its child. */
#include "check.h"
#include <sys/mman.h>

#define REGIONS 1500
#define SLOTS 24
#define SLOT_SIZE (1ul << 39)
#define AT ((char *)(64ul << 30))
#define IN_SLOT(i) ((char *)((100 + (unsigned long)(i)) * SLOT_SIZE + 0x1000000))
#define FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE)

/* Odd pages are read-only: no two neighbours join. */
static void look(char mark)
{
	for (int i = 0; i < REGIONS; i++)
		CHECK(AT[i * 4096l] == (i % 2 ? 'o' : mark));
	for (int i = 0; i < SLOTS; i++)
		CHECK(*IN_SLOT(i) == mark);
}

static void write_all(char mark)
{
	for (int i = 0; i < REGIONS; i += 2)
		AT[i * 4096l] = mark;
	for (int i = 0; i < SLOTS; i++)
		*IN_SLOT(i) = mark;
}

int main(int argc, char **argv)
{
	pid_t child, grandchild;

	if (argc > 1)
		return mmap(AT, 4096, PROT_READ, FLAGS, -1, 0) == AT ? 7 : 1; /* after exec nothing of it is left */
	CHECK(mmap(AT, REGIONS * 4096l, PROT_READ | PROT_WRITE, FLAGS, -1, 0) == AT);
	for (int i = 0; i < SLOTS; i++)
		CHECK(mmap(IN_SLOT(i), 4096, PROT_READ | PROT_WRITE, FLAGS, -1, 0) == IN_SLOT(i));
	write_all('p');
	for (int i = 1; i < REGIONS; i += 2) {
		AT[i * 4096l] = 'o';
		CHECK(!mprotect(AT + i * 4096l, 4096, PROT_READ));
	}
	for (int round = 0; round < 3; round++) {
		child = fork();
		CHECK(child >= 0);
		if (!child) {
			look('p');
			write_all('c');
			grandchild = fork();
			CHECK(grandchild >= 0);
			if (!grandchild) {
				look('c');
				write_all('g');
				look('g');
				execl("/proc/self/exe", argv[0], "again", (char *)NULL);
				_exit(1);
			}
			CHECK(wait_status(grandchild) == 7);
			look('c');
			_exit(5);
		}
		CHECK(wait_status(child) == 5);
		look('p');
	}
	CHECK(!munmap(AT, REGIONS * 4096l));
	printf("regions: ok\n");
	return 0;
}
