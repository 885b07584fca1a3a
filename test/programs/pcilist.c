/* SPDX-License-Identifier: MIT */
/* Prints the public table of PCI functions, a line each: place, vendor and device, class, and each BAR's kind,
 * address and size. Aril only. */
#include <exo/pci.h>
#include <stdio.h>

int main(void)
{
	const volatile struct exo_info *info = (const volatile struct exo_info *)EXO_INFO;
	const volatile struct exo_pci *table = (const volatile struct exo_pci *)EXO_PCI;

	for (unsigned long i = 0; i < info->pci_count; i++) {
		const volatile struct exo_pci *f = &table[i];
		const volatile uint8_t *c = f->config;

		printf("%02x:%02x.%x %02x%02x:%02x%02x ", f->bdf >> 8, f->bdf >> 3 & 31, f->bdf & 7, c[1], c[0], c[3], c[2]);
		printf("%02x%02x", c[11], c[10]);
		for (int b = 0; b < EXO_PCI_BARS; b++)
			if (f->bar[b].kind)
				printf(" %d:%s:%llx:%llx", b, f->bar[b].kind == EXO_PCI_IO ? "io" : "mem",
					(unsigned long long)f->bar[b].base, (unsigned long long)f->bar[b].size);
		printf("\n");
	}
	return 0;
}
