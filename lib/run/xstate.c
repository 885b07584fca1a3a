/* SPDX-License-Identifier: MIT */
/* The CPU's vector and x87 state, to and from an image in memory. The library itself uses none of it, so it stays the program's all the time. */
#include <posix/library.h>
#include <posix/signal/sigframe.h>

#define HEADER 512
#define HEADER_SIZE 64
#define LEGACY_SIZE 512

int user_xsave(void *image, uint64_t size, uint64_t xcr0), user_xrstor(const void *image, uint64_t size); /* entry.S */

/* The first state: every component as the CPU initialises it (no bit in the header), and the two control words that are not all zeros then. */
static const struct { uint16_t fcw, rest[11]; uint32_t mxcsr, pad[121]; uint64_t header[8]; } initial __attribute__((aligned(64))) = { .fcw = 0x37f, .mxcsr = 0x1f80 };

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

void xstate_init(void)
{
	xstate_load(&initial);
}

uint64_t xstate_frame_size(void)
{
	return rt_info->xsave_size + sizeof(uint32_t);
}

int xstate_put(uint64_t at)
{
	if (!user_range_ok(at, xstate_frame_size()))
		return -EFAULT;
	if (has_xsave())
		return user_xsave((void *)at, rt_info->xsave_size, rt_info->xcr0);
	xstate_save(XSAVE_IMAGE);
	memset((char *)XSAVE_IMAGE + SIGFRAME_SW, 0, sizeof(struct xstate_sw));
	return user_copy((void *)at, XSAVE_IMAGE, LEGACY_SIZE);
}

/* As FXRSTOR has it, at any address: what it refuses (reserved bits of MXCSR) is taken out. */
static int get_legacy(uint64_t at)
{
	struct { uint8_t bytes[LEGACY_SIZE]; uint64_t header[8]; } *image = XSAVE_IMAGE;
	uint32_t mxcsr;

	if (user_read(image, at, LEGACY_SIZE))
		return -EFAULT;
	memset(image->header, 0, sizeof image->header);
	image->header[0] = 3;
	memcpy(&mxcsr, image->bytes + 24, 4);
	mxcsr &= 0xffff;
	memcpy(image->bytes + 24, &mxcsr, 4);
	xstate_load(image);
	return 0;
}

/* XRSTOR checks an extended image better than we could. */
int xstate_get(uint64_t at)
{
	int r = 1;

	if (has_xsave() && at % 64 == 0 && user_range_ok(at, xstate_frame_size()))
		r = user_xrstor((const void *)at, rt_info->xsave_size);
	return r > 0 ? get_legacy(at) : r;
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
