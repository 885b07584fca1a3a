/* SPDX-License-Identifier: MIT */
/* A device's registers, 32 bits at a time. A test may bring its own before this one. */
#ifndef DEV_MMIO_H
#define DEV_MMIO_H
#include <stdint.h>

static inline uint32_t mmio_read(volatile uint8_t *at) { return *(volatile uint32_t *)at; }
static inline void mmio_write(volatile uint8_t *at, uint32_t value) { *(volatile uint32_t *)at = value; }
#endif
