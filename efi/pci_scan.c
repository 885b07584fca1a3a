/* SPDX-License-Identifier: MIT */
/* PCI functions by the configuration ports, for a firmware that has no PciIo protocol (U-Boot's): every place of
 * segment 0 is asked, since no table names the buses (PCI Local Bus 3.0, 3.2.2.3). */
#include "loader.h"
#include "pci_config.h"

#define BUSES    256u
#define DEVICES  32u
#define MULTIPLE 0x800000u /* in the word that has the header's type */
#define ABSENT   0xffffu

static unsigned function_look(unsigned place, uint32_t head[PCI_HEAD])
{
	head[0] = pci_config_read(place, 0);
	if ((head[0] & 0xffff) == ABSENT || !head[0])
		return 0;
	for (unsigned i = 1; i < PCI_HEAD; i++)
		head[i] = pci_config_read(place, 4 * i);
	return 1;
}

unsigned pci_scan(void (*each)(unsigned place, const uint32_t head[PCI_HEAD]))
{
	/* Else an event of the firmware's may use the ports in between. */
	EFI_TPL before = firmware_boot->RaiseTPL(TPL_HIGH_LEVEL);
	uint32_t head[PCI_HEAD], first[PCI_HEAD];
	unsigned found = 0;

	for (unsigned place = 0; place < BUSES * DEVICES * 8; place += 8) {
		if (!function_look(place, first))
			continue;
		found++;
		each(place, first);
		for (unsigned i = 1; first[3] & MULTIPLE && i < 8; i++)
			if (function_look(place + i, head)) {
				found++;
				each(place + i, head);
			}
	}
	firmware_boot->RestoreTPL(before);
	return found;
}
