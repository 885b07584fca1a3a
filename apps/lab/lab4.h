/* SPDX-License-Identifier: MIT */
/* Lab 4: copy-on-write fork. apps/lab/README.md has the task. */
#ifndef LAB4_H
#define LAB4_H
#include <rt/rt.h>

/* The program's memory, stack and all: pages of slot 0, which is private in every root; all of them are there and may
 * be written. Nothing else lies in the first GiB. */
#define PROGRAM     0x400000ul
#define PAGES       32
#define PROGRAM_END (PROGRAM + PAGES * EXO_PAGE_SIZE)

/* The program that runs has made its system call, with these registers, on its own stack: makes a child, an env that
 * goes on with the same registers but rax = 0, and with memory of its own that reads the same. The child reaches the
 * home of this code (rt_env_home), which both write. Returns the child's name, or a gate error. */
int64_t program_fork(const struct rt_regs *regs);

/* The processor has refused an access; error as in lab 1. Returns 1 when the program that runs may write there now; 0,
 * and nothing is changed, when this is not what fork left behind. */
int fork_fault(uint64_t address, uint64_t error);
#endif
