/* SPDX-License-Identifier: MIT */
/* The first stack of a program: strings, random bytes, auxiliary vector, envp, argv, argc, as the x86-64 ABI
 * supplement draws them. */
#include "exec.h"
#include <linux/auxvec.h>

#define HWCAP2_FSGSBASE 2
#define PLATFORM "x86_64"

struct pile { uint64_t at; int failed; };

static uint64_t push(struct pile *s, const void *bytes, uint64_t n)
{
	s->at -= n;
	if (user_write(s->at, bytes, n))
		s->failed = 1;
	return s->at;
}

static uint32_t hwcap(void)
{
	uint32_t a = 1, b, c, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	return d;
}

/* count pointers to the strings from `from` on, and a NULL. Returns the address behind the last string. */
static uint64_t pointers(struct pile *s, uint64_t table, uint32_t count, const char *strings, uint64_t user)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t n = strlen(strings) + 1;

		if (user_write(table + 8ul * i, &user, 8))
			s->failed = 1;
		strings += n;
		user += n;
	}
	return user;
}

uint64_t stack_build(const struct exec_plan *plan)
{
	const struct exec_image *p = &plan->program, *i = &plan->interp;
	struct pile s = { .at = SPACE->stack_top - 8 };
	uint64_t zero = 0, strings, path, platform, seed, aux[2 * AUX_MAX], table, argc = plan->argc, argv, envp;
	int n = 0;

	(void)push(&s, &zero, 8);
	path = push(&s, plan->path, strlen(plan->path) + 1);
	strings = push(&s, plan->strings, plan->strings_size);
	s.at = (s.at - plan->stack_skip) & ~15ul;
	platform = push(&s, PLATFORM, sizeof PLATFORM);
	s.at &= ~15ul;
	seed = push(&s, plan->random, 2 * sizeof *plan->random);
#define AUX(key, value) (aux[n++] = (key), aux[n++] = (uint64_t)(value))
	AUX(AT_SYSINFO_EHDR, VDSO_BASE);
	AUX(AT_HWCAP, hwcap());
	AUX(AT_PAGESZ, PAGE);
	AUX(AT_CLKTCK, 100);
	AUX(AT_PHDR, p->elf.phdr_va ? p->elf.phdr_va + p->base : 0);
	AUX(AT_PHENT, sizeof(Elf64_Phdr));
	AUX(AT_PHNUM, p->elf.phnum);
	AUX(AT_BASE, i->inode ? i->base : 0);
	AUX(AT_FLAGS, 0);
	AUX(AT_ENTRY, p->elf.entry + p->base);
	AUX(AT_UID, 0);
	AUX(AT_EUID, 0);
	AUX(AT_GID, 0);
	AUX(AT_EGID, 0);
	AUX(AT_SECURE, 0);
	AUX(AT_RANDOM, seed);
	AUX(AT_HWCAP2, HWCAP2_FSGSBASE);
	AUX(AT_EXECFN, path);
	AUX(AT_PLATFORM, platform);
	if (plan->opened)
		AUX(AT_EXECFD, plan->opened_fd);
	AUX(AT_MINSIGSTKSZ, 1024 + rt_info->xsave_size);
	AUX(AT_NULL, 0);
#undef AUX
	table = 8 + (argc + 1 + plan->envc + 1) * 8 + (uint64_t)n * 8;
	s.at = (s.at - table) & ~15ul;
	argv = s.at + 8;
	envp = argv + (argc + 1) * 8;
	P->aux_start = envp + (plan->envc + 1) * 8ul;
	if (user_write(s.at, &argc, 8) || user_write(argv + argc * 8, &zero, 8) || user_write(envp + plan->envc * 8ul,
		&zero, 8)
	    || user_write(P->aux_start, aux, (uint64_t)n * 8))
		return 0;
	P->arg_start = strings;
	P->arg_end = P->env_start = pointers(&s, argv, plan->argc, plan->strings, strings);
	P->env_end = pointers(&s, envp, plan->envc, plan->strings + plan->args_size, P->env_start);
	return s.failed ? 0 : s.at;
}
