/* SPDX-License-Identifier: MIT */
/* What the four files of mini share. The struct lies in mini's home, which its members reach too: one address, one meaning. */
#ifndef MINI_H
#define MINI_H
#include <rt/rt.h>

#define PROGRAM_TOP 0x600000ul /* slot 0: program and stack lie in the 2 MiB below */
#define SCRATCH 0x10000000ul   /* slot 0 of the first env: one page, for filling frames */

struct mini {
	exo_name member[2];               /* parent and child */
	int running;                      /* whose turn it is */
	volatile uint64_t turns_left;     /* until the first env is asked again */
	uint64_t counted[2];              /* what each had counted at the end of its last turn */
	const volatile uint64_t *counter; /* the program's, in its own copy-on-write page */
	uint64_t pages_copied, tables_copied;
};
extern struct mini mini;

/* elf.c: maps the segments of an ELF file of the root image in the root that spec builds, and one page of stack; sets rip and rsp. 0 or negative. */
int64_t program_load(struct exo_env_spec *spec, const char *path);
/* fork.c: makes a copy-on-write child of the env that runs; it will go on with the same registers, but rax = 0. Its name, or an error. */
int64_t program_fork(const struct rt_regs *regs);
/* sched.c: the members run `turns` turns, one after the other; returns to the first env after that. turn_begin: the caller's own. */
void schedule(uint64_t turns), turn_begin(void);
/* main.c: r again; an error of the gate is logged and ends mini, or the member. */
int64_t must(int64_t r, const char *what);
#endif
