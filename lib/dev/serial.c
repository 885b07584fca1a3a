/* SPDX-License-Identifier: MIT */
/* Driver of a 16550 UART: bytes in and out. What they mean is channel.c's or the terminal's affair. */
#include <asm/errno.h>
#include <rt/gate.h>
#include <rt/cpu.h>
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
#define LSR_READY   0x01
#define LSR_THRE    0x20
#define LSR_IDLE    0x40
#define FIFO_SIZE   16

static uint8_t reg_get(const struct serial *s, int reg) { return port_in8(s->port + reg); }
static void reg_set(const struct serial *s, int reg, uint8_t value) { port_out8(s->port + reg, value); }

/* The line and its device: in this order an edge that comes between is not lost. */
static void acknowledge(struct serial *s)
{
	(void)gate_dev_ack(s->line);
	(void)reg_get(s, REG_FCR);
}

int serial_open(struct serial *s, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w)
{
	const uint16_t port = w->com;

	(void)f, (void)va;
	s->port = port;
	s->line = port == SERIAL_COM2 ? 3 : 4;
	if (gate_dev_bind(EXO_DEV_PORTS, port, 8) < 0 || gate_dev_bind(EXO_DEV_IRQ, s->line, 1) < 0)
		return -EACCES;
	reg_set(s, REG_SCRATCH, 0x5a);
	if (reg_get(s, REG_SCRATCH) != 0x5a)
		return -ENODEV;
	reg_set(s, REG_IER, 0);
	reg_set(s, REG_LCR, LCR_DIVISOR);
	reg_set(s, REG_DATA, 1);
	reg_set(s, REG_IER, 0);
	reg_set(s, REG_LCR, LCR_8N1);
	reg_set(s, REG_FCR, FCR_ENABLE | FCR_CLEAR | FCR_14_BYTES);
	reg_set(s, REG_MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
	reg_set(s, REG_IER, IER_RECEIVE);
	acknowledge(s);
	return 0;
}

void serial_interrupt(struct serial *s, uint32_t irq)
{
	if (irq >> s->line & 1)
		acknowledge(s);
}

size_t serial_receive(struct serial *s, void *to, size_t max)
{
	uint8_t *at = to;
	size_t n = 0;

	while (n < max) {
		uint8_t status = reg_get(s, REG_LSR);
		if (status == 0xff || !(status & LSR_READY))
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
