/* SPDX-License-Identifier: MIT */
/* The parts of this app; its pager and its scheduler are names that the rooms want (vm/needs.h, run/needs.h). */
#ifndef TEST_PARTS_H
#define TEST_PARTS_H
#include <load/exec.h>
#include <posix/parts.h>
#include <rt/rt.h>
#include <vm/fork.h>

#pragma GCC visibility push(hidden)
/* loader.c: flat files, too: magic, the address of the first instruction, and code: one segment at FLAT_BASE. */
int flat_load(struct exec_plan *plan, const char *path);
/* fork.c: the caller has copies of all that it may write when it comes back, and no fault for those. */
long fork_copied(const struct fork_start *start);
#pragma GCC visibility pop

#define FLAT_BASE 0x400000ul
#define FLAT_MAGIC 0x54414c466c697241ul /* ArilFLAT */
#endif
