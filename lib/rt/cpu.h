/* SPDX-License-Identifier: MIT */
/* Instructions that C has no words for: port access (of ports that dev_bind gave) and RDRAND. */
#ifndef POSIX_CPU_H
#define POSIX_CPU_H
#include <stdint.h>

static inline void port_out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }

static inline uint8_t port_in8(uint16_t port)
{
	uint8_t value;
	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* 1 and a random word, or 0: the generator was exhausted. Only where EXO_CPU_RDRAND is set. */
static inline int cpu_rdrand(uint64_t *to)
{
	uint8_t ok;
	__asm__ volatile("rdrand %0; setc %1" : "=r"(*to), "=qm"(ok) : : "cc");
	return ok;
}
#endif
