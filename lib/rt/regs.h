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
/* Offset of at.disabled in struct rt_regs. */
#define RT_REGS_DISABLED  148

#ifndef __ASSEMBLER__
struct rt_regs {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	struct exo_upcall at; /* resume, vector, error, pending, disabled, addr, rip, cs, rflags, rsp, ss */
};
_Static_assert(__builtin_offsetof(struct exo_info, current) == RT_INFO_CURRENT, "asm");
_Static_assert(__builtin_offsetof(struct rt_regs, at.disabled) == RT_REGS_DISABLED, "asm");
_Static_assert(EXO_GROUP_SIZE == 1ul << 16, "asm");
#endif
#endif
