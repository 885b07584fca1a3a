/* SPDX-License-Identifier: MIT */
/* Where entry.S finds what it reads of struct cpu and struct env; kernel.h asserts each. */
#ifndef KERNEL_OFFSET_H
#define KERNEL_OFFSET_H
#define CPU_USER_RSP      8
#define CPU_STACK_TOP     16
#define CPU_CURRENT       24
#define CPU_UPCALL_LIMIT  32
#define CPU_SAVE_END      40
#define CPU_SWITCHED      56
#define TRAP_SIZE         176
#define ENV_EXO           0
#define ENV_UPCALL_END    8
#define ENV_UPCALL_AT     16
#define ENV_UPCALL_RESUME 24
#define ENV_ENTRY_FAULT   32
#define ENV_ENTRY_FOREIGN 48
#endif
