/* SPDX-License-Identifier: MIT */
/* efi/acpi.c, efi/acpi_serial.c: facts out of sound tables; damage of every kind; random tables. Each read is a copy of
 * exactly its bytes, so AddressSanitizer sees one too many. */
#include "check.h"
#include <stdarg.h>
#include "../../efi/acpi.h"

#define BASE 0x7fe00000ul
#define SIZE 0x40000u

static uint8_t memory[SIZE];
static uint32_t end;
static char said[4096];
static struct copy { struct copy *next; } *copies; /* before each: its place in the list */

const uint8_t *acpi_bytes(uint64_t phys, uint64_t size)
{
	struct copy *copy;

	if (phys < BASE || size > SIZE || phys - BASE > SIZE - size)
		return NULL;
	copy = malloc(sizeof *copy + size);
	copy->next = copies;
	copies = copy;
	return memcpy(copy + 1, memory + (phys - BASE), size);
}

void log_line(const char *format, ...)
{
	size_t n = strlen(said);
	va_list list;

	va_start(list, format);
	vsnprintf(said + n, sizeof said - n, format, list);
	va_end(list);
}

static void put(uint32_t at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		memory[at + (uint32_t)i] = (uint8_t)(value >> 8 * i);
}

static void sum(uint32_t at, uint32_t place, uint32_t length)
{
	uint8_t s = 0;

	memory[at + place] = 0;
	for (uint32_t i = 0; i < length; i++)
		s = (uint8_t)(s + memory[at + i]);
	memory[at + place] = (uint8_t)-s;
}

/* A table of zeros; its offset in memory. sum_table() ends the filling. */
static uint32_t table(const char *signature, uint32_t length, uint8_t revision)
{
	uint32_t at = end;

	end += (length + 15) & ~15u;
	memcpy(memory + at, signature, 4);
	put(at + 4, length, 4);
	memory[at + 8] = revision;
	memcpy(memory + at + 10, "BOCHS ", 6);
	return at;
}

static void sum_table(uint32_t at)
{
	uint32_t length = memory[at + 4] | memory[at + 5] << 8 | memory[at + 6] << 16;

	sum(at, 9, length);
}

static void gas_put(uint32_t at, unsigned space, unsigned width, unsigned shift, unsigned access, uint64_t address)
{
	const uint8_t head[] = { (uint8_t)space, (uint8_t)width, (uint8_t)shift, (uint8_t)access };

	memcpy(memory + at, head, sizeof head);
	put(at + 4, address, 8);
}

/* A device of DBG2 with one address right behind its head. */
static void device_put(uint32_t at, uint32_t size, uint32_t type, uint32_t kind)
{
	put(at + 1, size, 2);
	memory[at + 3] = 1;
	put(at + 12, type, 2);
	put(at + 14, kind, 2);
	put(at + 18, 22, 2);
}

static struct world { uint32_t rsdp, xsdt, madt, fadt, dsdt, hpet, mcfg, dmar, spcr, dbg2; } w;

