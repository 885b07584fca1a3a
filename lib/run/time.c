/* SPDX-License-Identifier: MIT */
/* The clocks, read from the TSC through the kernel's public page without a gate call; and times that programs give,
 * which end at TIME_END. */
#include <asm/errno.h>
#include <linux/time_types.h>
#include <base/duration.h>
#include <family/family.h>
#include <rt/gate.h>
#include "run.h"

/* ns since 1970 when rt_now() was 0. */
static uint64_t wall_base(void) { return rt_info->wall_boot + F->wall_shift; }

uint64_t clock_ns(void) { return rt_now(); }
uint64_t clock_wall_ns(void) { return wall_base() + rt_now(); }
uint64_t clock_after(uint64_t ns) { return time_after(rt_now(), ns); }

uint64_t clock_deadline(uint64_t ns, int is_absolute, int is_wall)
{
	uint64_t base = is_wall ? wall_base() : 0;

	if (!is_absolute)
		return clock_after(ns);
	return ns > base ? ns - base : 1;
}

int timespec_ns(const struct __kernel_timespec *t, uint64_t *ns)
{
	if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= NS)
		return -EINVAL;
	*ns = time_of(t->tv_sec, t->tv_nsec);
	return 0;
}

struct __kernel_timespec timespec_of(uint64_t ns)
{
	return (struct __kernel_timespec){ (int64_t)(ns / NS), (int64_t)(ns % NS) };
}
