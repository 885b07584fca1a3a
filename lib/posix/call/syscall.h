/* SPDX-License-Identifier: MIT */
/* The table of system calls, as entry.S and syscall.c see it. Serves C and assembly. */
#ifndef POSIX_SYSCALL_H
#define POSIX_SYSCALL_H

#define SYSCALL_MAX 512

/* Flags of a call in syscall.def. */
#define FAST  1 /* needs no family lock: touches only this env's or constant state */
#define QUICK 3 /* FAST, and neither reads or changes the user's registers nor can make a signal deliverable, nor sleeps: entry.S answers it */
#define QUICK_BIT 2

#define SYSCALL_ROW_FLAGS 8
#define SYSCALL_ROW_SHIFT 4

#ifndef __ASSEMBLER__
#include <stdint.h>
#include <posix/posix.h>

struct syscall_row { syscall_function *function; uint64_t flags; };
_Static_assert(__builtin_offsetof(struct syscall_row, flags) == SYSCALL_ROW_FLAGS && sizeof(struct syscall_row) == 1 << SYSCALL_ROW_SHIFT, "asm");

extern const struct syscall_row syscall_table[SYSCALL_MAX];
#endif
#endif
