/* SPDX-License-Identifier: MIT */
/* Static ACPI tables: interrupt controllers, timers, power-off ports. Each table is length-bounded and checksummed before it is believed; AML is
 * never run, only searched for \_S5. Offsets are those of ACPI 6.4, chapter 5. */
#include <base/string.h>
#include "acpi.h"

#define TABLE_MAX (4ul << 20)
#define HEADER    36
#define NOT_FOUND 0xff
#define RSDP_1    20   /* bytes of ACPI 1.0's */
#define RSDP_2    36
#define RSDP_MAX  4096
#define LIST_MAX  256u /* tables that a list may name: a hostile one shall not cost minutes */

static int sums_to_zero(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[i];
	return !sum;
}

int acpi_rsdp_sound(uint64_t phys)
{
	const uint8_t *p = acpi_bytes(phys, RSDP_1);
	uint32_t length;

	if (!p || memcmp(p, "RSD PTR ", 8) || !sums_to_zero(p, RSDP_1))
		return 0;
	if (p[15] < 2)
		return 1;
	p = acpi_bytes(phys, RSDP_2);
	if (!p)
		return 0;
	length = get32(p + 20);
	return length >= RSDP_2 && length <= RSDP_MAX && (p = acpi_bytes(phys, length)) && sums_to_zero(p, length);
}

/* For text: what is not printable becomes a dot. */
static void name_copy(char *to, const uint8_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i] < ' ' || from[i] > '~' ? '.' : (char)from[i];
	to[n] = 0;
}

/* The table at phys, when it lies in memory, its length is sane and its checksum holds; noted in `seen` either way. NULL otherwise. */
static const uint8_t *table_at(struct acpi *seen, uint64_t phys, uint32_t *length)
{
	const uint8_t *t = acpi_bytes(phys, HEADER);
	struct acpi_table *note = seen->count < ACPI_TABLES_MAX ? &seen->table[seen->count] : NULL;
	int sound;

	if (!t) {
		log_line("ACPI: table at %lx lies outside the memory map; ignored", (unsigned long)phys);
		return NULL;
	}
	*length = get32(t + 4);
	if (note) {
		name_copy(note->signature, t, 4);
		name_copy(note->oem, t + 10, 6);
		note->length = *length;
		note->phys = phys;
	}
	sound = *length >= HEADER && *length <= TABLE_MAX && acpi_bytes(phys, *length) && sums_to_zero(acpi_bytes(phys, *length), *length);
	if (note) {
		note->sound = (uint8_t)sound;
		seen->count++;
	} else {
		seen->left_out++;
	}
	if (!sound) {
		char signature[5];

		name_copy(signature, t, 4);
		log_line("ACPI: table %s at %lx is broken (length %u or checksum); ignored", signature, (unsigned long)phys, *length);
		return NULL;
	}
	return acpi_bytes(phys, *length);
}

