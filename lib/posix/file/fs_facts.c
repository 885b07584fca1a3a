/* SPDX-License-Identifier: MIT */
/* What /proc and statfs show of the machine, from the kernel's public info page. Host tests bring their own. */
#include <rt/gate.h>
#include <rt/space.h>
#include <fs/files.h>
#include <family/family.h>
#include <vm/swap.h>

void machine_facts(struct machine_facts *out)
{
	const struct swap *s = F->swap;

	*out = (struct machine_facts){ .swap_outs = F->swap_outs, .swap_ins = F->swap_ins };
	if (s) {
		out->swap = s->size;
		out->swapped = s->used;
		out->swap_priority = s->priority;
	}
	out->frames = SAID->frames;
	out->frames_free = frames_left();
	out->tsc_hz = rt_info->tsc_hz;
	out->image = IS_BOX ? 0 : rt_info->root_size; /* others read the first one's */
}

uint64_t file_room(void)
{
	return frames_left();
}

uint64_t frames_end(void) { return rt_info->frame_count; }
uint64_t frames_kept(void) { return F->frame_reserve; }

int frames_are_ram(uint64_t first, uint64_t n)
{
	uint64_t end = min_u64(first + n, rt_info->frame_count);

	for (uint64_t pfn = first; pfn < end; pfn++)
		if (rt_frames[pfn].type != EXO_NONE)
			return 1;
	return 0;
}

size_t machine_report(char *to, size_t max)
{
	size_t n = min_u64(rt_info->report_size, max);

	memcpy(to, (const void *)rt_info->report_va, n);
	size_t more = min_u64(min_u64(SAID->devices_size, SAID_DEVICES), max - n);
	memcpy(to + n, (const void *)SAID->devices, more);
	return n + more;
}

size_t machine_text(char *to, size_t max)
{
	const volatile struct exo_info *info = rt_info;
	unsigned envs = 0, homes = 0, slices = 0;
	uint64_t boot_us = (info->tsc_first_user - info->tsc_exit_boot) * 1000000 / info->tsc_hz;
	struct rt_space space;
	int n;

	for (unsigned i = 1; i < EXO_ENV_MAX; i++)
		envs += rt_envs[i].name != 0;
	for (unsigned i = 0; i < 1024; i++) /* one slot's and more: nobody here claims further up */
		homes += rt_homes[i].owner != 0;
	for (unsigned i = 0; i < EXO_SLICE_COUNT; i++)
		slices += rt_slices->env[i] == info->first;
	n = fmt(to, max, "build:          %s\nfrom firmware:  %lu us to the first instruction of ring 3\n", (const char *)info->build, (unsigned long)boot_us);
	n += fmt(to + n, max - (size_t)n, "frames:         %lu of RAM, %lu free, table at %#lx\n", (unsigned long)info->frames_ram,
		(unsigned long)frames_left(), EXO_FRAMES);
	n += fmt(to + n, max - (size_t)n, "environments:   %u, this one %lu\nhomes:          %u claimed\n", envs, EXO_NAME_INDEX(rt_self()), homes);
	n += fmt(to + n, max - (size_t)n, "slices:         %u of %lu are the first env's, %lu us each\n", slices, (unsigned long)EXO_SLICE_COUNT,
		(unsigned long)(info->slice_ticks * 1000000 / info->tsc_hz));
	rt_space_count(rt_frames, info->frame_count, rt_homes, &space);
	n += fmt(to + n, max - (size_t)n, "address space:  " RT_SPACE_FORMAT "\n", space.mapped, space.names, space.private, space.disagreements);
	if (F->swap)
		n += fmt(to + n, max - (size_t)n,
			"swap:           %lu pages packed, %lu of zeros, %lu times one could not be; "
			"%lu stayed, in tables that fork shares\n",
			F->swap->used - F->swap->zeros, F->swap->zeros, F->swap->refused, F->swap->sealed);
	n += fmt(to + n, max - (size_t)n, "clock:          TSC %lu MHz\n", (unsigned long)(info->tsc_hz / 1000000));
	return (size_t)n;
}
