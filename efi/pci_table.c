/* SPDX-License-Identifier: MIT */
/* The table of PCI functions that ring 3 reads and the kernel binds by: configuration space as it is once the
 * firmware has been left, and the size of each BAR, measured as PCI Local Bus 3.0 says (6.2.5.1) while the function
 * decodes nothing. */
#include <base/string.h>
#include <exo/pci.h>
#include "loader.h"
#include "pci_config.h"

#define REG_HEADER 0x0c /* its third byte */
#define REG_BAR    0x10
#define REG_CAPABILITIES 0x34
#define STATUS_LIST 0x10
enum { CAP_MSI = 0x05, CAP_EXPRESS = 0x10, CAP_MSIX = 0x11 };
#define PORTS_LOW  0x1000
#define BAR_IO     1u
#define BAR_KIND   6u /* 0: 32 bits; 4: 64 */
#define BAR_64     4u

/* Bits that cannot be set are the size's: all ones are written, what stays is read, and the value put back. */
static uint32_t bits_fixed(unsigned place, unsigned offset, uint32_t value)
{
	uint32_t fixed;

	pci_config_write(place, offset, ~0u);
	fixed = pci_config_read(place, offset);
	pci_config_write(place, offset, value);
	return fixed;
}

/* The BAR at number i, which takes one place or two: how many. */
static int bar_measure(unsigned place, int i, struct exo_pci_bar *bar)
{
	unsigned at = REG_BAR + 4 * (unsigned)i;
	uint32_t low = pci_config_read(place, at), high = 0;
	uint64_t mask = bits_fixed(place, at, low), base;
	int wide = !(low & BAR_IO) && (low & BAR_KIND) == BAR_64;

	if (low & BAR_IO) {
		base = low & 0xfffc;
		mask = (mask & 0xfffc) | ~0xfffful; /* the upper half may be wired to zeros */
	} else {
		base = low & ~0xfu;
		mask = (mask & ~0xful) | ~0xfffffffful;
		if (wide && i + 1 < EXO_PCI_BARS) {
			high = pci_config_read(place, at + 4);
			base |= (uint64_t)high << 32;
			mask = (mask & 0xfffffffful) | (uint64_t)bits_fixed(place, at + 4, high) << 32;
		}
	}
	/* One without an address, or that is none, is left out. */
	if (base && !(base & ~mask) && !(-mask & (-mask - 1)))
		*bar = (struct exo_pci_bar){ .base = base, .size = -mask, .kind = low & BAR_IO ? EXO_PCI_IO : EXO_PCI_MEM };
	return wide ? 2 : 1;
}

/* Bridges, memory controllers, the chipset's own parts, processors, and the bus that leads to memory modules'
 * descriptions are nobody's (PCI Code and ID Assignment 1.11). */
static int is_bindable(const struct exo_pci *f)
{
	unsigned class = f->config[11], subclass = f->config[10];

	if (f->config[REG_HEADER + 2] & 0x7f)
		return 0;
	if (class == 0x08)
		return subclass == 0x05; /* of the system's own, only readers of SD cards */
	return class != 0x05 && class != 0x06 && class != 0x0b && (class != 0x0c || subclass != 0x05);
}

/* Where a capability stands (PCI Local Bus 3.0, 6.7), with so many bytes; 0: there is none. */
static uint8_t capability_find(const struct exo_pci *f, unsigned id, unsigned size)
{
	unsigned at = f->config[REG_COMMAND + 2] & STATUS_LIST ? f->config[REG_CAPABILITIES] & 0xfc : 0;

	for (int i = 0; at >= 0x40 && i < 48; i++, at = f->config[at + 1] & 0xfc)
		if (f->config[at] == id)
			return at + size <= sizeof(f->config) ? (uint8_t)at : 0;
	return 0;
}

