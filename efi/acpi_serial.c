/* SPDX-License-Identifier: MIT */
/* The serial ports that firmware names: SPCR (Serial Port Console Redirection Table 1.10), where its own console goes,
 * and DBG2 (Microsoft Debug Port Table 2), where a debugger's does. Only 16550s are taken. */
#include "acpi.h"

#define PORT_LAST  0xfff8u /* of a group of eight */
#define REGISTERS  8
#define PAGE       4096u
#define CLOCK      115200u /* divisor 1 of a PC's UART */

/* Where things stand in the tables. */
enum { SPCR_KIND = 36, SPCR_ADDRESS = 40, SPCR_SPEED = 58, SPCR_SIZE = 80 };
enum { DBG2_DEVICES = 36, DBG2_COUNT = 40, DBG2_SIZE = 44 };
enum { DEVICE_LENGTH = 1, DEVICE_ADDRESSES = 3, DEVICE_TYPE = 12, DEVICE_KIND = 14, DEVICE_ADDRESS_AT = 18,
	DEVICE_SIZE = 22 };
enum { TYPE_SERIAL = 0x8000, DEVICES_MAX = 64 };
/* A generic address structure (ACPI 6.4, 5.2.3.2). */
enum { GAS_SPACE = 0, GAS_WIDTH, GAS_SHIFT, GAS_ACCESS, GAS_ADDRESS, GAS_SIZE = 12 };
enum { SPACE_MEMORY, SPACE_PORTS };
enum { ACCESS_ANY, ACCESS_8, ACCESS_16, ACCESS_32 };

/* DBG2, table 3: fully, as a subset, and by what the address says compatible with a 16550. */
static int is_16550(uint32_t kind) { return kind == 0 || kind == 1 || kind == 0x12; }

/* In memory: registers of a byte each, or one in each 32 bits. Some tables ask for bytes there and mean words: to read
 * the whole word is right in both. 0 = neither. */
static uint32_t step_of(uint32_t width, uint32_t access)
{
	if (access == ACCESS_32 || (width == 32 && access <= ACCESS_8))
		return 4;
	return access <= ACCESS_8 && (width == 8 || (width == 0 && access == ACCESS_8));
}

static struct acpi_serial address_take(const char *table, const uint8_t *gas)
{
	struct acpi_serial s = { .base = get64(gas + GAS_ADDRESS) };
	int sound = s.base && !gas[GAS_SHIFT];

	switch (gas[GAS_SPACE]) {
	case SPACE_PORTS:
		sound = sound && s.base <= PORT_LAST;
		break;
	case SPACE_MEMORY:
		s.step = step_of(gas[GAS_WIDTH], gas[GAS_ACCESS]);
		sound = sound && s.step && !(s.base % s.step) && s.base % PAGE + REGISTERS * s.step <= PAGE;
		break;
	default:
		sound = 0;
	}
	if (sound)
		return s;
	log_line("ACPI: %s: no port that can be driven (space %u, %u bits, shift %u, access %u, address %lx)", table,
		gas[GAS_SPACE], gas[GAS_WIDTH], gas[GAS_SHIFT], gas[GAS_ACCESS], (unsigned long)s.base);
	return (struct acpi_serial){ 0 };
}

/* SPCR's byte for a speed; a UART in memory may have any clock, so that one stays as the firmware left it. */
static uint32_t divisor_of(uint32_t code)
{
	switch (code) {
	case 3:
		return CLOCK / 9600;
	case 4:
		return CLOCK / 19200;
	case 6:
		return CLOCK / 57600;
	case 7:
		return CLOCK / 115200;
	}
	return 0;
}

struct acpi_serial acpi_spcr(const uint8_t *t, uint32_t n)
{
	struct acpi_serial s = { 0 };

	if (n < SPCR_SIZE || !is_16550(t[SPCR_KIND])) {
		log_line("ACPI: SPCR: %s", n < SPCR_SIZE ? "too short; ignored" : "its port is no 16550");
		return s;
	}
	if (get64(t + SPCR_ADDRESS + GAS_ADDRESS))
		s = address_take("SPCR", t + SPCR_ADDRESS);
	if (!s.step)
		s.divisor = divisor_of(t[SPCR_SPEED]);
	return s;
}

struct acpi_serial acpi_dbg2(const uint8_t *t, uint32_t n)
{
	uint32_t at = n < DBG2_SIZE ? n : get32(t + DBG2_DEVICES), size, address;

	for (uint32_t i = 0; i < DEVICES_MAX && n >= DBG2_SIZE && i < get32(t + DBG2_COUNT); i++, at += size) {
		if (at > n || n - at < DEVICE_SIZE)
			break;
		size = get16(t + at + DEVICE_LENGTH);
		if (size < DEVICE_SIZE || size > n - at)
			break;
		address = get16(t + at + DEVICE_ADDRESS_AT);
		if (get16(t + at + DEVICE_TYPE) != TYPE_SERIAL || !is_16550(get16(t + at + DEVICE_KIND)) ||
			!t[at + DEVICE_ADDRESSES])
			continue;
		if (address + GAS_SIZE > size)
			break;
		if (get64(t + at + address + GAS_ADDRESS))
			return address_take("DBG2", t + at + address);
	}
	return (struct acpi_serial){ 0 };
}
