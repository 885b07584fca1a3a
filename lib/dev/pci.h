/* SPDX-License-Identifier: MIT */
/* A PCI function, held through dev_bind, its registers and the memory that it may reach: all mapped in the driver's
 * env alone, since whoever writes what a device reads can have it write anywhere. */
#ifndef DEV_PCI_H
#define DEV_PCI_H
#include <stddef.h>
#include <stdint.h>
#include <exo/pci.h>

struct pci {
	const volatile struct exo_pci *record; /* in the public table */
	uint64_t next, end;                    /* addresses that are free for pages */
};

/* Binds it. [va, va + size), on 2 MiB boundaries, is the driver's own for its pages. 0, -EACCES when the kernel
 * refuses, -ENOMEM. */
int pci_open(struct pci *p, const volatile struct exo_pci *record, uint64_t va, uint64_t size);
/* Byte of configuration space. */
static inline unsigned pci_config(const struct pci *p, unsigned at) { return p->record->config[at & 255]; }
uint32_t pci_config32(const struct pci *p, unsigned at);
/* Registers of a BAR: mapped, uncached. NULL: outside the BAR, not given, or no room. */
volatile uint8_t *pci_map(struct pci *p, unsigned bar, uint64_t offset, uint64_t size);
/* It masters the bus from now on. Its driver has reset it. */
int pci_master(struct pci *p);
/* Message `index` sets a bit of msi_bits: its number, or negative. */
int pci_message(struct pci *p, unsigned index);
/* So many pages of zeros for its driver, which the function has no business with. NULL: no memory. */
void *pci_memory(struct pci *p, unsigned pages);
/* A page of zeros that the function may read and write; *address: how it names it. NULL: no memory. */
void *pci_page(struct pci *p, uint64_t *address);
#endif
