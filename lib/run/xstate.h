/* SPDX-License-Identifier: MIT */
/* The CPU's vector and x87 state in memory: xstate.c. */
#ifndef RUN_XSTATE_H
#define RUN_XSTATE_H
#include <rt/gate.h>

/* Else FXSAVE has to do. */
static inline int xstate_has_xsave(void)
{
	return rt_info->cpu_features & EXO_CPU_XSAVE && rt_info->xcr0;
}

#pragma GCC visibility push(hidden)
/* XSAVE of all of the CPU's state that XCR0 names into a 64-byte-aligned image of rt_info->xsave_size bytes, and
 * back. xstate.c */
void xstate_save(void *image);
void xstate_load(const void *image);
void xstate_init(void);                               /* what exec gives */

/* Bases of FS and GS. xstate.c */
uint64_t fs_base_get(void), gs_base_get(void);
void fs_base_set(uint64_t base), gs_base_set(uint64_t base);
#pragma GCC visibility pop
#endif
