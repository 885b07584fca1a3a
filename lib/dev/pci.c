/* SPDX-License-Identifier: MIT */
/* Binding and mapping PCI functions. Knows no kind of device. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/rt.h>
#include "pci.h"

uint32_t pci_config32(const struct pci *p, unsigned at) { return p->record->config_word[at / 4 % 64]; }

int pci_open(struct pci *p, const volatile struct exo_pci *record, uint64_t va, uint64_t size)
{
	*p = (struct pci){ record, va, va + size };
	for (uint64_t at = va; at < va + size; at += EXO_RUN_FRAMES * EXO_PAGE_SIZE)
		if (rt_tables(0, at, NULL, NULL) < 0)
			return -ENOMEM;
	return gate_dev_bind(EXO_DEV_PCI, record->bdf, 1) < 0 ? -EACCES : 0;
}

static uint64_t page_put(struct pci *p, uint64_t pfn)
{
	if (p->next == p->end || rt_map(0, p->next, pfn, 1, EXO_PTE_RW | EXO_PTE_NX) < 0)
		return 0;
	p->next += EXO_PAGE_SIZE;
	return p->next - EXO_PAGE_SIZE;
}

volatile uint8_t *pci_map(struct pci *p, unsigned bar, uint64_t offset, uint64_t size)
{
	const volatile struct exo_pci_bar *b = &p->record->bar[bar];
	uint64_t first, last, at = 0;

	if (bar >= EXO_PCI_BARS || b->kind != EXO_PCI_MEM || !b->given)
		return NULL;
	if (!size || offset > b->size || size > b->size - offset)
		return NULL;
	first = (b->base + offset) >> EXO_PAGE_SHIFT;
	last = (b->base + offset + size - 1) >> EXO_PAGE_SHIFT;
	for (uint64_t pfn = first; pfn <= last; pfn++) {
		uint64_t page = page_put(p, pfn);

		if (!page)
			return NULL;
		at = at ? at : page;
	}
	return (volatile uint8_t *)at + ((b->base + offset) & (EXO_PAGE_SIZE - 1));
}

int pci_master(struct pci *p) { return gate_dev_bind(EXO_DEV_MASTER, p->record->bdf, 1) < 0 ? -EACCES : 0; }

int pci_message(struct pci *p, unsigned index)
{
	int64_t line = gate_dev_bind(EXO_DEV_MSI, p->record->bdf, index);

	return line < 0 ? -EACCES : (int)line;
}

void *pci_page(struct pci *p, uint64_t *address)
{
	int64_t pfn = rt_frame();
	uint64_t page;

	if (pfn < 0)
		return NULL;
	page = page_put(p, (uint64_t)pfn);
	if (!page || gate_dev_bind(EXO_DEV_DMA, page | EXO_DMA_WRITE, 1) != pfn)
		return NULL;
	*address = (uint64_t)pfn << EXO_PAGE_SHIFT;
	return (void *)page;
}

void *pci_memory(struct pci *p, unsigned pages)
{
	uint64_t first = p->next;

	for (unsigned i = 0; i < pages; i++) {
		int64_t pfn = rt_frame();
		uint64_t page = pfn < 0 ? 0 : page_put(p, (uint64_t)pfn);

		if (!page)
			return NULL;
		memset((void *)page, 0, EXO_PAGE_SIZE);
	}
	return (void *)first;
}
