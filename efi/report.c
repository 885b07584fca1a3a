/* SPDX-License-Identifier: MIT */
/* The machine as its firmware knows it, on one page: what `hwinfo` shows and a person sends. Read once before the exit; nothing is decided by it. */
#include <stdarg.h>
#include <base/fmt.h>
#include <base/string.h>
#include "cpu.h"
#include "loader.h"
#include "runner.h"

#define REPORT_MAX (REPORT_PAGES * EXO_PAGE_SIZE)
#define REST "\n(more is left out)\n"
#define MSR_APIC_BASE 0x1b

static char *text;
static size_t used, full;

void report(const char *format, ...)
{
	size_t room = REPORT_MAX - sizeof(REST) - used;
	va_list list;
	int n;

	if (full)
		return;
	va_start(list, format);
	n = vfmt(text + used, room, format, list);
	va_end(list);
	if (n < 0 || (size_t)n >= room) {
		memcpy(text + used, REST, sizeof(REST) - 1);
		used += sizeof(REST) - 1;
		full = 1;
		return;
	}
	used += (size_t)n;
}

const char *report_page(size_t *size)
{
	*size = used;
	return text;
}

static void report_firmware(void)
{
	const CHAR16 *vendor = firmware_system->FirmwareVendor;
	char name[64];
	size_t n = 0;

	for (; vendor && vendor[n] && n + 1 < sizeof(name); n++)
		name[n] = vendor[n] < ' ' || vendor[n] > '~' ? '.' : (char)vendor[n];
	name[n] = 0;
	report("firmware:  %s, revision %x, UEFI %u.%u, Secure Boot %s\n", n ? name : "(no name)", firmware_system->FirmwareRevision,
		firmware_system->Hdr.Revision >> 16, (firmware_system->Hdr.Revision & 0xffff) / 10, secure_boot() ? "on" : "off");
	report("loader:    began at tick %lu of the processor's counter\n", (unsigned long)loader_began);
}

enum { ONE_C, ONE_D, SEVEN_B, SEVEN_C, EXTENDED_D, POWER_D, WORDS };
/* used: what the kernel, the library OS or programs can make something of; by the others one knows what a machine could give. */
static const struct { uint8_t word, bit, used; char name[14]; } features[] = {
	{ EXTENDED_D, 20, 1, "nx" }, { SEVEN_B, 7, 1, "smep" }, { SEVEN_B, 20, 1, "smap" }, { SEVEN_C, 2, 1, "umip" }, { SEVEN_B, 0, 1, "fsgsbase" },
	{ ONE_C, 26, 1, "xsave" }, { ONE_C, 30, 1, "rdrand" }, { SEVEN_B, 9, 1, "erms" }, { ONE_C, 24, 1, "tsc-deadline" }, { ONE_C, 21, 1, "x2apic" },
	{ EXTENDED_D, 26, 1, "1g-pages" }, { POWER_D, 8, 0, "invariant-tsc" }, { ONE_C, 17, 0, "pcid" }, { SEVEN_C, 3, 0, "pku" }, { SEVEN_C, 16, 0, "la57" },
	{ ONE_C, 28, 1, "avx" }, { SEVEN_B, 5, 1, "avx2" }, { SEVEN_B, 16, 0, "avx512f" }, { SEVEN_B, 18, 0, "rdseed" }, { ONE_C, 5, 0, "vmx" },
};

static void report_features(const uint32_t word[WORDS], const char *title, int used_wanted, int has_wanted)
{
	report("%-10s", title);
	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++)
		if ((used_wanted < 0 || features[i].used == used_wanted) && (int)(word[features[i].word] >> features[i].bit & 1) == has_wanted)
			report(" %s", features[i].name);
	report("\n");
}

static void report_cpu(void)
{
	uint32_t r[4], id, word[WORDS] = { 0 };
	char vendor[13] = "", model[49] = "", hypervisor[RUNNER_NAME];
	const char *name = model;

	cpu_id(0, r);
	memcpy(vendor, &r[1], 4);
	memcpy(vendor + 4, &r[3], 4);
	memcpy(vendor + 8, &r[2], 4);
	cpu_id(1, r);
	id = r[0];
	word[ONE_C] = r[2];
	word[ONE_D] = r[3];
	cpu_id(7, r);
	word[SEVEN_B] = r[1];
	word[SEVEN_C] = r[2];
	cpu_id(0x80000001, r);
	word[EXTENDED_D] = r[3];
	cpu_id(0x80000007, r);
	word[POWER_D] = r[3];
	for (uint32_t i = 0; i < 3; i++) {
		cpu_id(0x80000002 + i, r);
		memcpy(model + 16 * i, r, 16);
	}
	while (*name == ' ')
		name++;
	report("CPU:       %s, %s, CPUID %08x; %u in the MADT, 1 used\n", name, vendor, id, acpi_seen.cpus);
	report_features(word, "  used:", 1, 1);
	report_features(word, "  missing:", -1, 0);
	report_features(word, "  unused:", 0, 1);
	report("runs by:   %s\n", runner_name(word[ONE_C], cpu_id_raw, hypervisor));
}

/* UEFI 2.10, table 7.10. */
static const char type_names[][16] = {
	"reserved", "loader code", "loader data", "boot code", "boot data", "runtime code", "runtime data", "free", "unusable", "ACPI tables", "ACPI NVS",
	"MMIO", "MMIO ports", "PAL code", "persistent", "unaccepted",
};
#define TYPES (sizeof(type_names) / sizeof(*type_names))

static const EFI_MEMORY_DESCRIPTOR *descriptor(const struct memmap_raw *raw, size_t at)
{
	return (const EFI_MEMORY_DESCRIPTOR *)((const uint8_t *)raw->descriptors + at);
}

