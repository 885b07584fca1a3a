/* SPDX-License-Identifier: MIT */
/* Included ahead of lib/dev/serial.c on the host: gate, ports and registers are the test's. */
#ifndef UNIT_SERIAL_ENV_H
#define UNIT_SERIAL_ENV_H
#include <rt/cpu.h>
#include <rt/rt.h>
#include "usb/model_mmio.h"
int64_t test_bind(int kind, uint64_t base, uint64_t n);
uint8_t test_in(uint16_t port);
void test_out(uint16_t port, uint8_t value);
uint64_t test_now(void);
#include <exo/pci.h>
extern struct exo_info test_info;
extern struct exo_pci test_pci[2];
#undef rt_info
#define rt_info (&test_info)
#undef EXO_PCI
#define EXO_PCI ((uint64_t)test_pci)
#define gate_dev_bind(kind, base, n) test_bind(kind, base, n)
#define gate_dev_ack(line) ((int64_t)(line))
#define port_in8(port) test_in(port)
#define port_out8(port, value) test_out(port, value)
#define rt_now() test_now()
#endif
