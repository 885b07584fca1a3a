/* SPDX-License-Identifier: MIT */
/* lib/dev/serial.c against a 16550: in ports and in memory, of its own and a PCI function's. */
#include "check.h"
#include <asm/errno.h>
#include "../../lib/dev/serial.h"

enum { LCR = 3, LSR = 5, LATCH = 0x80, READY = 1, ROOM = 0x60 };
#define MEMORY 0xfe032000u
#define VA     ((uint64_t)page)

struct exo_info test_info;
struct exo_pci test_pci[2];
static _Alignas(EXO_PAGE_SIZE) uint8_t page[EXO_PAGE_SIZE];
static struct serial s;

/* The UART, where it is, and what it was told. */
static struct { uint8_t reg[8], latch[2], in[64]; size_t in_at, in_end, out; char sent[256]; int full; } uart;
static uint16_t first_port;
static uint32_t refused; /* bit KIND: the kernel refuses to bind such */
static uint64_t bound[8], opened, now;

static uint8_t get(unsigned r)
{
	if (r == 0)
		return uart.in_at < uart.in_end ? uart.in[uart.in_at++] : 0;
	if (r == LSR && uart.reg[LSR] != 0xff)
		return (uint8_t)((uart.full ? 0 : ROOM) | (uart.in_at < uart.in_end ? READY : 0));
	return uart.reg[r];
}

static void set(unsigned r, uint8_t value)
{
	if (r < 2 && uart.reg[LCR] & LATCH)
		uart.latch[r] = value;
	else if (r == 0)
		uart.sent[uart.out++ % sizeof uart.sent] = (char)value;
	else
		uart.reg[r] = value;
}

uint8_t test_in(uint16_t port)
{
	CHECK(port - first_port < 8);
	return get(port - first_port);
}

void test_out(uint16_t port, uint8_t value)
{
	CHECK(port - first_port < 8);
	set(port - first_port, value);
}

/* Of 32 bits each. */
uint32_t mmio_read(volatile uint8_t *at) { return 0xabcdef00 | get((uint64_t)at % 32 / 4); }
void mmio_write(volatile uint8_t *at, uint32_t value)
{
	CHECK_EQ(value >> 8, 0);
	set((uint64_t)at % 32 / 4, (uint8_t)value);
}

uint64_t test_now(void) { return now; }

int64_t test_bind(int kind, uint64_t base, uint64_t n)
{
	(void)n;
	if (refused >> kind & 1)
		return -EXO_EPERM;
	bound[kind] = base;
	return 0;
}

int64_t rt_tables(uint64_t root, uint64_t va, uint32_t *a, uint32_t *b)
{
	(void)root, (void)va, (void)a, (void)b;
	return 0;
}

int64_t rt_map(uint64_t root, uint64_t va, uint64_t pfn, uint64_t n, uint64_t rights)
{
	(void)root, (void)pfn, (void)rights;
	CHECK_EQ(va, VA);
	CHECK_EQ(n, 1);
	return 0;
}

int pci_open(struct pci *p, const volatile struct exo_pci *record, uint64_t va, uint64_t size)
{
	CHECK_EQ(va, VA);
	CHECK_EQ(size, SERIAL_SPACE);
	p->record = record;
	opened = record->bdf;
	return record->holder ? -EACCES : 0;
}

volatile uint8_t *pci_map(struct pci *p, unsigned bar, uint64_t offset, uint64_t size)
{
	const volatile struct exo_pci_bar *b = &p->record->bar[bar];

	return offset + size <= b->size ? (volatile uint8_t *)VA + (b->base + offset) % EXO_PAGE_SIZE : NULL;
}

static int open_at(uint64_t base, uint32_t step, uint32_t divisor)
{
	const struct driver_wants wants = { .serial = { base, step, divisor } };

	first_port = (uint16_t)base;
	memset(bound, 0, sizeof bound);
	memset(&uart, 0, sizeof uart);
	uart.reg[LCR] = 0x1b; /* as the firmware left it */
	opened = 0;
	return serial_open(&s, NULL, VA, &wants);
}

/* Two functions: ports, and memory, at their second BAR. */
static void functions(void)
{
	memset(test_pci, 0, sizeof test_pci);
	test_info.pci_count = 2;
	test_pci[0].bdf = 0x10;
	test_pci[0].bar[1] = (struct exo_pci_bar){ 0xe060, 16, EXO_PCI_IO, 1 };
	test_pci[1].bdf = 0x18;
	test_pci[1].bar[1] = (struct exo_pci_bar){ MEMORY, 4096, EXO_PCI_MEM, 1 };
	refused = 1u << EXO_DEV_PORTS | 1u << EXO_DEV_FRAMES;
}

