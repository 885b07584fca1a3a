/* SPDX-License-Identifier: MIT */
/* ACPI tables. An input is a row of tables, each with a 2-byte length before it; pointers in them are numbers of the row. Lengths and checksums are put right, as
 * no firmware would ship them wrong by accident, but what the tables hold is as it comes. */
#include "fuzz.h"
#include "../../efi/acpi.h"

enum { TABLES = 8, RSDP = 100, HEADER = 36 };
static uint8_t *table[TABLES];
static size_t table_size[TABLES];
static uint8_t rsdp[36];

void log_line(const char *format, ...) { (void)format; }

const uint8_t *acpi_bytes(uint64_t phys, uint64_t size)
{
	if (phys == RSDP)
		return size <= sizeof rsdp ? rsdp : NULL;
	return phys < TABLES && table[phys] && size <= table_size[phys] ? table[phys] : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boot_info info;
	struct acpi seen;
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
	memset(rsdp, 0, sizeof rsdp);
	memcpy(rsdp, "RSD PTR ", 8);
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
	memset(&info, 0, sizeof info);
	memset(&seen, 0, sizeof seen);
	PROMISE(acpi_rsdp_sound(RSDP));
	acpi_read(RSDP, &info, &seen);
	PROMISE(info.rsdp == RSDP && info.override_count <= sizeof info.irq_override / sizeof *info.irq_override && seen.count <= ACPI_TABLES_MAX);
	PROMISE(info.pm1a_cnt < 0x10000 && info.pm1b_cnt < 0x10000 && info.pm_timer_port < 0x10000 && info.s5_typ_a <= 0xff && info.s5_typ_b <= 0xff);
	for (int i = 0; i < 2; i++) {
		const struct acpi_serial *s = i ? &seen.debug : &seen.console;

		PROMISE(s->step == 0 || s->step == 1 || s->step == 4);
		PROMISE(s->step ? s->base && s->base % 4096 + 8 * s->step <= 4096 : s->base <= 0xfff8);
	}
	for (int i = 0; i < TABLES; i++)
		free(table[i]);
	return 0;
}
