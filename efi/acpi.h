/* SPDX-License-Identifier: MIT */
/* Static ACPI tables as facts. Pure: physical memory and the log are reached through the two functions at the end, so that it is tested on the host. */
#ifndef EFI_ACPI_H
#define EFI_ACPI_H
#include <stdint.h>
#include <exo/boot.h>

#define ACPI_TABLES_MAX 64

/* The numbers of a table: little-endian, at any address. */
static inline uint32_t get16(const uint8_t *p) { return p[0] | p[1] << 8; }
static inline uint32_t get32(const uint8_t *p) { return get16(p) | get16(p + 2) << 16; }
static inline uint64_t get64(const uint8_t *p) { return get32(p) | (uint64_t)get32(p + 4) << 32; }

/* A 16550 that a table names. step and divisor: facts.h; base 0: none. */
struct acpi_serial { uint64_t base; uint32_t step, divisor; };

struct acpi_table { char signature[5], oem[7]; uint8_t sound; uint32_t length; uint64_t phys; };

/* What was seen, for the report; what the kernel needs goes to boot_info. */
struct acpi {
	uint32_t count, left_out;        /* tables listed, and those beyond ACPI_TABLES_MAX */
	struct acpi_table table[ACPI_TABLES_MAX];
	uint32_t revision;               /* of the RSDP */
	uint32_t cpus;                   /* that the MADT calls enabled */
	uint32_t ioapics;
	uint64_t ecam;                   /* PCI configuration space of segment 0 (MCFG), 0 = none */
	uint8_t ecam_first, ecam_last;   /* its buses */
	int8_t i8042;                    /* FADT: 1 present, 0 absent, -1 it does not say */
	uint8_t reduced;                 /* hardware-reduced ACPI: no PM1, no PM timer */
	const char *iommu;               /* table that describes one, NULL = none */
	struct acpi_serial console, debug; /* of SPCR and of DBG2 */
};

/* Whether p is a sound RSDP: signature, checksums, length. */
int acpi_rsdp_sound(uint64_t phys);
/* Reads all tables below a sound RSDP. Fills every ACPI fact of info. A table that is missing, broken or named twice costs its facts and a log line. */
void acpi_read(uint64_t rsdp, struct boot_info *info, struct acpi *seen);

/* acpi_serial.c: the port of a whole SPCR, and the first one of a whole DBG2, of n bytes; one log line says why it is
 * none that can be driven. */
struct acpi_serial acpi_spcr(const uint8_t *t, uint32_t n);
struct acpi_serial acpi_dbg2(const uint8_t *t, uint32_t n);

/* The bytes [phys, phys + size) of memory; NULL when they are not all there. They stay readable. */
const uint8_t *acpi_bytes(uint64_t phys, uint64_t size);
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
#endif
