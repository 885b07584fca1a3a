/* SPDX-License-Identifier: MIT */
/* ACPI tables. An input is a row of tables, each with a 2-byte length before it; pointers in them are numbers of the row. Lengths and checksums are put right, as
 * no firmware would ship them wrong by accident, but what the tables hold is as it comes. */
#include "fuzz.h"

static const uint8_t *table_numbered(uint64_t phys);
#define ACPI_TABLE(phys) table_numbered(phys)
#include "../../efi/acpi.c"

enum { TABLES = 8 };
static uint8_t *table[TABLES];
static size_t table_size[TABLES];
static EFI_SYSTEM_TABLE system_table;
EFI_SYSTEM_TABLE *firmware_system = &system_table;

void log_line(const char *format, ...) { (void)format; }

/* Firmware's promise: what is pointed to is a table, as long as it says. */
static const uint8_t *table_numbered(uint64_t phys)
{
	return phys < TABLES ? table[phys] : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static EFI_CONFIGURATION_TABLE entry = { ACPI_20_TABLE_GUID, NULL };
	uint8_t rsdp[36] = "RSD PTR ";
	struct boot_info info;
	size_t at = 1;
	uint8_t sum;

	if (size < 1)
		return 0;
	memset(table, 0, sizeof table);
	for (int i = 1; i < TABLES && at + 2 < size; i++) {
		size_t n = (size_t)(data[at] | data[at + 1] << 8);

		at += 2;
		if (n > size - at)
			n = size - at;
		if (n < HEADER)
			break;
		table[i] = exact_copy(data + at, n);
		table_size[i] = n;
		at += n;
		for (int k = 0; k < 4; k++)
			table[i][4 + k] = (uint8_t)(n >> 8 * k);
		table[i][9] = 0;
		for (sum = 0, n = 0; n < table_size[i]; n++)
			sum = (uint8_t)(sum + table[i][n]);
		table[i][9] = (uint8_t)-sum;
	}
	rsdp[15] = data[0] & 1 ? 2 : 0;
	rsdp[16] = 1; /* RSDT */
	rsdp[20] = 36;
	rsdp[24] = data[0] & 2 ? 2 : 0; /* XSDT */
	for (sum = 0, at = 0; at < 20; at++)
		sum = (uint8_t)(sum + rsdp[at]);
	rsdp[8] = (uint8_t)-sum;
	for (sum = 0, at = 0; at < 36; at++)
		sum = (uint8_t)(sum + rsdp[at]);
	rsdp[32] = (uint8_t)-sum;
	entry.VendorTable = rsdp;
	system_table.NumberOfTableEntries = 1;
	system_table.ConfigurationTable = &entry;
	memset(&info, 0, sizeof info);
	acpi_facts(&info);
	PROMISE(info.rsdp == (uint64_t)rsdp && info.override_count <= sizeof info.irq_override / sizeof *info.irq_override);
	PROMISE(info.pm1a_cnt < 0x10000 && info.pm1b_cnt < 0x10000 && info.pm_timer_port < 0x10000 && info.s5_typ_a <= 0xff && info.s5_typ_b <= 0xff);
	for (int i = 0; i < TABLES; i++)
		free(table[i]);
	return 0;
}