/* What QEMU's q35 has, a DMAR, and a serial port twice: at ports, and in memory. */
static void world_make(void)
{
	static const uint8_t s5[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x05, 0x01, 0x00, 0x00 };
	static const uint8_t madt[] = {
		0, 8, 0, 0, 1, 0, 0, 0,                     /* local APIC, enabled */
		0, 8, 1, 1, 0, 0, 0, 0,                     /* not enabled */
		1, 12, 0, 0, 0x00, 0x00, 0xc0, 0xfe, 0, 0, 0, 0,
		1, 12, 1, 0, 0x00, 0x10, 0xc0, 0xfe, 24, 0, 0, 0,
		2, 10, 0, 0, 2, 0, 0, 0, 0, 0,
		2, 10, 0, 9, 9, 0, 0, 0, 13, 0,
		9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
		4, 6, 255, 0, 0, 1,
	};
	uint32_t list[8], n = 0;

	memset(memory, 0, sizeof memory);
	said[0] = 0;
	end = 0x100;
	w.dsdt = table("DSDT", 36 + 64, 2);
	memcpy(memory + w.dsdt + 40, s5, sizeof s5);
	list[n++] = w.fadt = table("FACP", 244, 5);
	put(w.fadt + 40, BASE + w.dsdt, 4);
	put(w.fadt + 140, BASE + w.dsdt, 8);
	put(w.fadt + 64, 0x604, 4);
	put(w.fadt + 76, 0x608, 4);
	put(w.fadt + 109, 2, 2);
	put(w.fadt + 112, 1 << 10 | 1 << 8, 4);
	put(w.fadt + 116, 1, 1);
	put(w.fadt + 120, 0xcf9, 8);
	memory[w.fadt + 128] = 0x0f;
	list[n++] = w.madt = table("APIC", 44 + sizeof madt, 3);
	put(w.madt + 36, 0xfee00000, 4);
	memcpy(memory + w.madt + 44, madt, sizeof madt);
	list[n++] = w.hpet = table("HPET", 56, 1);
	put(w.hpet + 44, 0xfed00000, 8);
	list[n++] = w.mcfg = table("MCFG", 60, 1);
	put(w.mcfg + 44, 0xb0000000, 8);
	memory[w.mcfg + 55] = 255;
	list[n++] = w.dmar = table("DMAR", 48, 1);
	list[n++] = w.spcr = table("SPCR", 80, 2);
	gas_put(w.spcr + 40, 1, 8, 0, 1, 0x2f8);
	memory[w.spcr + 58] = 3;
	list[n++] = w.dbg2 = table("DBG2", 44 + 40 + 60, 0);
	put(w.dbg2 + 36, 44, 4);
	put(w.dbg2 + 40, 2, 4);
	device_put(w.dbg2 + 44, 40, 0x8001, 0);     /* IEEE 1394 */
	device_put(w.dbg2 + 84, 60, 0x8000, 0x12);
	gas_put(w.dbg2 + 84 + 22, 0, 32, 0, 3, 0xfe032000);
	w.xsdt = table("XSDT", 36 + 8 * n, 1);
	for (uint32_t i = 0; i < n; i++) {
		put(w.xsdt + 36 + 8 * i, BASE + list[i], 8);
		sum_table(list[i]);
	}
	sum_table(w.xsdt);
	sum_table(w.dsdt);
	w.rsdp = end;
	end += 48;
	memcpy(memory + w.rsdp, "RSD PTR ", 8);
	memory[w.rsdp + 15] = 2;
	put(w.rsdp + 20, 36, 4);
	put(w.rsdp + 24, BASE + w.xsdt, 8);
	sum(w.rsdp, 8, 20);
	sum(w.rsdp, 32, 36);
}

static struct boot_info info;
static struct acpi seen;

static int read_all(void)
{
	memset(&info, 0, sizeof info);
	memset(&seen, 0, sizeof seen);
	for (struct copy *copy; (copy = copies); free(copy))
		copies = copy->next;
	if (!acpi_rsdp_sound(BASE + w.rsdp))
		return 0;
	acpi_read(BASE + w.rsdp, &info, &seen);
	return 1;
}

TEST(acpi_facts)
{
	world_make();
	CHECK(read_all());
	CHECK_STR(said, "");
	CHECK_EQ(info.lapic, 0xfee00000);
	CHECK_EQ(info.ioapic, 0xfec00000);
	CHECK_EQ(info.ioapic_gsi, 0);
	CHECK_EQ(info.hpet, 0xfed00000);
	CHECK_EQ(info.pm1a_cnt, 0x604);
	CHECK_EQ(info.pm1b_cnt, 0);
	CHECK_EQ(info.pm_timer_port, 0x608);
	CHECK_EQ(info.pm_timer_32bit, 1);
	CHECK_EQ(info.s5_typ_a, 5);
	CHECK_EQ(info.s5_typ_b, 1);
	CHECK_EQ(info.reset_port, 0xcf9);
	CHECK_EQ(info.reset_value, 0x0f);
	CHECK_EQ(info.override_count, 2);
	CHECK_EQ(info.irq_override[1].gsi, 9);
	CHECK_EQ(info.irq_override[1].flags, 13);
	CHECK_EQ(seen.count, 9); /* XSDT, the seven in it, DSDT */
	CHECK_EQ(seen.cpus, 2);
	CHECK_EQ(seen.ioapics, 2);
	CHECK_EQ(seen.ecam, 0xb0000000);
	CHECK_EQ(seen.ecam_last, 255);
	CHECK_EQ(info.ecam, 0xb0000000);
	CHECK_EQ(info.ecam_size, 0x10000000);
	CHECK_EQ(seen.i8042, 1);
	CHECK_STR(seen.iommu, "DMAR");
	CHECK_EQ(seen.console.base, 0x2f8);
	CHECK_EQ(seen.console.step, 0);
	CHECK_EQ(seen.console.divisor, 12);
	CHECK_EQ(seen.debug.base, 0xfe032000);
	CHECK_EQ(seen.debug.step, 4);
	CHECK_EQ(seen.debug.divisor, 0);
}

