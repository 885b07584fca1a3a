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

/* Without FSGSBASE a program can change its bases through the library only, so what was set last stands. */
static int has_bases(void) { return rt_info->cpu_features & EXO_CPU_FSGSBASE; }

uint64_t fs_base_get(void)
{
	uint64_t v = P->fs_base;

	if (has_bases())
		__asm__ volatile("rdfsbase %0" : "=r"(v));
	return v;
}

uint64_t gs_base_get(void)
{
	uint64_t v = P->gs_base;

	if (has_bases())
		__asm__ volatile("rdgsbase %0" : "=r"(v));
	return v;
}

void fs_base_set(uint64_t base)
{
	P->fs_base = base;
	if (has_bases())
		__asm__ volatile("wrfsbase %0" : : "r"(base));
	else
		(void)gate_env_set(0, EXO_SET_FS, base, 0);
}

void gs_base_set(uint64_t base)
{
	P->gs_base = base;
	if (has_bases())
		__asm__ volatile("wrgsbase %0" : : "r"(base));
	else
		(void)gate_env_set(0, EXO_SET_GS, base, 0);
}
