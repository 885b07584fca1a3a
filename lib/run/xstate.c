/* SPDX-License-Identifier: MIT */
/* The CPU's vector and x87 state, to and from an image in memory of the library's own. The library itself uses none
 * of it, so it stays the program's all the time. */
#include <base/string.h>
#include "run.h"
#include "xstate.h"

#define HEADER 512
#define HEADER_SIZE 64

/* The first state: every component as the CPU initialises it (no bit in the header), and the two control words that
 * are not all zeros then. */
static const struct { uint16_t fcw, rest[11]; uint32_t mxcsr,
	pad[121]; uint64_t header[8]; } initial __attribute__((aligned(64))) = { .fcw = 0x37f, .mxcsr = 0x1f80 };

void xstate_save(void *image)
{
	memset((char *)image + HEADER, 0, HEADER_SIZE);
	if (xstate_has_xsave())
		__asm__ volatile("xsave64 (%0)" : : "r"(image), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(image) : "memory");
}

void xstate_load(const void *image)
{
	if (xstate_has_xsave())
		__asm__ volatile("xrstor64 (%0)" : : "r"(image), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(image) : "memory");
}

void xstate_init(void)
{
	xstate_load(&initial);
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