/* Where a generic address may lead, and how wide its registers are; NULL: it is refused with a line. */
TEST(acpi_serial_addresses)
{
	static const struct { unsigned space, width, shift, access; uint64_t base; int step; } row[] = {
		{ 1, 8, 0, 1, 0x3f8, 0 }, { 1, 8, 0, 0, 0x2f8, 0 }, 
		{ 1, 32, 0, 3, 0xe060, 0 },                                              /* ports are bytes, whatever it says */
		{ 1, 8, 0, 1, 0xfff8, 0 }, { 1, 8, 0, 1, 0xfff9, -1 }, { 1, 8, 0, 1, 0x10000, -1 },
		{ 1, 8, 0, 1, 1ul << 32 | 0x3f8, -1 },
		{ 0, 8, 0, 1, 0xfe032000, 1 }, { 0, 8, 0, 0, 0xfe032001, 1 }, { 0, 32, 0, 3, 0xfe032000, 4 },
		{ 0, 32, 0, 0, 0xfe032000, 4 }, { 0, 32, 0, 1, 0xfe032000, 4 }, { 0, 8, 0, 3, 0xfe032000, 4 },
		{ 0, 0, 0, 1, 0xfe032000, 1 },
		{ 0, 0, 0, 0, 0xfe032000, -1 }, { 0, 16, 0, 2, 0xfe032000, -1 }, { 0, 16, 0, 1, 0xfe032000, -1 },
		{ 0, 64, 0, 4, 0xfe032000, -1 },
		{ 0, 32, 0, 3, 0xfe032002, -1 },                                            /* not aligned */
		{ 0, 32, 0, 3, 0xfe032fe0, 4 }, { 0, 32, 0, 3, 0xfe032fe4, -1 },            /* to the page's end, and over it */
		{ 0, 8, 0, 1, 0xfe032ff8, 1 }, { 0, 8, 0, 1, 0xfe032ff9, -1 },
		{ 1, 8, 4, 1, 0x3f8, -1 }, { 0, 32, 8, 3, 0xfe032000, -1 },                 /* bits that are moved */
		{ 2, 8, 0, 1, 0x3f8, -1 }, { 3, 8, 0, 1, 0x3f8, -1 }, { 4, 8, 0, 1, 0x3f8, -1 }, { 0x7f, 8, 0, 1, 0x3f8, -1 },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const struct acpi_serial *s[] = { &seen.console, &seen.debug };

		world_make();
		gas_put(w.spcr + 40, row[i].space, row[i].width, row[i].shift, row[i].access, row[i].base);
		gas_put(w.dbg2 + 84 + 22, row[i].space, row[i].width, row[i].shift, row[i].access, row[i].base);
		sum_table(w.spcr);
		sum_table(w.dbg2);
		CHECK(read_all());
		for (int k = 0; k < 2; k++) {
			CHECK_EQ(s[k]->base, row[i].step < 0 ? 0 : row[i].base);
			CHECK_EQ(s[k]->step, row[i].step < 0 ? 0 : row[i].step);
		}
		CHECK_EQ(strstr(said, "ACPI: SPCR: no port that can be driven") != NULL, row[i].step < 0);
		CHECK_EQ(strstr(said, "ACPI: DBG2: no port that can be driven") != NULL, row[i].step < 0);
	}
}

TEST(acpi_serial_speeds)
{
	static const uint32_t divisor[] = { 0, 0, 0, 12, 6, 0, 2, 1, 0 };

	for (uint8_t code = 0; code < sizeof divisor / sizeof *divisor; code++) {
		world_make();
		memory[w.spcr + 58] = code;
		sum_table(w.spcr);
		CHECK(read_all());
		CHECK_EQ(seen.console.divisor, divisor[code]);
		gas_put(w.spcr + 40, 0, 32, 0, 3, 0xfe032000); /* of a clock that nobody knows */
		sum_table(w.spcr);
		CHECK(read_all());
		CHECK_EQ(seen.console.divisor, 0);
	}
}

