/* SPDX-License-Identifier: MIT */
/* Driver of a 16550 UART: bytes in and out. What they mean is channel.c's or the terminal's affair. */
#include <asm/errno.h>
#include <rt/cpu.h>
#include <rt/rt.h>
#include "mmio.h"
#include "serial.h"

enum { REG_DATA, REG_IER, REG_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCRATCH };
#define IER_RECEIVE 0x01
#define FCR_ENABLE  0x01
#define FCR_CLEAR   0x06
#define FCR_14_BYTES 0xc0 /* interrupt at 14 bytes, or when fewer have waited for four character times */
#define LCR_8N1     0x03
#define LCR_DIVISOR 0x80
#define MCR_DTR     0x01
#define MCR_RTS     0x02
#define MCR_OUT2    0x08 /* gates the interrupt on PCs */
#define NOBODY      0xff /* reads as this where nothing is */
#define LSR_READY   0x01
#define LSR_THRE    0x20
#define LSR_IDLE    0x40
#define FIFO_SIZE   16
#define REGISTERS   8
#define LOOK_NS     5000000u /* a FIFO fills in 1.4 ms at 115200 baud; people type slower */

static uint8_t reg_get(const struct serial *s, int reg)
{
	if (s->step == 4)
		return (uint8_t)mmio_read(s->registers + 4 * reg);
	return s->registers ? s->registers[reg] : port_in8(s->port + reg);
}

static void reg_set(const struct serial *s, int reg, uint8_t value)
{
	if (s->step == 4)
		mmio_write(s->registers + 4 * reg, value);
	else if (s->registers)
		s->registers[reg] = value;
	else
		port_out8(s->port + reg, value);
}

/* The line and its device: in this order an edge that comes between is not lost. */
static void acknowledge(struct serial *s)
{
	if (s->line)
		(void)gate_dev_ack(s->line);
	(void)reg_get(s, REG_FCR);
}

/* The PCI function with those ports or registers in a BAR, and which; NULL: none. */
static const volatile struct exo_pci *function_find(const struct serial_place *at, unsigned *bar)
{
	const volatile struct exo_pci *table = (const volatile struct exo_pci *)EXO_PCI;
	const uint32_t kind = at->step ? EXO_PCI_MEM : EXO_PCI_IO;
	const uint64_t size = REGISTERS * (at->step ? at->step : 1);

	for (uint64_t i = 0; i < rt_info->pci_count; i++)
		for (*bar = 0; *bar < EXO_PCI_BARS; ++*bar) {
			const volatile struct exo_pci_bar *b = &table[i].bar[*bar];

			if (b->kind == kind && b->given && at->base >= b->base && at->base - b->base + size <= b->size)
				return &table[i];
		}
	return NULL;
}

/* COM1 to COM4 have lines of their own; a PCI function's, which others share, is not asked for. */
static int ports_reach(struct serial *s, const struct serial_place *at, uint64_t va)
{
	const volatile struct exo_pci *f;
	unsigned bar;

	if (gate_dev_bind(EXO_DEV_PORTS, at->base, REGISTERS) >= 0) {
		s->line = at->base >> 8 == 3 ? 4 : 3;
		if (gate_dev_bind(EXO_DEV_IRQ, s->line, 1) < 0)
			s->line = 0;
		return 0;
	}
	f = function_find(at, &bar);
	return f ? pci_open(&s->pci, f, va, SERIAL_SPACE) : -EACCES;
}

static int memory_reach(struct serial *s, const struct serial_place *at, uint64_t va)
{
	const uint64_t pfn = at->base >> EXO_PAGE_SHIFT;
	unsigned bar;
	const volatile struct exo_pci *f = function_find(at, &bar);

	if (f) {
		if (pci_open(&s->pci, f, va, SERIAL_SPACE))
			return -EACCES;
		s->registers = pci_map(&s->pci, bar, at->base - f->bar[bar].base, REGISTERS * at->step);
	} else if (gate_dev_bind(EXO_DEV_FRAMES, pfn, 1) >= 0 && rt_tables(0, va, NULL, NULL) >= 0 &&
		rt_map(0, va, pfn, 1, EXO_PTE_RW | EXO_PTE_NX) >= 0) {
		s->registers = (volatile uint8_t *)va + at->base % EXO_PAGE_SIZE;
	}
	return s->registers ? 0 : -EACCES;
}

int serial_open(struct serial *s, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w)
{
	const struct serial_place *at = &w->serial;
	int r;

	(void)f;
	if (!at->base)
		return -ENODEV;
	*s = (struct serial){ .port = (uint16_t)at->base, .step = at->step };
	r = at->step ? memory_reach(s, at, va) : ports_reach(s, at, va);
	if (r)
		return r;
	if (reg_get(s, REG_LSR) == NOBODY)
		return -ENODEV;
	reg_set(s, REG_IER, 0);
	if (at->divisor) {
		reg_set(s, REG_LCR, LCR_DIVISOR);
		reg_set(s, REG_DATA, (uint8_t)at->divisor);
		reg_set(s, REG_IER, 0);
	}
	if (!at->step) /* in memory it may be another kind's, and is as the firmware speaks */
		reg_set(s, REG_LCR, LCR_8N1);
	reg_set(s, REG_FCR, FCR_ENABLE | FCR_CLEAR | FCR_14_BYTES);
	reg_set(s, REG_MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
	reg_set(s, REG_IER, IER_RECEIVE);
	acknowledge(s);
	return 0;
}

void serial_interrupt(struct serial *s, uint32_t irq)
{
	if (s->line && irq >> s->line & 1)
		acknowledge(s);
}

int serial_step(struct serial *s)
{
	if (!s->line)
		s->look_at = rt_now() + LOOK_NS;
	return 0;
}

uint64_t serial_deadline(const struct serial *s) { return s->look_at; }

size_t serial_receive(struct serial *s, void *to, size_t max)
{
	uint8_t *at = to;
	size_t n = 0;

	while (n < max) {
		uint8_t status = reg_get(s, REG_LSR);
		if (status == NOBODY || !(status & LSR_READY))
			break;
		at[n++] = reg_get(s, REG_DATA);
	}
	return n;
}

size_t serial_send(struct serial *s, const void *from, size_t n)
{
	const uint8_t *at = from;
	size_t done = 0;

	while (done < n && reg_get(s, REG_LSR) & LSR_THRE)
		for (int i = 0; i < FIFO_SIZE && done < n; i++)
			reg_set(s, REG_DATA, at[done++]);
	return done;
}

int serial_idle(struct serial *s) { return (reg_get(s, REG_LSR) & LSR_IDLE) != 0; }
