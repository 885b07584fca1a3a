/* SPDX-License-Identifier: MIT */
/* The public table of PCI functions, at EXO_PCI, read-only in ring 3: rt_info->pci_count records. The loader fills it
 * after it has left the firmware, from PCI Local Bus 3.0's configuration space (chapter 6); who drives a function
 * reads its capabilities here. The kernel binds by it: nobody else can write it. */
#ifndef EXO_PCI_TABLE_H
#define EXO_PCI_TABLE_H
#include <exo/env.h>

#define EXO_PCI_MAX 256
#define EXO_PCI_BARS 6

enum exo_pci_kind {
	EXO_PCI_NONE,  /* not there, without an address, or the upper half of the one before */
	EXO_PCI_MEM,   /* memory: base is a physical address */
	EXO_PCI_IO,    /* ports */
};

/* given: comes with the function. What shares a page with another's, and ports where the chipset's are, do not. */
struct exo_pci_bar { uint64_t base, size; uint32_t kind, given; };

struct exo_pci {
	exo_name holder;       /* env that has bound it, or whose end it is being reset for; 0 = none */
	uint16_t bdf;          /* bus << 8 | device << 3 | function; of segment 0 */
	uint16_t messages;     /* that it can send: entries of its MSI-X table, or 1 for MSI */
	uint8_t bindable;      /* no bridge, nor part of the chipset */
	uint8_t msi, msix, express; /* where these capabilities stand, 0 = it has none */
	uint64_t msix_table;   /* physical address */
	/* Frames of its MSI-X table, and of the pending bits: mapped by nobody. */
	struct { uint32_t first, count; } closed[2];
	struct exo_pci_bar bar[EXO_PCI_BARS];
	/* Its first 256 bytes, when the firmware had been left and bus masters stopped. */
	union { uint8_t config[256]; uint32_t config_word[64]; };
	uint8_t rest[512 - 40 - EXO_PCI_BARS * sizeof(struct exo_pci_bar) - 256];
};
_Static_assert(sizeof(struct exo_pci) == 512, "whole records to a page");
#endif
