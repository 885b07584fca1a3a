/* SPDX-License-Identifier: MIT */
/* Clocks: the loader knows how fast the TSC runs; the APIC timer is measured by it, once; the one-shot timer. */
#include <base/duration.h>
#include "kernel.h"

#define MEASURE_HZ  200u /* a window of 5 ms */
#define SLICE_US    10000u
#define EARLY_US    100u

static uint64_t apic_mult; /* APIC ticks = TSC ticks * apic_mult >> 32 */
static bool deadline;      /* the APIC timer compares with the TSC itself */

void time_start(void)
{
	info->tsc_hz = boot->tsc_hz;
	apic_timer(0xffffffff);
	uint64_t begin = rdtsc(), tsc = 0;
	uint32_t apic = apic_timer_now();
	while (tsc < info->tsc_hz / MEASURE_HZ)
		tsc = rdtsc() - begin;
	uint64_t apic_hz = mul_div(apic - apic_timer_now(), info->tsc_hz, tsc);
	apic_timer(0);

	if (!apic_hz)
		panic("the APIC timer does not count");
	info->ns_mult = mul_div(1000000000, 1ul << 32, info->tsc_hz);
	apic_mult = mul_div(apic_hz, 1ul << 32, info->tsc_hz);
	info->tsc_boot = boot->tsc_exit;
	/* The wall clock was read at wall_tsc, before the exit. */
	if (boot->wall_ns)
		info->wall_boot = boot->wall_ns + ticks_ns(boot->tsc_exit - boot->wall_tsc, info->ns_mult);
	info->slice_ticks = info->tsc_hz / 1000000 * SLICE_US;
	info->early_ticks = info->tsc_hz / 1000000 * EARLY_US;
	deadline = apic_deadline();
	klog("TSC %lu MHz, APIC timer %lu MHz%s", info->tsc_hz / 1000000, apic_hz / 1000000, deadline ? ", in TSC-deadline mode" : "");
}

void timer_arm(uint64_t tsc)
{
	if (deadline) {
		wrmsr(MSR_TSC_DEADLINE, tsc);
		return;
	}
	uint64_t now = rdtsc();
	unsigned __int128 ticks = tsc > now ? ((unsigned __int128)(tsc - now) * apic_mult >> 32) + 1 : 1;
	/* A deadline that the counter cannot hold comes as an early tick, which arms again. */
	apic_timer(ticks > 0xffffffff ? 0xffffffff : (uint32_t)ticks);
}