/* Table 5.19 and those behind it: interrupt controller structures of known types; a length of less than 2 ends the walk. */
static void madt_read(struct boot_info *info, struct acpi *seen, const uint8_t *t, uint32_t n)
{
	uint32_t size;

	if (n < 44)
		return;
	info->lapic = get32(t + 36);
	for (uint32_t at = 44; at + 2 <= n && (size = t[at + 1]) >= 2 && at + size <= n; at += size) {
		const uint8_t *e = t + at;

		if (e[0] == 0 && size >= 8) {
			seen->cpus += get32(e + 4) & 1;
		} else if (e[0] == 9 && size >= 16) {
			seen->cpus += get32(e + 8) & 1;
		} else if (e[0] == 1 && size >= 12) {
			seen->ioapics++;
			if (!info->ioapic || get32(e + 8) < info->ioapic_gsi) {
				info->ioapic = get32(e + 4);
				info->ioapic_gsi = get32(e + 8);
			}
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
		if (found == 2 && values[0] < 8 && values[1] < 8) {
			info->s5_typ_a = values[0];
			info->s5_typ_b = values[1];
			return;
		}
	}
}

/* The I/O port of a generic address structure, 0 = it names none. */
static uint32_t gas_port(const uint8_t *t, uint32_t n, uint32_t at)
{
	return n >= at + 12 && t[at] == 1 && get64(t + at + 4) < 0x10000 ? (uint32_t)get64(t + at + 4) : 0;
}

/* A port from the extended block when the table has it, in I/O space, else from the old field. */
static uint32_t fadt_port(const uint8_t *t, uint32_t n, uint32_t old, uint32_t extended)
{
	uint32_t port = gas_port(t, n, extended);

	return port ? port : n >= old + 4 && get32(t + old) < 0x10000 ? get32(t + old) : 0;
}

static void fadt_read(struct boot_info *info, struct acpi *seen, const uint8_t *t, uint32_t n)
{
	uint64_t dsdt = n >= 44 ? get32(t + 40) : 0;
	uint32_t length, flags = n >= 116 ? get32(t + 112) : 0;

	if (n >= 148 && get64(t + 140))
		dsdt = get64(t + 140);
	seen->reduced = flags >> 20 & 1;
	if (!seen->reduced) {
		info->pm1a_cnt = fadt_port(t, n, 64, 172);
		info->pm1b_cnt = fadt_port(t, n, 68, 184);
		info->pm_timer_port = fadt_port(t, n, 76, 208);
		info->pm_timer_32bit = flags >> 8 & 1;
	}
	if (flags >> 10 & 1 && n >= 129 && gas_port(t, n, 116)) {
		info->reset_port = gas_port(t, n, 116);
		info->reset_value = t[128];
	}
	if (t[8] >= 2 && n >= 111)
		seen->i8042 = t[109] >> 1 & 1;
	if (!dsdt)
		return;
	t = table_at(seen, dsdt, &length);
	if (t && !memcmp(t, "DSDT", 4))
		s5_scan(info, t, length);
}

/* Table 5.4 of the PCI Firmware Specification 3.2: the allocation of segment 0. */
static void mcfg_read(struct boot_info *info, struct acpi *seen, const uint8_t *t, uint32_t n)
{
	for (uint32_t at = 44; at + 16 <= n && !seen->ecam; at += 16)
		if (get16(t + at + 8) == 0) {
			seen->ecam = get64(t + at);
			seen->ecam_first = t[at + 10];
			seen->ecam_last = t[at + 11];
			info->ecam = seen->ecam + ((uint64_t)seen->ecam_first << 20);
			info->ecam_size = ((uint64_t)seen->ecam_last - seen->ecam_first + 1) << 20;
		}
}

static void table_take(struct boot_info *info, struct acpi *seen, const uint8_t *t, uint32_t n, uint32_t *taken)
{
	static const char known[][5] = { "APIC", "FACP", "HPET", "MCFG", "SPCR", "DBG2", "DMAR", "IVRS" };
	uint32_t i = 0;

	for (; i < sizeof(known) / sizeof(*known) && memcmp(t, known[i], 4); i++)
		;
	if (i == sizeof(known) / sizeof(*known))
		return;
	if (*taken >> i & 1) {
		log_line("ACPI: a second %s table; ignored", known[i]);
		return;
	}
	*taken |= 1u << i;
	switch (i) {
	case 0:
		madt_read(info, seen, t, n);
		break;
	case 1:
		fadt_read(info, seen, t, n);
		break;
	case 2:
		if (n >= 56 && t[40] == 0 && !(t[44] | (t[45] & 15))) /* in memory space, at a page */
			info->hpet = get64(t + 44);
		break;
	case 3:
		mcfg_read(info, seen, t, n);
		break;
	case 4:
		seen->console = acpi_spcr(t, n);
		break;
	case 5:
		seen->debug = acpi_dbg2(t, n);
		break;
	default:
		seen->iommu = known[i];
	}
}

void acpi_read(uint64_t phys, struct boot_info *info, struct acpi *seen)
{
	const uint8_t *rsdp = acpi_bytes(phys, RSDP_1), *list = NULL, *t;
	uint32_t n, length, step = 8, taken = 0;

	seen->revision = rsdp[15];
	seen->i8042 = -1;
	info->rsdp = phys;
	info->s5_typ_a = info->s5_typ_b = NOT_FOUND;
	if (rsdp[15] >= 2 && get64(acpi_bytes(phys, RSDP_2) + 24)) {
		list = table_at(seen, get64(acpi_bytes(phys, RSDP_2) + 24), &n);
		if (list && memcmp(list, "XSDT", 4))
			list = NULL;
	}
	if (!list) {
		step = 4;
		list = table_at(seen, get32(rsdp + 16), &n);
		if (list && memcmp(list, "RSDT", 4))
			list = NULL;
	}
	if (!list) {
		log_line("ACPI: neither XSDT nor RSDT is sound; no table is read");
		return;
	}
	for (uint32_t at = HEADER; at + step <= n && at < HEADER + LIST_MAX * step; at += step) {
		uint64_t where = step == 8 ? get64(list + at) : get32(list + at);

		if (where && (t = table_at(seen, where, &length)))
			table_take(info, seen, t, length, &taken);
	}
	for (uint32_t i = 0; i < 3; i++)
		if (!(taken >> i & 1))
			log_line("ACPI: no %s table", i == 0 ? "APIC" : i == 1 ? "FACP" : "HPET");
}