static void report_memory(void)
{
	const struct memmap_raw *raw = memory_map();
	uint64_t pages[TYPES + 1] = { 0 };
	const char *comma = "";

	for (size_t at = 0; at + raw->stride <= raw->size; at += raw->stride) {
		const EFI_MEMORY_DESCRIPTOR *d = descriptor(raw, at);
		pages[d->Type < TYPES ? d->Type : TYPES] += d->NumberOfPages;
	}
	report("memory:    KiB in %lu entries: ", (unsigned long)(raw->size / raw->stride));
	for (size_t i = 0; i <= TYPES; i++)
		if (pages[i]) {
			report("%s%s %lu", comma, i < TYPES ? type_names[i] : "of unknown types", (unsigned long)pages[i] * 4);
			comma = ", ";
		}
	report("\n");
}

#define RANGES_A_LINE 12

/* One more of those that the title tells of, RANGES_A_LINE to a line; said: how many there were. */
static void range_say(const char *title, size_t *said, uint64_t pfn, uint64_t count, const char *type)
{
	if (!count)
		return;
	if (*said % RANGES_A_LINE)
		report(", ");
	else
		report("%s%s", *said ? "\n" : "", title);
	report("%lx+%lx %s", (unsigned long)pfn, (unsigned long)count, type);
	++*said;
}

/* The map by addresses, each range its first page and how many, in hexadecimal: as the firmware gave it, in its order,
 * neighbours of one type joined; and as memmap_clean left it. What is allocated from here to the exit, and what the
 * exit frees, is in neither. */
static void report_ranges(const struct boot_info *info)
{
	const struct memmap_raw *raw = memory_map();
	const struct boot_range *clean = (const struct boot_range *)info->map;
	uint64_t pfn = 0, count = 0;
	uint32_t type = 0;
	size_t given = 0, cleaned = 0;

	for (size_t at = 0; at + raw->stride <= raw->size; at += raw->stride) {
		const EFI_MEMORY_DESCRIPTOR *d = descriptor(raw, at);

		if (d->Type == type && d->PhysicalStart >> EXO_PAGE_SHIFT == pfn + count) {
			count += d->NumberOfPages;
			continue;
		}
		range_say("given:     ", &given, pfn, count, type < TYPES ? type_names[type] : "of unknown types");
		pfn = d->PhysicalStart >> EXO_PAGE_SHIFT;
		count = d->NumberOfPages;
		type = d->Type;
	}
	range_say("given:     ", &given, pfn, count, type < TYPES ? type_names[type] : "of unknown types");
	report("\n");
	for (uint64_t i = 0; i < info->map_count; i++)
		range_say("clean:     ", &cleaned, clean[i].pfn, clean[i].count,
			clean[i].type == BOOT_FREE ? "free" : "reserved");
	report("\n");
}

static void report_tables(const struct boot_info *info)
{
	if (!info->rsdp) {
		report("ACPI:      none\n");
		return;
	}
	report("ACPI:      %s, revision %u:", acpi_seen.count ? acpi_seen.table[0].oem : "", acpi_seen.revision);
	for (uint32_t i = 0; i < acpi_seen.count; i++)
		report(" %s%s", acpi_seen.table[i].signature, acpi_seen.table[i].sound ? "" : "(broken)");
	if (acpi_seen.left_out)
		report(" and %u more", acpi_seen.left_out);
	report("\n");
}

static void report_controllers(const struct boot_info *info)
{
	uint32_t lo, hi, port = info->pm_timer_port;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(MSR_APIC_BASE));
	report("APIC:      %s at %lx, %u I/O APIC, the first at %lx\n", !(lo >> 11 & 1) ? "switched off" : lo >> 10 & 1 ? "x2APIC" : "xAPIC",
		(unsigned long)hi << 32 | (lo & 0xfffff000), acpi_seen.ioapics, (unsigned long)info->ioapic);
	report("timers:    HPET %lx, PM timer port %x (%u bit)\n", (unsigned long)info->hpet, port, info->pm_timer_32bit ? 32 : 24);
	report_clocks();
	report("power:     S5 %u by ports %x %x, reset %02x by port %x%s\n", info->s5_typ_a, info->pm1a_cnt, info->pm1b_cnt, info->reset_value,
		info->reset_port, acpi_seen.reduced ? ", hardware-reduced ACPI" : "");
	report_serial();
	report("IOMMU:     %s\n", acpi_seen.iommu ? acpi_seen.iommu : "none");
	report("i8042:     %s\n", acpi_seen.i8042 < 0 ? "ACPI does not say" : acpi_seen.i8042 ? "present, says the FADT" : "absent, says the FADT");
	if (info->fb_width)
		report("screen:    %ux%u, stride %u, format %u, %lu KiB at %lx\n", info->fb_width, info->fb_height, info->fb_stride, info->fb_format,
			(unsigned long)info->fb_size / 1024, (unsigned long)info->fb_base);
	else
		report("screen:    none\n");
	report_modes();
	if (acpi_seen.ecam)
		report("PCI:       ECAM at %lx, buses %02x to %02x\n", (unsigned long)acpi_seen.ecam, acpi_seen.ecam_first, acpi_seen.ecam_last);
	else
		report("PCI:       no ECAM\n");
}

void report_make(struct boot_info *info)
{
	text = (char *)memory_pages(REPORT_PAGES, BOOT_FIRST, "the report");
	report_firmware();
	report_cpu();
	report_memory();
	report_tables(info);
	report_controllers(info);
	report_pci();
	report_ranges(info);
	info->report_va = REPORT_VA;
	info->report_size = used;
	first_segment(info, REPORT_VA, (uint64_t)text, REPORT_PAGES, 0);
}