/* Other kinds of port, none at all (the console is switched off in the setup), and a table too short. */
TEST(acpi_serial_kinds)
{
	static const struct { uint8_t kind, is_ours; } row[] = {
		{ 0, 1 }, { 1, 1 }, { 2, 0 }, { 3, 0 }, { 0x0e, 0 }, { 0x12, 1 }, { 0x13, 0 },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		world_make();
		memory[w.spcr + 36] = row[i].kind;
		memory[w.dbg2 + 84 + 14] = row[i].kind;
		sum_table(w.spcr);
		sum_table(w.dbg2);
		CHECK(read_all());
		CHECK_EQ(seen.console.base, row[i].is_ours ? 0x2f8 : 0);
		CHECK_EQ(seen.debug.base, row[i].is_ours ? 0xfe032000 : 0);
		CHECK_EQ(strstr(said, "its port is no 16550") != NULL, !row[i].is_ours);
	}
	world_make();
	put(w.spcr + 44, 0, 8);
	put(w.dbg2 + 84 + 26, 0, 8);
	sum_table(w.spcr);
	sum_table(w.dbg2);
	CHECK(read_all());
	CHECK_EQ(seen.console.base, 0);
	CHECK_EQ(seen.debug.base, 0);
	CHECK_STR(said, "");
	for (uint32_t size = 36; size < 80; size++) {
		world_make();
		put(w.spcr + 4, size, 4);
		sum_table(w.spcr);
		CHECK(read_all());
		CHECK_EQ(seen.console.base, 0);
		CHECK(strstr(said, "SPCR: too short"));
	}
}

/* DBG2 cut at each byte, and places and lengths in it that lead out of it, nowhere, or round. */
TEST(acpi_dbg2_bounds)
{
	static const struct { uint32_t at, bytes; uint64_t value; } row[] = {
		{ 36, 4, 0xffffffff }, { 36, 4, 144 }, { 36, 4, 144 - 21 }, { 40, 4, 0 }, { 40, 4, 1 },
		{ 44 + 1, 2, 0 }, { 44 + 1, 2, 21 }, { 44 + 1, 2, 0xffff }, { 44 + 1, 2, 101 },
		{ 84 + 1, 2, 61 }, { 84 + 1, 2, 33 }, { 84 + 3, 1, 0 }, { 84 + 18, 2, 49 }, { 84 + 18, 2, 0xffff },
	};

	for (uint32_t size = 36; size < 144; size++) {
		world_make();
		put(w.dbg2 + 4, size, 4);
		sum_table(w.dbg2);
		CHECK(read_all());
		CHECK_EQ(seen.debug.base, 0);
	}
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		world_make();
		put(w.dbg2 + row[i].at, row[i].value, (int)row[i].bytes);
		sum_table(w.dbg2);
		CHECK(read_all());
		CHECK_EQ(seen.debug.base, 0);
	}
	world_make();
	put(w.dbg2 + 40, 0xffffffff, 4); /* more devices than there are: the one that is there is found */
	put(w.dbg2 + 84 + 18, 48, 2);    /* its address at its very end */
	gas_put(w.dbg2 + 84 + 48, 1, 8, 0, 0, 0x3e8);
	sum_table(w.dbg2);
	CHECK(read_all());
	CHECK_EQ(seen.debug.base, 0x3e8);
}

TEST(acpi_extended_blocks_win)
{
	world_make();
	put(w.fadt + 172, 1, 1);
	put(w.fadt + 176, 0x1804, 8);
	put(w.fadt + 208, 0, 1); /* in memory: not for us */
	put(w.fadt + 212, 0xfed10000, 8);
	sum_table(w.fadt);
	CHECK(read_all());
	CHECK_EQ(info.pm1a_cnt, 0x1804);
	CHECK_EQ(info.pm_timer_port, 0x608);
}

TEST(acpi_hardware_reduced)
{
	world_make();
	put(w.fadt + 112, 1 << 20, 4);
	sum_table(w.fadt);
	CHECK(read_all());
	CHECK_EQ(info.pm1a_cnt, 0);
	CHECK_EQ(info.pm_timer_port, 0);
	CHECK_EQ(info.reset_port, 0);
}

