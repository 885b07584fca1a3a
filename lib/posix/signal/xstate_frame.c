/* SPDX-License-Identifier: MIT */
/* The vector state in a signal's frame: straight to and from user memory, as XSAVE lays it out, or FXSAVE where the CPU has no more. */
#include <posix/library.h>
#include "sigframe.h"

#define LEGACY_SIZE 512

int user_xsave(void *image, uint64_t size, uint64_t xcr0), user_xrstor(const void *image, uint64_t size); /* xstate_frame.S */

uint64_t xstate_frame_size(void)
{
	return rt_info->xsave_size + sizeof(uint32_t);
}

int xstate_put(uint64_t at)
{
	if (!user_range_ok(at, xstate_frame_size()))
		return -EFAULT;
	if (xstate_has_xsave())
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

	if (xstate_has_xsave() && at % 64 == 0 && user_range_ok(at, xstate_frame_size()))
		r = user_xrstor((const void *)at, rt_info->xsave_size);
	return r > 0 ? get_legacy(at) : r;
}