/* size bytes at the place that MSI-X names: a BAR's number in the low three bits of an offset. 0: there is none. */
static uint64_t place_of(const struct exo_pci *f, unsigned at, uint64_t size)
{
	const struct exo_pci_bar *b;
	uint32_t word;

	memcpy(&word, f->config + at, 4);
	b = &f->bar[word & 7];
	if ((word & 7) >= EXO_PCI_BARS || b->kind != EXO_PCI_MEM || (word & ~7u) + size > b->size)
		return 0;
	return b->base + (word & ~7u);
}

static void messages_find(struct exo_pci *f)
{
	uint64_t place[2], size[2];

	f->msi = capability_find(f, CAP_MSI, 24);
	f->msix = capability_find(f, CAP_MSIX, 12);
	f->express = capability_find(f, CAP_EXPRESS, 20);
	f->messages = f->msi != 0;
	if (!f->msix)
		return;
	f->messages = (uint16_t)((f->config[f->msix + 2] | (f->config[f->msix + 3] & 7) << 8) + 1);
	size[0] = f->messages * 16u;
	size[1] = (f->messages + 63) / 64 * 8u;
	for (int i = 0; i < 2; i++) {
		place[i] = place_of(f, f->msix + 4u + 4u * (unsigned)i, size[i]);
		if (place[i]) {
			f->closed[i].first = (uint32_t)(place[i] >> EXO_PAGE_SHIFT);
			f->closed[i].count = (uint32_t)((place[i] + size[i] - 1) >> EXO_PAGE_SHIFT) - f->closed[i].first + 1;
		}
	}
	f->msix_table = place[0];
	if (!place[0])
		f->messages = 0;
}

static uint64_t page_of(uint64_t at) { return at >> EXO_PAGE_SHIFT; }
static uint64_t last_page(const struct exo_pci_bar *b) { return page_of(b->base + b->size - 1); }

/* Whether a BAR has its pages alone, or ports that no chipset decodes, whatever stands in the BAR. */
static int is_given(const struct exo_pci *table, const struct exo_pci_bar *bar)
{
	if (bar->kind == EXO_PCI_IO)
		return bar->base >= PORTS_LOW && bar->size <= 256;
	if (bar->kind != EXO_PCI_MEM || last_page(bar) >= UINT32_MAX)
		return 0;
	for (unsigned i = 0; i < master_count(); i++)
		for (const struct exo_pci_bar *b = table[i].bar; b < table[i].bar + EXO_PCI_BARS; b++) {
			int meets = page_of(bar->base) <= last_page(b) && page_of(b->base) <= last_page(bar);

			if (b != bar && b->kind == EXO_PCI_MEM && meets)
				return 0;
		}
	return 1;
}

void pci_table_fill(struct boot_info *info)
{
	struct exo_pci *table = (struct exo_pci *)info->pci.phys;

	for (unsigned i = 0; i < master_count(); i++) {
		struct exo_pci *f = &table[i];
		unsigned place = master_place(i);
		uint32_t command = pci_config_read(place, REG_COMMAND) & 0xffff;
		int bars;

		f->bdf = (uint16_t)place;
		for (unsigned at = 0; at < sizeof(f->config); at += 4) {
			uint32_t word = pci_config_read(place, at);

			memcpy(f->config + at, &word, 4);
		}
		/* A bridge decodes for others, and the host bridge for the CPU: nobody binds them. */
		bars = (f->config[REG_HEADER + 2] & 0x7f) == 0 && f->config[11] != 0x06 ? EXO_PCI_BARS : 0;
		if (bars)
			pci_config_write(place, REG_COMMAND, command & ~(COMMAND_IO | COMMAND_MEMORY));
		for (int b = 0; b < bars;)
			b += bar_measure(place, b, &f->bar[b]);
		if (bars)
			pci_config_write(place, REG_COMMAND, command);
		f->bindable = (uint8_t)is_bindable(f);
		messages_find(f);
	}
	for (unsigned i = 0; i < master_count(); i++)
		for (int b = 0; b < EXO_PCI_BARS; b++)
			table[i].bar[b].given = (uint32_t)is_given(table, &table[i].bar[b]);
	info->pci_count = master_count();
}
