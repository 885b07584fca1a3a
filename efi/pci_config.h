/* SPDX-License-Identifier: MIT */
/* PCI configuration space by ports 0xcf8 and 0xcfc (PCI Local Bus 3.0, 3.2.2.3.2): segment 0, the first 256 bytes.
 * For after the exit, when the firmware's own use of them is over, or while no event of its can come. place: bus << 8 |
 * device << 3 | function; offset: of a word of four bytes. */
#ifndef EFI_PCI_CONFIG_H
#define EFI_PCI_CONFIG_H
#include "cpu.h"

#define REG_COMMAND    0x04
#define COMMAND_IO     0x01u
#define COMMAND_MEMORY 0x02u
#define COMMAND_MASTER 0x04u

static inline uint32_t pci_config_read(unsigned place, unsigned offset)
{
	cpu_out32(0xcf8, 1u << 31 | place << 8 | (offset & 0xfc));
	return cpu_in32(0xcfc);
}

static inline void pci_config_write(unsigned place, unsigned offset, uint32_t value)
{
	cpu_out32(0xcf8, 1u << 31 | place << 8 | (offset & 0xfc));
	cpu_out32(0xcfc, value);
}
#endif
