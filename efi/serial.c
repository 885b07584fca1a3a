/* SPDX-License-Identifier: MIT */
/* The serial port that speaks from the exit on: the one that ACPI names as the console's (SPCR) or the debugger's
 * (DBG2), else COM1, whichever answers first. The kernel's log goes on there. */
#include <exo/page.h>
#include "cpu.h"
#include "loader.h"

#define COM1 0x3f8
#define SPIN 100000
#define CLOCK 115200 /* baud, by divisor 1 */
#define DEVICE_PAGE (EXO_PTE_RW | EXO_PTE_NX | EXO_PTE_A | EXO_PTE_D | 0x018) /* PCD, PWT: uncached */

/* Registers of a 16550 (its data sheet, table 1), and what is said to them. */
enum { DATA, INTERRUPTS, FIFO, LINE, MODEM, STATUS, SCRATCH = 7 };
enum { LINE_8N1 = 3, LINE_DIVISOR = 0x80, FIFO_ON = 1, MODEM_READY = 3, STATUS_EMPTY = 0x20, STATUS_NONE = 0xff };

static struct acpi_serial port = { COM1, 0, 1 };
static const char *named_by = "";

static uint8_t get(unsigned r)
{
	uint64_t at = port.base + r * (port.step ? port.step : 1);

	if (port.step == 4)
		return (uint8_t)*(const volatile uint32_t *)at;
	return port.step ? *(const volatile uint8_t *)at : cpu_in8((uint16_t)at);
}

static void set(unsigned r, uint8_t value)
{
	uint64_t at = port.base + r * (port.step ? port.step : 1);

	if (port.step == 4)
		*(volatile uint32_t *)at = value;
	else if (port.step)
		*(volatile uint8_t *)at = value;
	else
		cpu_out8((uint16_t)at, value);
}

static int is_in_ram;

static void ram_look(uint64_t pfn, uint64_t count)
{
	uint64_t at = port.base >> EXO_PAGE_SHIFT;

	is_in_ram |= at >= pfn && at - pfn < count;
}

/* A port that is not there reads all ones. The scratch register is no part of every UART in memory. */
static int answers(void)
{
	uint8_t kept;

	is_in_ram = 0;
	if (port.step)
		memory_each_ram(ram_look);
	if (is_in_ram || get(STATUS) == STATUS_NONE)
		return 0;
	if (port.step)
		return 1;
	kept = get(SCRATCH);
	set(SCRATCH, 0x5a);
	if (get(SCRATCH) != 0x5a)
		return 0;
	set(SCRATCH, kept);
	return 1;
}

void serial_facts(struct boot_info *info)
{
	const struct { const char *by; struct acpi_serial port; } each[] = {
		{ "SPCR", acpi_seen.console }, { "DBG2", acpi_seen.debug }, { "as on every PC", port },
	};
	size_t i = 0;

	for (; i < sizeof(each) / sizeof(*each); i++) {
		port = each[i].port;
		if (port.base && answers())
			break;
		if (port.base && i < 2)
			log_line("serial: what %s names at %lx does not answer", each[i].by, (unsigned long)port.base);
	}
	if (i == sizeof(each) / sizeof(*each)) {
		port = (struct acpi_serial){ 0 };
		log_line("serial: no port");
		return;
	}
	info->serial_base = info->log_at = port.base;
	info->serial_step = info->log_step = port.step;
	info->serial_divisor = port.divisor;
	if (port.step)
		info->log_at = KERNEL_SERIAL + port.base % EXO_PAGE_SIZE;
	named_by = each[i].by;
	log_line("serial: 16550 at %s %lx (%s)", port.step ? "address" : "port", (unsigned long)port.base, named_by);
}

void report_serial(void)
{
	if (!port.base) {
		report("serial:    none\n");
		return;
	}
	report("serial:    16550 at %s %lx (%s), ", port.step ? "address" : "port", (unsigned long)port.base, named_by);
	if (port.divisor)
		report("%u baud\n", CLOCK / port.divisor);
	else
		report("as fast as the firmware left it\n");
}

void serial_map(void)
{
	if (port.step)
		paging_map_kernel(KERNEL_SERIAL, port.base & ~(EXO_PAGE_SIZE - 1), EXO_PAGE_SIZE, DEVICE_PAGE);
}

/* 8N1, FIFO on, no interrupts, and the speed, if the table says one. */
void serial_start(void)
{
	if (!port.base)
		return;
	set(INTERRUPTS, 0);
	if (port.divisor) {
		set(LINE, LINE_8N1 | LINE_DIVISOR);
		set(DATA, (uint8_t)port.divisor);
		set(INTERRUPTS, 0); /* the divisor's upper half */
	}
	if (!port.step)
		set(LINE, LINE_8N1);
	set(FIFO, FIFO_ON);
	set(MODEM, MODEM_READY);
}

void serial_put(char c)
{
	if (!port.base)
		return;
	for (int i = 0; i < SPIN && !(get(STATUS) & STATUS_EMPTY); i++)
		;
	set(DATA, (uint8_t)c);
}
