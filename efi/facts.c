/* SPDX-License-Identifier: MIT */
/* What the firmware knows beside ACPI: wall clock, entropy, reset; and what the CPU must have. */
#include <base/string.h>
#include "cpu.h"
#include "loader.h"

#define YEAR_MAX 2200 /* of a date that is believed: 64 bits of ns end in 2262 */

#define CPUID_NX    (1u << 20)
#define CPUID_FXSR  (1u << 24)
#define CPUID_PGE   (1u << 13)
#define CPUID_SSE2  (1u << 26)
#define INTEL       0x756e6547u /* CPUID 0 EBX */
#define MSR_MISC_ENABLE  0x1a0
#define MISC_LIMIT_CPUID (1ul << 22)

/* Setups have a switch for systems of 2001 that limits CPUID's leaves to 3 (Intel SDM vol. 4, IA32_MISC_ENABLE bit 22); AMD's CPUs have no such MSR. */
static void limit_lift(void)
{
	uint32_t id[4];

	cpu_id(0, id);
	if (id[0] > 3 || id[1] != INTEL)
		return;
	cpu_wrmsr(MSR_MISC_ENABLE, cpu_rdmsr(MSR_MISC_ENABLE) & ~MISC_LIMIT_CPUID);
	cpu_id(0, id);
	log_line("CPU: the firmware's setup limits CPUID to leaf 3; %s", id[0] > 3 ? "lifted" : "it stays so: newer features are not used");
}

void cpu_check(void)
{
	uint32_t id[4], extended[4];

	limit_lift();
	cpu_id(1, id);
	cpu_id(0x80000001, extended);
	if (!(extended[3] & CPUID_NX))
		stop(0, "CPU: no NX bit (CPUID 80000001h EDX 20); switch execute-disable on in the firmware's setup");
	if (!(id[3] & CPUID_FXSR) || !(id[3] & CPUID_PGE) || !(id[3] & CPUID_SSE2))
		stop(0, "CPU: FXSR, PGE or SSE2 is missing (CPUID 1 EDX %08x); Aril needs an x86-64 CPU", id[3]);
}

/* Days from 1970-01-01 to that day of the Gregorian calendar; month 1..12. */
static int64_t days_since_1970(int year, int month, int day)
{
	static const int before[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	int leap = (year % 4 == 0 && year % 100) || year % 400 == 0, past = year - 1;

	return 365l * (year - 1970) + (past / 4 - past / 100 + past / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400)
		+ before[month - 1] + (leap && month > 2) + day - 1;
}

void clock_facts(struct boot_info *info)
{
	EFI_TIME t;
	EFI_STATUS status = firmware_system->RuntimeServices->GetTime(&t, NULL);
	int64_t seconds;

	info->wall_tsc = cpu_tsc();
	if (EFI_ERROR(status) || t.Year < 1970 || t.Year > YEAR_MAX || t.Month < 1 || t.Month > 12 || t.Day < 1 || t.Day > 31 || t.Hour > 23 ||
	    t.Minute > 59 || t.Second > 59 || t.Nanosecond > 999999999) {
		log_line("clock: none (GetTime fails or gives no date); time starts at 1970");
		return;
	}
	seconds = days_since_1970(t.Year, t.Month, t.Day) * 86400 + t.Hour * 3600 + t.Minute * 60 + t.Second;
	if (t.TimeZone >= -1440 && t.TimeZone <= 1440)
		seconds += t.TimeZone * 60; /* UEFI: local time = UTC - TimeZone; 2047 = not known: taken for UTC */
	if (seconds < 0)
		seconds = 0;
	info->wall_ns = (uint64_t)seconds * 1000000000u + t.Nanosecond;
	log_line("clock: %04u-%02u-%02u %02u:%02u:%02u, %ld s since 1970 UTC", t.Year, t.Month, t.Day, t.Hour, t.Minute, t.Second, (long)seconds);
}

void entropy_facts(struct boot_info *info)
{
	static EFI_GUID guid = EFI_RNG_PROTOCOL_GUID;
	EFI_RNG_PROTOCOL *rng;
	EFI_STATUS status = firmware_boot->LocateProtocol(&guid, NULL, (void **)&rng);

	if (!EFI_ERROR(status))
		status = rng->GetRNG(rng, NULL, sizeof(info->entropy), (UINT8 *)info->entropy);
	if (EFI_ERROR(status)) {
		memset(info->entropy, 0, sizeof(info->entropy));
		log_line("entropy: none from the firmware (no EFI_RNG)");
		return;
	}
	log_line("entropy: %u bytes from EFI_RNG", (unsigned)sizeof(info->entropy));
}

void reset_facts(struct boot_info *info)
{
	/* Where it will stand: some firmware puts another one there at the exit. */
	info->reset_system = (uint64_t)&firmware_system->RuntimeServices->ResetSystem;
}
