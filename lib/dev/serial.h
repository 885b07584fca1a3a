/* SPDX-License-Identifier: MIT */
/* One 16550 port, held through dev_bind. */
#ifndef POSIX_SERIAL_H
#define POSIX_SERIAL_H
#include <stddef.h>
#include <stdint.h>
#include <exo/pci.h>
#include "wants.h"

#define SERIAL_COM1 0x3f8
#define SERIAL_COM2 0x2f8

struct serial {
	uint16_t port;
	uint8_t line;    /* ISA interrupt */
};

/* A row's open (drivers.def). Binds and programs the port (115200 8N1, receive interrupts): 0, -EACCES when the kernel
 * refuses it, -ENODEV when nothing answers there. */
int serial_open(struct serial *s, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w);
/* Neither blocks: bytes taken by the transmitter, bytes received. */
size_t serial_send(struct serial *s, const void *from, size_t n);
size_t serial_receive(struct serial *s, void *to, size_t max);
/* To be called after interrupts and before serial_receive, so that no edge is lost. */
void serial_interrupt(struct serial *s, uint32_t irq);
/* True when the last bit has left. */
int serial_idle(struct serial *s);
#endif
