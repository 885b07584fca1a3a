/* SPDX-License-Identifier: MIT */
/* How fast the TSC runs, by every clock of known rate that the machine has: measured here, where time costs nothing, so that the kernel knows no such clock. */
#include "clocks.h"
#include "cpu.h"
#include "loader.h"

#define PM_HZ      3579545u
#define PIT_HZ     1193182u
#define WINDOW_HZ  200u /* 5 ms */
#define TSC_LIMIT  20000000000ul
#define TPL_ALL    31   /* TPL_HIGH_LEVEL: no interrupts */
#define CLOCKS_MAX 3

static uint64_t pm_read(uint64_t port) { return cpu_in32((uint16_t)port); }
static uint64_t hpet_read(uint64_t base) { return *(volatile uint32_t *)(base + 0xf0); }
/* Channel 2 counts down from 65535, gated on by port 0x61. */
static uint64_t pit_read(uint64_t port)
{
	uint8_t low;

	cpu_out8(0x43, 0x80);
	low = cpu_in8((uint16_t)port);
	return 0xffffu - (uint32_t)(low | cpu_in8((uint16_t)port) << 8);
}

/* Those that the machine has, the most trusted first. A PIT that is not there reads as one that stands still. */
static int clocks_find(const struct boot_info *info, struct clock *c)
{
	uint32_t period = info->hpet ? *(volatile uint32_t *)(info->hpet + 4) : 0; /* femtoseconds */
	int n = 0;

	if (info->pm_timer_port)
		c[n++] = (struct clock){ .name = "ACPI PM timer", .rate = PM_HZ, .mask = 0xffffff, .read = pm_read, .base = info->pm_timer_port };
	if (period && period <= 100000000) {
		*(volatile uint32_t *)(info->hpet + 0x10) |= 1;
		c[n++] = (struct clock){ .name = "HPET", .rate = 1000000000000000ul / period, .mask = 0xffffffff, .read = hpet_read, .base = info->hpet };
	}
	cpu_out8(0x61, (cpu_in8(0x61) & 0xfc) | 1);
	cpu_out8(0x43, 0xb0);
	cpu_out8(0x42, 0xff);
	cpu_out8(0x42, 0xff);
	c[n++] = (struct clock){ .name = "PIT", .rate = PIT_HZ, .mask = 0xffff, .read = pit_read, .base = 0x42 };
	return n;
}

/* All of them over one window, rates to hz. It ends one round after the first has seen the whole of it, since the machine may have been away between two
 * reads; one that has seen less than half of it then stands still. */
static void window_measure(struct clock *c, int n, uint64_t hz[])
{
	uint64_t begin = cpu_tsc();
	int whole = 0, last = 0;

	for (int i = 0; i < n; i++) {
		c[i].begin = c[i].read(c[i].base);
		c[i].tsc_begin = cpu_tsc();
	}
	while (!last && cpu_tsc() - begin < TSC_LIMIT) {
		last = whole;
		for (int i = 0; i < n; i++) {
			uint64_t passed = (c[i].read(c[i].base) - c[i].begin) & c[i].mask;

			hz[i] = passed < c[i].rate / WINDOW_HZ / 2 ? 0 : clock_hz(c[i].rate, passed, cpu_tsc() - c[i].tsc_begin);
			whole |= passed >= c[i].rate / WINDOW_HZ;
		}
	}
}

static void clocks_measure(struct clock *c, int n)
{
	EFI_TPL tpl = firmware_boot->RaiseTPL(TPL_ALL);
	uint64_t hz[3][CLOCKS_MAX];

	for (int round = 0; round < 3; round++)
		window_measure(c, n, hz[round]);
	for (int i = 0; i < n; i++)
		c[i].hz = clock_middle((const uint64_t[3]){ hz[0][i], hz[1][i], hz[2][i] });
	firmware_boot->RestoreTPL(tpl);
}

static struct clock clock[CLOCKS_MAX];
static int clocks, best;

void tsc_facts(struct boot_info *info)
{
	clocks = clocks_find(info, clock);
	clocks_measure(clock, clocks);
	best = clocks_choose(clock, clocks);
	if (best < 0)
		stop(0, "TSC: no clock to measure it by (PM timer port %x, HPET %lx, PIT); switch HPET on in the firmware's setup", info->pm_timer_port,
			(unsigned long)info->hpet);
	info->tsc_hz = clock[best].hz;
	for (int i = 0; i < clocks; i++) {
		uint64_t hz = clock[i].hz;

		log_line("TSC: %lu kHz by the %s: %s", (unsigned long)hz / 1000, clock[i].name, i == best ? "taken" : !hz ? "it does not count"
			: clocks_agree(info->tsc_hz, hz) ? "confirmed" : "it disagrees");
	}
}

void report_clocks(void)
{
	for (int i = 0; i < clocks; i++)
		report("%s%s %lu kHz%s", i ? ", " : "TSC:       by ", clock[i].name, (unsigned long)clock[i].hz / 1000, i == best ? " (taken)" : "");
	report("\n");
}