/* ACPI 1.0: no XSDT, a short FADT that says nothing of the keyboard controller. */
TEST(acpi_version_1)
{
	uint32_t rsdt;

	world_make();
	put(w.fadt + 4, 116, 4);
	memory[w.fadt + 8] = 1;
	sum_table(w.fadt);
	rsdt = table("RSDT", 44, 1);
	put(rsdt + 36, BASE + w.fadt, 4);
	put(rsdt + 40, BASE + w.madt, 4);
	sum_table(rsdt);
	memory[w.rsdp + 15] = 0;
	put(w.rsdp + 16, BASE + rsdt, 4);
	sum(w.rsdp, 8, 20);
	CHECK(read_all());
	CHECK_EQ(info.lapic, 0xfee00000);
	CHECK_EQ(info.s5_typ_a, 5);
	CHECK_EQ(info.hpet, 0);
	CHECK_EQ(seen.i8042, -1);
	CHECK(strstr(said, "no HPET table"));
}

/* A broken XSDT falls back to the RSDT; without either there are no facts, and S5 is not found. */
TEST(acpi_broken_lists)
{
	world_make();
	memory[w.xsdt + 40] ^= 1;
	CHECK(read_all());
	CHECK(strstr(said, "table XSDT") && strstr(said, "neither XSDT nor RSDT"));
	CHECK_EQ(info.lapic, 0);
	CHECK_EQ(info.s5_typ_a, 0xff);
	CHECK_EQ(seen.table[0].sound, 0);
}

TEST(acpi_broken_rsdp)
{
	static const struct { uint32_t at; uint8_t xor; } damage[] = { { 0, 1 }, { 8, 1 }, { 17, 0x40 }, { 20, 0x20 }, { 23, 0x80 }, { 33, 1 } };

	for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
		world_make();
		memory[w.rsdp + damage[i].at] ^= damage[i].xor;
		CHECK(!read_all());
	}
	world_make();
	w.rsdp = SIZE - 8; /* runs out of memory */
	memcpy(memory + w.rsdp, "RSD PTR ", 8);
	CHECK(!read_all());
}

/* One bad table costs only its own facts. */
TEST(acpi_one_bad_table)
{
	const uint32_t *each[] = { &w.madt, &w.fadt, &w.hpet, &w.mcfg, &w.spcr, &w.dbg2 };

	for (size_t i = 0; i < sizeof each / sizeof *each; i++)
		for (int how = 0; how < 4; how++) {
			world_make();
			switch (how) {
			case 0: memory[*each[i] + 40] ^= 0x10; break;                    /* checksum */
			case 1: put(*each[i] + 4, 20, 4); break;                         /* shorter than a header */
			case 2: put(*each[i] + 4, 0xffffffff, 4); break;                 /* longer than memory */
			case 3: put(*each[i] + 4, SIZE - *each[i] + 1, 4); break;        /* by one byte */
			}
			CHECK(read_all());
			CHECK(strstr(said, "is broken"));
			CHECK_EQ(!info.lapic, i == 0);
			CHECK_EQ(!info.pm1a_cnt, i == 1);
			CHECK_EQ(!info.hpet, i == 2);
			CHECK_EQ(!seen.ecam, i == 3);
			CHECK_EQ(!seen.console.base, i == 4);
			CHECK_EQ(!seen.debug.base, i == 5);
		}
}

/* Structures of length 0 and 1, one that reaches over the end, more overrides than there is room for. */
TEST(acpi_madt_walk_ends)
{
	uint32_t madt;

	for (uint8_t length = 0; length < 2; length++) {
		world_make();
		memory[w.madt + 44 + 16 + 1] = length;
		sum_table(w.madt);
		CHECK(read_all());
		CHECK_EQ(info.ioapic, 0);
	}
	world_make();
	memory[w.madt + 44 + 1] = 255;
	sum_table(w.madt);
	CHECK(read_all());
	CHECK_EQ(seen.cpus, 0);
	world_make();
	madt = table("APIC", 44 + 40 * 10, 3);
	for (uint32_t i = 0; i < 40; i++)
		put(madt + 44 + 10 * i, 2 | 10 << 8, 2);
	sum_table(madt);
	put(w.xsdt + 36 + 8, BASE + madt, 8);
	sum_table(w.xsdt);
	CHECK(read_all());
	CHECK_EQ(info.override_count, sizeof info.irq_override / sizeof *info.irq_override);
}

