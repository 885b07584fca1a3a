/* SPDX-License-Identifier: MIT */
/* Where a program lies from run to run: image, stack, heap, mappings and the code of the kernel's, by chance or, with
 * ADDR_NO_RANDOMIZE, always at one place. A fork child lies where its parent does. */
#include <elf.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include "check.h"

#define RUNS 6
#define LARGE (64l << 20)
enum { IMAGE, STACK, HEAP, MAPPING, VDSO, FIRST_WORDS, PLACES };
static const char *const name[PLACES] = { "image", "stack", "heap", "mapping", "vdso", "stack in its page" };

static void places_find(uintptr_t at[PLACES], const void *argv)
{
	at[IMAGE] = (uintptr_t)places_find;
	at[STACK] = (uintptr_t)argv & -4096ul;
	at[HEAP] = (uintptr_t)syscall(SYS_brk, 0);
	at[MAPPING] = (uintptr_t)mmap(0, LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(at[MAPPING] != (uintptr_t)MAP_FAILED && munmap((void *)at[MAPPING], LARGE) == 0);
	at[VDSO] = getauxval(AT_SYSINFO_EHDR);
	at[FIRST_WORDS] = (uintptr_t)argv & 4095;
}

static void run(const char *self, int to)
{
	char number[16];
	pid_t pid;

	snprintf(number, sizeof number, "%d", to);
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		execl(self, self, number, (char *)0);
		_exit(1);
	}
	CHECK(wait_status(pid) == 0);
}

static void many(const char *self)
{
	uintptr_t at[RUNS][PLACES];
	int p[2];

	CHECK(pipe(p) == 0);
	for (int i = 0; i < RUNS; i++) {
		run(self, p[1]);
		CHECK(read(p[0], at[i], sizeof at[i]) == sizeof at[i]);
	}
	for (int k = 0; k < PLACES; k++) {
		int differs = 0;

		for (int i = 1; i < RUNS; i++)
			differs |= at[i][k] != at[0][k];
		printf("%s: %s\n", name[k], differs ? "by chance" : "always there");
	}
	close(p[0]);
	close(p[1]);
}

int main(int argc, char **argv)
{
	uintptr_t at[PLACES], child[PLACES];
	int p[2];
	pid_t pid;

	places_find(at, argv);
	if (argc == 2) {
		CHECK(write(atoi(argv[1]), at, sizeof at) == sizeof at);
		return 0;
	}
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	many(argv[0]);
	CHECK(pipe(p) == 0);
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		places_find(child, argv);
		_exit(write(p[1], child, sizeof child) != sizeof child);
	}
	CHECK(wait_status(pid) == 0 && read(p[0], child, sizeof child) == sizeof child && !memcmp(at, child, sizeof at));
	CHECK(personality(ADDR_NO_RANDOMIZE) == 0);
	printf("and without:\n");
	many(argv[0]);
	return 0;
}
