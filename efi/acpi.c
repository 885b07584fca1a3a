/* SPDX-License-Identifier: MIT */
/* Static ACPI tables: interrupt controllers, timers, power-off ports. Each table is length-bounded and checksummed before it is believed; AML is
 * never run, only searched for \_S5. A table that is missing or broken costs its facts and a log line, not the boot. */
#include <base/string.h>
#include "loader.h"

#define TABLE_MAX (4ul << 20)
#define HEADER    36
#define NOT_FOUND 0xff
#ifndef ACPI_TABLE
#define ACPI_TABLE(phys) ((const uint8_t *)(phys)) /* a fuzzer on the host has its own */
#endif

static uint32_t get16(const uint8_t *p) { return p[0] | p[1] << 8; }
static uint32_t get32(const uint8_t *p) { return get16(p) | get16(p + 2) << 16; }
static uint64_t get64(const uint8_t *p) { return get32(p) | (uint64_t)get32(p + 4) << 32; }

static int sums_to_zero(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[i];
	return !sum;
}

/* The table at phys, when its length is sane and its checksum holds. */
static const uint8_t *table_at(uint64_t phys, const char *signature, uint32_t *length)
{
	const uint8_t *t = ACPI_TABLE(phys);

	if (!t || (signature && memcmp(t, signature, 4)))
		return NULL;
	*length = get32(t + 4);
	if (*length < HEADER || *length > TABLE_MAX || !sums_to_zero(t, *length)) {
		log_line("ACPI: table %.4s at %lx is broken; ignored", (const char *)t, (unsigned long)phys);
		return NULL;
	}
	return t;
}

static const uint8_t *table_find(const uint8_t *rsdp, const char *signature, uint32_t *length)
{
	uint32_t n, step = rsdp[15] >= 2 && get64(rsdp + 24) ? 8 : 4;
	const uint8_t *list = step == 8 ? table_at(get64(rsdp + 24), "XSDT", &n) : table_at(get32(rsdp + 16), "RSDT", &n), *t = NULL;

	for (uint32_t at = HEADER; list && !t && at + step <= n; at += step)
		t = table_at(step == 8 ? get64(list + at) : get32(list + at), signature, length);
	if (!t)
		log_line("ACPI: no %s table", signature);
	return t;
}

static void madt_read(struct boot_info *info, const uint8_t *t, uint32_t n)
{
	uint32_t size;

	if (n < 44)
		return;
	info->lapic = get32(t + 36);
	for (uint32_t at = 44; at + 2 <= n && (size = t[at + 1]) >= 2 && at + size <= n; at += size) {
		const uint8_t *e = t + at;

		if (e[0] == 1 && size >= 12 && (!info->ioapic || get32(e + 8) < info->ioapic_gsi)) {
			info->ioapic = get32(e + 4);
			info->ioapic_gsi = get32(e + 8);
		} else if (e[0] == 2 && size >= 10 && info->override_count < sizeof(info->irq_override) / sizeof(*info->irq_override)) {
			info->irq_override[info->override_count++] =
				(struct boot_irq_override){ .isa = e[3], .flags = e[8] & 15, .gsi = get32(e + 4) };
		} else if (e[0] == 5 && size >= 12) {
			info->lapic = get64(e + 4);
		}
	}
}

/* SLP_TYP values of \_S5: Name(\_S5_, Package(n) { a, b, ... }) with integers in AML's short forms. */
static void s5_scan(struct boot_info *info, const uint8_t *t, uint32_t n)
{
	for (uint32_t at = HEADER; at + 16 < n; at++) {
		uint32_t p = at + 4, values[2], found = 0;

		if (memcmp(t + at, "_S5_", 4) || t[p++] != 0x12)
			continue;
		if (t[at - 1] != 0x08 && !(t[at - 1] == '\\' && t[at - 2] == 0x08))
			continue;
		p += 1 + (t[p] >> 6); /* package length */
		p++;                  /* element count */
		while (found < 2 && p + 1 < n) {
			if (t[p] == 0x0a) {
				values[found++] = t[p + 1];
				p += 2;
			} else if (t[p] <= 1) {
				values[found++] = t[p++];
			} else {
				break;
			}
		}
		if (found == 2) {
			info->s5_typ_a = values[0];
			info->s5_typ_b = values[1];
			return;
		}
	}
}

/* A port from the extended block when the table has it, in I/O space, else from the old field. */
static uint32_t fadt_port(const uint8_t *t, uint32_t n, uint32_t old, uint32_t extended)
{
	if (n >= extended + 12 && t[extended] == 1 && get64(t + extended + 4) && get64(t + extended + 4) < 0x10000)
		return (uint32_t)get64(t + extended + 4);
	return n >= old + 4 && get32(t + old) < 0x10000 ? get32(t + old) : 0;
}

static void fadt_read(struct boot_info *info, const uint8_t *t, uint32_t n)
{
	uint64_t dsdt = n >= 44 ? get32(t + 40) : 0;
	uint32_t length;

	if (n >= 148 && get64(t + 140))
		dsdt = get64(t + 140);
	info->pm1a_cnt = fadt_port(t, n, 64, 172);
	info->pm1b_cnt = fadt_port(t, n, 68, 184);
	info->pm_timer_port = fadt_port(t, n, 76, 208);
	info->pm_timer_32bit = n >= 116 && get32(t + 112) >> 8 & 1;
	t = table_at(dsdt, "DSDT", &length);
	if (t)
		s5_scan(info, t, length);
}

/* The RSDP of ACPI 2.0 or, failing that, of 1.0. */
static const uint8_t *rsdp_find(void)
{
	static const EFI_GUID guid[2] = { ACPI_20_TABLE_GUID, ACPI_TABLE_GUID };

	for (int g = 0; g < 2; g++)
		for (UINTN i = 0; i < firmware_system->NumberOfTableEntries; i++) {
			const uint8_t *p = firmware_system->ConfigurationTable[i].VendorTable;

			if (memcmp(&firmware_system->ConfigurationTable[i].VendorGuid, &guid[g], sizeof(EFI_GUID)) || memcmp(p, "RSD PTR ", 8))
				continue;
			if (sums_to_zero(p, 20) && (p[15] < 2 || (get32(p + 20) >= 36 && get32(p + 20) <= 4096 && sums_to_zero(p, get32(p + 20)))))
				return p;
			log_line("ACPI: RSDP at %lx is broken; ignored", (unsigned long)p);
		}
	return NULL;
}

void acpi_facts(struct boot_info *info)
{
	const uint8_t *rsdp = rsdp_find(), *t;
	uint32_t n;

	info->s5_typ_a = info->s5_typ_b = NOT_FOUND;
	if (!rsdp) {
		log_line("ACPI: no RSDP; interrupt controllers and timers are taken at their usual places");
		return;
	}
	info->rsdp = (uint64_t)rsdp;
	t = table_find(rsdp, "APIC", &n);
	if (t)
		madt_read(info, t, n);
	t = table_find(rsdp, "FACP", &n);
	if (t)
		fadt_read(info, t, n);
	t = table_find(rsdp, "HPET", &n);
	if (t && n >= 56 && t[40] == 0)
		info->hpet = get64(t + 44);
	log_line("ACPI: local APIC %lx, I/O APIC %lx gsi %u, HPET %lx, PM timer %x, PM1a %x, S5 %u, %u overrides", (unsigned long)info->lapic,
		(unsigned long)info->ioapic, info->ioapic_gsi, (unsigned long)info->hpet, info->pm_timer_port, info->pm1a_cnt, info->s5_typ_a,
		info->override_count);
}
