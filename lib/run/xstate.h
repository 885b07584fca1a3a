/* SPDX-License-Identifier: MIT */
/* The CPU's vector and x87 state in memory: xstate.c, and in user memory signal/xstate_frame.c. */
#ifndef RUN_XSTATE_H
#define RUN_XSTATE_H
#include <rt/gate.h>

/* Else FXSAVE has to do. */
static inline int xstate_has_xsave(void)
{
	return rt_info->cpu_features & EXO_CPU_XSAVE && rt_info->xcr0;
}

#pragma GCC visibility push(hidden)
/* XSAVE of all of the CPU's state that XCR0 names into a 64-byte-aligned image of rt_info->xsave_size bytes, and back. xstate.c */
void xstate_save(void *image);
void xstate_load(const void *image);
void xstate_init(void);                               /* what exec gives */

/* The same with an image in a signal frame in user memory (sigframe.h, xstate_frame.c): 0, or -EFAULT, also when it is no image. The frame ends xstate_frame_size() later. */
int xstate_put(uint64_t at);
int xstate_get(uint64_t at);
uint64_t xstate_frame_size(void);
#pragma GCC visibility pop
#endif