static void says_and_hears(void)
{
	static const char text[] = "seventeen bytes..";
	char got[8];

	CHECK_EQ(serial_send(&s, text, 17), 17);
	CHECK_EQ(uart.out, 17);
	CHECK(!memcmp(uart.sent, text, 17));
	CHECK(serial_idle(&s));
	uart.full = 1;
	CHECK_EQ(serial_send(&s, text, 17), 0);
	CHECK(!serial_idle(&s));
	uart.full = 0;
	memcpy(uart.in, "typed", 5);
	uart.in_end = 5;
	CHECK_EQ(serial_receive(&s, got, 3), 3);
	CHECK_EQ(serial_receive(&s, got + 3, 5), 2);
	CHECK(!memcmp(got, "typed", 5));
}

static void is_looked_at(void)
{
	now = 1000000;
	CHECK_EQ(serial_step(&s), 0);
	CHECK_EQ(serial_deadline(&s), 6000000);
}

TEST(serial_ports)
{
	static const struct { uint16_t base; uint8_t line; } row[] = {
		{ 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		CHECK_EQ(open_at(row[i].base, 0, 12), 0);
		CHECK_EQ(bound[EXO_DEV_PORTS], row[i].base);
		CHECK_EQ(bound[EXO_DEV_IRQ], row[i].line);
		CHECK_EQ(uart.latch[0], 12);
		CHECK_EQ(uart.latch[1], 0);
		CHECK_EQ(uart.reg[LCR], 3);
		CHECK_EQ(uart.reg[1], 1);
		CHECK_EQ(serial_deadline(&s), 0);
		says_and_hears();
	}
	CHECK_EQ(open_at(0x3f8, 0, 0), 0); /* its speed stays */
	CHECK_EQ(uart.latch[0], 0);
	refused = 1u << EXO_DEV_IRQ;
	CHECK_EQ(open_at(0x3f8, 0, 1), 0);
	is_looked_at();
}

TEST(serial_of_a_function)
{
	functions();
	CHECK_EQ(open_at(0xe068, 0, 1), 0);
	CHECK_EQ(opened, 0x10);
	CHECK_EQ(uart.latch[0], 1);
	says_and_hears();
	is_looked_at();
	CHECK_EQ(open_at(MEMORY + 0x100, 4, 0), 0);
	CHECK_EQ(opened, 0x18);
	CHECK(s.registers == page + 0x100);
	CHECK_EQ(open_at(0xe069, 0, 1), -EACCES); /* over its end */
	CHECK_EQ(open_at(0xd000, 0, 1), -EACCES);
	CHECK_EQ(opened, 0);
	test_pci[0].bar[1].given = 0;
	CHECK_EQ(open_at(0xe060, 0, 1), -EACCES);
	test_pci[0].bar[1].given = 1;
	test_pci[0].holder = 7;
	CHECK_EQ(open_at(0xe060, 0, 1), -EACCES);
}

TEST(serial_in_memory)
{
	CHECK_EQ(open_at(MEMORY, 4, 0), 0);
	CHECK_EQ(bound[EXO_DEV_FRAMES], MEMORY >> EXO_PAGE_SHIFT);
	CHECK_EQ(bound[EXO_DEV_IRQ], 0);
	CHECK_EQ(uart.reg[LCR], 0x1b); /* as it was */
	CHECK_EQ(uart.latch[0], 0);
	CHECK_EQ(uart.reg[1], 1);
	says_and_hears();
	is_looked_at();
	page[0x20 + LSR] = ROOM;
	page[0x20 + LCR] = 0x1b;
	CHECK_EQ(open_at(MEMORY + 0x20, 1, 0), 0);
	CHECK_EQ(serial_send(&s, "ab", 2), 2);
	CHECK_EQ(page[0x20], 'b');
	CHECK_EQ(page[0x21], 1);
	CHECK_EQ(page[0x20 + LCR], 0x1b);
	refused = 1u << EXO_DEV_FRAMES;
	CHECK_EQ(open_at(MEMORY, 4, 0), -EACCES);
}

TEST(serial_that_is_not_there)
{
	const struct driver_wants none = { 0 }, com1 = { .serial = { 0x3f8, 0, 1 } };

	CHECK_EQ(serial_open(&s, NULL, VA, &none), -ENODEV);
	first_port = 0x3f8;
	memset(&uart, 0xff, sizeof uart);
	CHECK_EQ(serial_open(&s, NULL, VA, &com1), -ENODEV);
}
