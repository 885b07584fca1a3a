/* SPDX-License-Identifier: MIT */
/* Included ahead of lib/dev's: registers are the model's. */
#ifndef DEV_MMIO_H
#define DEV_MMIO_H
#include <stdint.h>
uint32_t mmio_read(volatile uint8_t *at);
void mmio_write(volatile uint8_t *at, uint32_t value);
#endif
