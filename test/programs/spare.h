/* SPDX-License-Identifier: MIT */
/* The machine's free frames as a member sees them, for tests that none is lost. Aril only. */
#ifndef SPARE_H
#define SPARE_H
#include <exo/env.h>
#include <family/memory.h>
#include <family/monitor.h>

/* From the public info page; with the family's free pages of control memory, which the monitor would take back. */
static inline uint64_t frames_free(void)
{
	const volatile struct exo_info *info = (const volatile struct exo_info *)EXO_INFO;
	const volatile struct told_head *told = (const volatile struct told_head *)(PRIVATE_BASE + PRIVATE_FAMILY);

	return info->frames_free + SAID->control_pages - told->control_used;
}
#endif
