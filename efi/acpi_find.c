/* SPDX-License-Identifier: MIT */
/* Where the firmware keeps its ACPI tables, and that a pointer in them leads to memory at all. What the tables say is acpi.c's. */
#include <base/string.h>
#include "loader.h"

#define LEGACY_END 0x100000 /* tables in ROM, which no memory map names */

struct acpi acpi_seen;

const uint8_t *acpi_bytes(uint64_t phys, uint64_t size)
{
	const struct memmap_raw *raw = memory_map();
	uint64_t at = phys, end = phys + size;

	if (!phys || end < phys)
		return NULL;
	/* Neighbouring descriptors may share a table; each round goes on at the end of one. */
	for (size_t round = 0; at < end && end > LEGACY_END && round < raw->size / raw->stride; round++) {
		uint64_t before = at;

		for (size_t i = 0; i + raw->stride <= raw->size; i += raw->stride) {
			const EFI_MEMORY_DESCRIPTOR *d = (const EFI_MEMORY_DESCRIPTOR *)((const uint8_t *)raw->descriptors + i);
			uint64_t size_here = d->NumberOfPages << EXO_PAGE_SHIFT;

			if (at >= d->PhysicalStart && at - d->PhysicalStart < size_here)
				at = d->PhysicalStart + size_here;
		}
		if (at == before)
			return NULL;
	}
	return (const uint8_t *)phys;
}

/* The RSDP of ACPI 2.0 or, failing that, of 1.0; 0 = none. */
static uint64_t rsdp_find(void)
{
	static const EFI_GUID guid[2] = { ACPI_20_TABLE_GUID, ACPI_TABLE_GUID };

	for (int g = 0; g < 2; g++)
		for (UINTN i = 0; i < firmware_system->NumberOfTableEntries; i++) {
			uint64_t phys = (uint64_t)firmware_system->ConfigurationTable[i].VendorTable;

			if (memcmp(&firmware_system->ConfigurationTable[i].VendorGuid, &guid[g], sizeof(EFI_GUID)))
				continue;
			if (acpi_rsdp_sound(phys))
				return phys;
			log_line("ACPI: RSDP at %lx is broken; ignored", (unsigned long)phys);
		}
	return 0;
}

void acpi_facts(struct boot_info *info)
{
	uint64_t rsdp = rsdp_find();

	if (!rsdp) {
		info->s5_typ_a = info->s5_typ_b = 0xff;
		acpi_seen.i8042 = -1;
		log_line("ACPI: no RSDP; interrupt controllers and timers are taken at their usual places");
		return;
	}
	acpi_read(rsdp, info, &acpi_seen);
	log_line("ACPI: local APIC %lx, I/O APIC %lx gsi %u, HPET %lx, PM timer %x, PM1a %x, S5 %u, %u overrides", (unsigned long)info->lapic,
		(unsigned long)info->ioapic, info->ioapic_gsi, (unsigned long)info->hpet, info->pm_timer_port, info->pm1a_cnt, info->s5_typ_a,
		info->override_count);
}
