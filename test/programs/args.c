/* SPDX-License-Identifier: MIT */
/* What exec hands over: prints argv and envp, and checks the auxiliary vector against the image and the kernel's promises. */
#include "check.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <stdint.h>

extern char **environ;
extern const char __ehdr_start[] __attribute__((weak, visibility("hidden")));

int main(int argc, char **argv)
{
	printf("argc %d\n", argc);
	for (int i = 0; i < argc; i++)
		printf("argv[%d] %s\n", i, argv[i]);
	CHECK(!argv[argc]);
	int n = 0;
	for (char **e = environ; *e; e++, n++)
		printf("envp %s\n", *e);
	/* The auxiliary vector begins right behind envp. */
	const Elf64_auxv_t *av = (const void *)(environ + n + 1);
	int seen = 0;
	for (; av->a_type != AT_NULL; av++, seen++)
		if (av->a_type == AT_ENTRY || av->a_type == AT_RANDOM || av->a_type == AT_PHDR)
			CHECK(getauxval(av->a_type) == av->a_un.a_val);
	CHECK(seen >= 5);
	printf("AT_PAGESZ %lu\n", getauxval(AT_PAGESZ));
	printf("AT_PHENT %lu\n", getauxval(AT_PHENT));
	printf("AT_UID %lu AT_EUID %lu AT_SECURE %lu\n", getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_SECURE));
	CHECK((getauxval(AT_RANDOM) & 0x7fffffff) != 0);
	const unsigned char *r = (const void *)getauxval(AT_RANDOM);
	int set = 0;
	for (int i = 0; i < 16; i++)
		set |= r[i];
	CHECK(set);
	const Elf64_Phdr *ph = (const void *)getauxval(AT_PHDR);
	CHECK(ph && getauxval(AT_PHNUM) >= 2);
	if (__ehdr_start) {
		const Elf64_Ehdr *eh = (const void *)__ehdr_start;
		CHECK((uintptr_t)ph == (uintptr_t)eh + eh->e_phoff && getauxval(AT_PHNUM) == eh->e_phnum);
		uintptr_t bias = eh->e_type == ET_DYN ? (uintptr_t)eh : 0;
		CHECK(getauxval(AT_ENTRY) == bias + eh->e_entry);
	}
	uintptr_t sp;
	__asm__("mov %%rsp, %0" : "=r"(sp));
	CHECK(sp < (uintptr_t)argv && (uintptr_t)argv < (uintptr_t)environ);
	printf("ok\n");
	return 0;
}
