/* SPDX-License-Identifier: MIT */
/* What the upcall entries build and C handlers see. Serves C and assembly. */
#ifndef RT_REGS_H
#define RT_REGS_H
#include <exo/env.h>

/* Vectors of the two doors of the foreign system call; above all that the kernel uses. */
#define RT_VECTOR_FOREIGN 257
#define RT_VECTOR_INT80   258

/* Offset of `current` in struct exo_info; asserted below. */
#define RT_INFO_CURRENT   88

#ifndef __ASSEMBLER__
struct rt_regs {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	struct exo_upcall at; /* vector, error, addr, disabled, rip, cs, rflags, rsp, ss */
};
_Static_assert(__builtin_offsetof(struct exo_info, current) == RT_INFO_CURRENT, "asm");
_Static_assert(__builtin_offsetof(struct rt_regs, at) == 15 * 8, "asm");
_Static_assert(EXO_GROUP_SIZE == 1ul << 16, "asm");
_Static_assert(EXO_GROUP_STACK == 0x3000 && EXO_STACK_SIZE == 0x2000, "asm: bit 14 tells the two stack pages apart");
_Static_assert(EXO_GROUPS >> 28 == (EXO_GROUPS + EXO_ENV_MAX * EXO_GROUP_SIZE - 1) >> 28, "asm: one prefix for all groups");
#endif
#endif
