/* SPDX-License-Identifier: MIT */
/* The CPU's vector and x87 state, to and from an image in memory. The library itself uses none of it, so it stays the program's all the time. */
#include "library.h"

#define HEADER 512
#define HEADER_SIZE 64

static int has_xsave(void)
{
	return rt_info->cpu_features & EXO_CPU_XSAVE && rt_info->xcr0;
}

void xstate_save(void *image)
{
	memset((char *)image + HEADER, 0, HEADER_SIZE);
	if (has_xsave())
		__asm__ volatile("xsave64 (%0)" : : "r"(image), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(image) : "memory");
}

void xstate_load(const void *image)
{
	if (has_xsave())
		__asm__ volatile("xrstor64 (%0)" : : "r"(image), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(image) : "memory");
}
