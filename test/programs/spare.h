/* SPDX-License-Identifier: MIT */
/* The machine's free frames as a member sees them, for tests that none is lost. Aril only. */
#ifndef SPARE_H
#define SPARE_H
#include <exo/env.h>
#include <family/memory.h>
#include <family/monitor.h>
#include <stdio.h>
#include <unistd.h>

/* From the public info page; with the family's free pages of control memory, which the monitor would take back. */
static inline uint64_t frames_free(void)
{
	const volatile struct exo_info *info = (const volatile struct exo_info *)EXO_INFO;
	const volatile struct told_head *told = (const volatile struct told_head *)(PRIVATE_BASE + PRIVATE_FAMILY);

	return info->frames_free + SAID->control_pages - SAID->holes * HOLE_PAGES - told->control_used;
}
/* Says whether so many are free again, waiting some seconds for those that clean up. */
static inline void frames_back_tell(uint64_t before)
{
	for (int left = 500; left && frames_free() < before; left--)
		usleep(10000);
	if (frames_free() < before)
		printf("%ld frames are lost\n", (long)(before - frames_free()));
	else
		printf("all is back\n");
}
#endif
