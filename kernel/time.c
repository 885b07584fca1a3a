/* SPDX-License-Identifier: MIT */
/* Clocks: how fast TSC and APIC timer run, measured once against a clock of known rate, and the one-shot timer. */
#include "kernel.h"

#define HPET_VA     (KERNEL_DEVICES + 2 * EXO_PAGE_SIZE)
#define PM_HZ       3579545u
#define PIT_HZ      1193182u
#define MEASURE_HZ  200u /* a window of 5 ms */
#define SLICE_US    10000u
#define EARLY_US    100u

static uint64_t apic_mult; /* APIC ticks = TSC ticks * apic_mult >> 32 */

struct reference { const char *name; uint64_t hz; uint64_t mask; uint64_t (*read)(void); };

static uint64_t pm_read(void) { return inl((uint16_t)boot->pm_timer_port); }
static uint64_t hpet_read(void) { return *(volatile uint32_t *)(HPET_VA + 0xf0); }
/* Channel 2 counts down from 65535, gated on by port 0x61. */
static uint64_t pit_read(void)
{
	outb(0x43, 0x80);
	uint8_t low = inb(0x42);
	return 0xffffu - (uint32_t)(low | inb(0x42) << 8);
}

static struct reference reference_find(void)
{
	if (boot->pm_timer_port)
		return (struct reference){ "ACPI PM timer", PM_HZ, 0xffffff, pm_read };
	if (boot->hpet) {
		kernel_map_device(HPET_VA, boot->hpet);
		uint64_t period = *(volatile uint32_t *)(HPET_VA + 4); /* femtoseconds */
		if (period && period <= 100000000) {
			*(volatile uint32_t *)(HPET_VA + 0x10) |= 1;
			return (struct reference){ "HPET", 1000000000000000ul / period, 0xffffffff, hpet_read };
		}
	}
	outb(0x61, (inb(0x61) & 0xfc) | 1);
	outb(0x43, 0xb0);
	outb(0x42, 0xff);
	outb(0x42, 0xff);
	return (struct reference){ "PIT", PIT_HZ, 0xffff, pit_read };
}

void time_start(void)
{
	struct reference r = reference_find();
	uint64_t window = r.hz / MEASURE_HZ, passed = 0;
	apic_timer(0xffffffff);
	uint64_t begin = r.read(), tsc = rdtsc(), limit = tsc + 20000000000ul;
	uint32_t apic = apic_timer_now();
	while (passed < window) {
		passed = (r.read() - begin) & r.mask;
		if (rdtsc() > limit)
			panic("%s does not count", r.name);
	}
	uint64_t tsc_end = rdtsc();
	uint32_t apic_end = apic_timer_now();
	apic_timer(0);

	info->tsc_hz = mul_div(tsc_end - tsc, r.hz, passed);
	uint64_t apic_hz = (uint64_t)(apic - apic_end) * r.hz / passed;
	if (!info->tsc_hz || !apic_hz)
		panic("TSC or APIC timer does not count");
	info->ns_mult = mul_div(1000000000, 1ul << 32, info->tsc_hz);
	apic_mult = mul_div(apic_hz, 1ul << 32, info->tsc_hz);
	info->tsc_boot = boot->tsc_exit;
	/* The wall clock was read at wall_tsc, before the exit. */
	if (boot->wall_ns)
		info->wall_boot = boot->wall_ns + (uint64_t)((unsigned __int128)(boot->tsc_exit - boot->wall_tsc) * info->ns_mult >> 32);
	info->slice_ticks = info->tsc_hz / 1000000 * SLICE_US;
	info->early_ticks = info->tsc_hz / 1000000 * EARLY_US;
	klog("TSC %lu MHz, APIC timer %lu MHz, by the %s", info->tsc_hz / 1000000, apic_hz / 1000000, r.name);
}

void timer_arm(uint64_t tsc)
{
	uint64_t now = rdtsc();
	uint64_t ticks = tsc > now ? (uint64_t)((unsigned __int128)(tsc - now) * apic_mult >> 32) + 1 : 1;
	/* A deadline that the counter cannot hold comes as an early tick, which arms again. */
	apic_timer(ticks > 0xffffffff ? 0xffffffff : (uint32_t)ticks);
}
