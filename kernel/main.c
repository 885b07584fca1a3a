/* SPDX-License-Identifier: MIT */
/* The kernel's boot order. */
#include <base/string.h>
#include "kernel.h"

const struct boot_info *boot;
struct exo_info *info;
struct exo_home *homes;

static void tables_find(void)
{
	frames = pa_ptr(boot->frames.phys);
	frame_count = boot->frame_count;
	envs = pa_ptr(boot->envs.phys);
	homes = pa_ptr(boot->homes.phys);
	info = pa_ptr(boot->info.phys);
	slices = (struct exo_slices *)((uint8_t *)info + EXO_PAGE_SIZE);
	info->magic = EXO_INFO_MAGIC;
	info->version = EXO_INFO_VERSION;
	info->size = sizeof(*info);
	info->facts = boot->facts;
	info->tsc_exit_boot = boot->tsc_exit;
	memcpy(info->build, boot->build, sizeof(info->build));
	info->build[sizeof(info->build) - 1] = 0;
	log_publish();
}

__attribute__((noreturn)) void kmain(const struct boot_info *b)
{
	boot = b;                           /* first: whoever fails now can say so, on its serial port */
	if (b->magic != BOOT_MAGIC || b->version != BOOT_VERSION || b->size != sizeof(*b)) {
		klog("boot_info is not the loader's of this build");
		cpu_stop();
	}
	root_load((uint32_t)(b->kernel_root >> EXO_PAGE_SHIFT)); /* the identity map is gone */
	tables_find();                      /* public tables, in the arenas that the loader cleared */
	machine_start();                    /* descriptor tables, control registers, gate */
	fpu_start();                        /* XCR0 */
	root_start();                       /* what every root has in common */
#ifdef KERNEL_DEBUG
	recount_start();                    /* takes memory */
#endif
	frames_start();                     /* who owns which frame: nobody yet */
	apic_start();                       /* interrupt controllers, as found */
	time_start();                       /* how fast the clocks run */
	struct env *first = first_make();   /* out of what the loader placed */
	first_recount();
	klog("%lu MiB of RAM, %lu frames free; entering ring 3", info->frames_ram >> 8, info->frames_free);
	sched_start(first);
}