TEST(acpi_second_of_a_kind)
{
	uint32_t other;

	world_make();
	other = table("APIC", 44, 3);
	put(other + 36, 0x12345000, 4);
	sum_table(other);
	put(w.xsdt + 36 + 32, BASE + other, 8);
	sum_table(w.xsdt);
	CHECK(read_all());
	CHECK_EQ(info.lapic, 0xfee00000);
	CHECK(strstr(said, "a second APIC"));
}

/* A list that names itself, null pointers, and more tables than are noted. */
TEST(acpi_long_list)
{
	uint32_t list;

	world_make();
	list = table("XSDT", 36 + 8 * 1000, 1);
	for (uint32_t i = 0; i < 1000; i++)
		put(list + 36 + 8 * i, i % 3 ? BASE + list : 0, 8);
	sum_table(list);
	put(w.rsdp + 24, BASE + list, 8);
	sum(w.rsdp, 8, 20);
	sum(w.rsdp, 32, 36);
	CHECK(read_all());
	CHECK_EQ(seen.count, ACPI_TABLES_MAX);
	CHECK_EQ(seen.left_out, 256 - 86 + 1 - ACPI_TABLES_MAX);
}

TEST(acpi_s5_forms)
{
	static const struct { uint8_t bytes[16]; uint32_t n, a, b; } form[] = {
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x00, 0x00 }, 10, 0, 0 },
		{ { 0x08, '\\', '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x07, 0x0a, 0x03 }, 13, 7, 3 },
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0x46, 0x00, 0x04, 0x01, 0x0a, 0x02 }, 12, 1, 2 },
		{ { 0x10, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x00, 0x00 }, 10, 0xff, 0xff },             /* no Name */
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x09, 0x00 }, 11, 0xff, 0xff },       /* more than three bits */
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0b, 0x05, 0x00 }, 11, 0xff, 0xff },       /* a word constant */
	};

	for (size_t i = 0; i < sizeof form / sizeof *form; i++) {
		world_make();
		memset(memory + w.dsdt + 36, 0, 64);
		memcpy(memory + w.dsdt + 44, form[i].bytes, form[i].n);
		sum_table(w.dsdt);
		CHECK(read_all());
		CHECK_EQ(info.s5_typ_a, form[i].a);
		CHECK_EQ(info.s5_typ_b, form[i].b);
	}
}

/* The last bytes of a DSDT may begin what is looked for. */
TEST(acpi_s5_at_the_end)
{
	for (uint32_t cut = 0; cut < 20; cut++) {
		world_make();
		put(w.dsdt + 4, 40 + 20 - cut, 4);
		sum_table(w.dsdt);
		CHECK(read_all());
	}
}

TEST(fuzz_acpi)
{
	unsigned rounds = 0, sound = 0;

	while (test_seconds() < 4 && rounds < 20000) {
		uint32_t *place[] = { &w.rsdp, &w.xsdt, &w.madt, &w.fadt, &w.dsdt, &w.hpet, &w.mcfg, &w.dmar, &w.spcr,
			&w.dbg2 };
		uint32_t which = (uint32_t)random_below(sizeof place / sizeof *place), at, length;

		world_make();
		at = *place[which];
		length = which ? memory[at + 4] | memory[at + 5] << 8 : 36;
		random_mutate(memory + at, length);
		/* Behind the checksum lies what is worth reaching. */
		length = memory[at + 4] | memory[at + 5] << 8 | (uint32_t)memory[at + 6] << 16 | (uint32_t)memory[at + 7] << 24;
		if (!which) {
			sum(at, 8, 20);
			sum(at, 32, 36);
		} else if (random_below(4) && length >= 36 && length <= SIZE - at) {
			sum_table(at);
		}
		if (read_all()) {
			sound++;
			CHECK(seen.count <= ACPI_TABLES_MAX);
			CHECK(info.override_count <= sizeof info.irq_override / sizeof *info.irq_override);
			CHECK(info.s5_typ_a == 0xff || info.s5_typ_a < 8);
			CHECK(seen.console.step || seen.console.base <= 0xfff8);
			CHECK(seen.debug.base % 4096 + 8 * seen.debug.step <= 4096);
		}
		rounds++;
	}
	CHECK(sound > rounds / 2);
}
