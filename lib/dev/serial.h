/* SPDX-License-Identifier: MIT */
/* One 16550, held through dev_bind: in ports, in memory, or a PCI function with either. */
#ifndef POSIX_SERIAL_H
#define POSIX_SERIAL_H
#include <stddef.h>
#include <stdint.h>
#include "pci.h"
#include "wants.h"

#define SERIAL_COM2 ((struct serial_place){ 0x2f8, 0, 1 })
#define SERIAL_SPACE (2ul << 20) /* of addresses */

struct serial {
	uint16_t port;
	volatile uint8_t *registers; /* in memory, `step` bytes from one to the next; NULL: at ports */
	uint32_t step;
	uint8_t line;     /* ISA interrupt, 0: it has none that could be bound, and is looked at */
	uint64_t look_at; /* then: when, ns of rt_now */
	struct pci pci;
};

/* A row's open (drivers.def). Binds and programs the port (8N1, its speed by the divisor that is wanted, receive
 * interrupts): 0, -EACCES when the kernel refuses it, -ENODEV when there is none or nothing answers there. */
int serial_open(struct serial *s, const volatile struct exo_pci *f, uint64_t va, const struct driver_wants *w);
/* Neither blocks: bytes taken by the transmitter, bytes received. */
size_t serial_send(struct serial *s, const void *from, size_t n);
size_t serial_receive(struct serial *s, void *to, size_t max);
/* To be called after interrupts and before serial_receive, so that no edge is lost. */
void serial_interrupt(struct serial *s, uint32_t irq);
/* Of a row: without an interrupt, whoever takes the bytes is woken in time for them. */
int serial_step(struct serial *s);
uint64_t serial_deadline(const struct serial *s);
/* True when the last bit has left. */
int serial_idle(struct serial *s);
#endif
