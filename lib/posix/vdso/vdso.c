/* SPDX-License-Identifier: MIT */
/* The vDSO: an ELF image that C libraries find by AT_SYSINFO_EHDR. It runs as the program's own code and reads the clock out of the kernel's public page; what
 * that page does not tell (CPU time, alarms of clocks that do not exist) it asks for by a system call. */
#include <asm/unistd.h>
#include <linux/time.h>
#include <family/family.h>
#include <rt/gate.h>

#define EXPORTED __attribute__((visibility("default")))
#define BIT(clock) (1u << (clock))
#define CLOCKS_WALL (BIT(CLOCK_REALTIME) | BIT(CLOCK_REALTIME_COARSE) | BIT(CLOCK_REALTIME_ALARM))
#define CLOCKS_BOOT (BIT(CLOCK_MONOTONIC) | BIT(CLOCK_MONOTONIC_RAW) | BIT(CLOCK_MONOTONIC_COARSE) | BIT(CLOCK_BOOTTIME) | BIT(CLOCK_BOOTTIME_ALARM))
/* What is read here never changes once a program runs; F->wall_shift does when somebody sets the clock. */
#define INFO ((const struct exo_info *)EXO_INFO)

/* As <time.h> has them on x86-64. */
struct spec { int64_t s, ns; };
struct val { int64_t s, us; };

static long call(long number, long a, void *b)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return result;
}

static int is_in(uint32_t clocks, int clock) { return (uint32_t)clock < 32 && clocks >> clock & 1; }

static uint64_t now_boot(void) { return ticks_ns(rt_tsc() - INFO->tsc_boot, INFO->ns_mult); }
static uint64_t now_wall(void) { return now_boot() + INFO->wall_boot + F->wall_shift; }

/* Whole seconds; exact below 2^63: 2^90 / 10^9 rounded up is too large by less than 2^27 / 10^9. */
static int64_t seconds_of(uint64_t ns) { return (int64_t)((unsigned __int128)ns * 0x112e0be826d694b3ul >> 90); }

static int spec_put(struct spec *to, uint64_t ns)
{
	to->s = seconds_of(ns);
	to->ns = (int64_t)(ns - (uint64_t)to->s * NS);
	return 0;
}

EXPORTED int __vdso_clock_gettime(int clock, struct spec *to)
{
	if (is_in(CLOCKS_BOOT, clock))
		return spec_put(to, now_boot());
	if (is_in(CLOCKS_WALL, clock))
		return spec_put(to, now_wall());
	return (int)call(__NR_clock_gettime, clock, to);
}

EXPORTED int __vdso_clock_getres(int clock, struct spec *to)
{
	if (!is_in(CLOCKS_WALL | CLOCKS_BOOT, clock))
		return (int)call(__NR_clock_getres, clock, to);
	if (to)
		*to = (struct spec){ 0, 1 };
	return 0;
}

EXPORTED int __vdso_gettimeofday(struct val *to, uint64_t *zone)
{
	uint64_t ns = now_wall();

	if (to)
		*to = (struct val){ seconds_of(ns), (int64_t)((ns - (uint64_t)seconds_of(ns) * NS) / 1000) };
	if (zone)
		*zone = F->zone; /* minutes west of Greenwich, and kind of summer time */
	return 0;
}

EXPORTED int64_t __vdso_time(int64_t *to)
{
	int64_t s = seconds_of(now_wall());

	if (to)
		*to = s;
	return s;
}

/* One CPU, one node. */
EXPORTED long __vdso_getcpu(uint32_t *cpu, uint32_t *node, void *unused)
{
	(void)unused;
	if (cpu)
		*cpu = 0;
	if (node)
		*node = 0;
	return 0;
}

/* The names without the prefix, as on Linux. */
#define ALIAS(name) __attribute__((weak, alias("__vdso_" #name), visibility("default")))
ALIAS(clock_gettime) int clock_gettime(int clock, struct spec *to);
ALIAS(clock_getres) int clock_getres(int clock, struct spec *to);
ALIAS(gettimeofday) int gettimeofday(struct val *to, uint64_t *zone);
ALIAS(time) int64_t time(int64_t *to);
ALIAS(getcpu) long getcpu(uint32_t *cpu, uint32_t *node, void *unused);
