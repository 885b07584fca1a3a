/* SPDX-License-Identifier: MIT */
/* Devices that write memory by themselves: what the firmware started of them is stopped once it has left, since nobody
 * would know where they still write. Found through PciIo or ports before the exit, changed through ports 0xcf8 and 0xcfc after it
 * (PCI Local Bus 3.0, 3.2.2.3.2). */
#include <exo/pci.h>
#include "loader.h"
#include "pci_config.h"
#include <efipciio.h>


/* Classes and programming interfaces (PCI Code and ID Assignment 1.11). */
enum { CLASS_DISPLAY = 0x03, CLASS_HOST_BRIDGE = 0x0600, CLASS_BRIDGE = 0x0604, CLASS_USB = 0x0c03 };
enum { USB_UHCI = 0x00, USB_OHCI = 0x10, USB_EHCI = 0x20, USB_XHCI = 0x30 };

/* legacy: where it is told whether the firmware, in system management mode, makes keys of the i8042 out of this USB
 * controller's: an offset in its configuration space, or the address of a register; legacy_bit is set then.
 * behind: the buses below a bridge. */
static struct function {
	uint64_t legacy;
	uint32_t class, legacy_bit;
	uint8_t bus, slot, is_kept, first_behind, last_behind;
} *function;
static unsigned count, left_out;
static int keep_all;

static uint32_t config_read(const struct function *f, unsigned offset)
{
	return pci_config_read(f->bus << 8 | f->slot, offset);
}

static uint32_t register_read(EFI_PCI_IO_PROTOCOL *pci, uint64_t offset)
{
	uint32_t value = 0;

	return EFI_ERROR(pci->Mem.Read(pci, EfiPciIoWidthUint32, 0, offset, 1, &value)) ? 0 : value;
}

/* xHCI 1.2, 7.1: a list of extended capabilities; number 1 is the firmware's claim, bit 16. */
static uint64_t xhci_claim(EFI_PCI_IO_PROTOCOL *pci)
{
	uint64_t at = (uint64_t)(register_read(pci, 0x10) >> 16) * 4;

	for (int i = 0; at && i < 64; i++) {
		uint32_t head = register_read(pci, at);

		if ((head & 0xff) == 1)
			return at;
		at = head >> 8 & 0xff ? at + (head >> 8 & 0xff) * 4 : 0;
	}
	return 0;
}

static void legacy_find(struct function *f, EFI_PCI_IO_PROTOCOL *pci)
{
	uint32_t bar[2];
	uint64_t base, at;

	if (EFI_ERROR(pci->Pci.Read(pci, EfiPciIoWidthUint32, 0x10, 2, bar)))
		return;
	base = (bar[0] & ~0xfu) | ((bar[0] & 6) == 4 ? (uint64_t)bar[1] << 32 : 0);
	switch (f->class & 0xff) {
	case USB_UHCI: /* Intel's LEGSUP: USBSMIEN */
		f->legacy = 0xc0;
		f->legacy_bit = 1u << 4;
		break;
	case USB_OHCI: /* OHCI 1.0a, 7.1.2: HcControl, InterruptRouting */
		f->legacy = base + 4;
		f->legacy_bit = 1u << 8;
		break;
	case USB_EHCI: /* EHCI 1.0, 2.1.7: the capability's place stands in HCCPARAMS */
		f->legacy = register_read(pci, 8) >> 8 & 0xfc;
		f->legacy_bit = 1u << 16;
		break;
	case USB_XHCI:
		at = xhci_claim(pci);
		f->legacy = at ? base + at : 0;
		f->legacy_bit = 1u << 16;
		break;
	}
}

/* After the exit, when the firmware's own driver has let go. The firmware's tables still map its registers. */
static int feeds_i8042(const struct function *f)
{
	if (f->class >> 8 != CLASS_USB || !f->legacy)
		return 0;
	if (f->legacy < 0x100)
		return (config_read(f, (unsigned)f->legacy) & f->legacy_bit) != 0;
	return (*(volatile uint32_t *)f->legacy & f->legacy_bit) != 0;
}

/* pci: NULL for a firmware without that protocol; such a one makes no keys for the i8042 either. */
static void function_add(unsigned place, const uint32_t head[PCI_HEAD], EFI_PCI_IO_PROTOCOL *pci)
{
	struct function *f = &function[count++];

	*f = (struct function){ .class = head[2] >> 8, .bus = (uint8_t)(place >> 8), .slot = (uint8_t)place };
	if (f->class >> 8 == CLASS_BRIDGE) {
		f->first_behind = (uint8_t)(head[6] >> 8);
		f->last_behind = (uint8_t)(head[6] >> 16);
	} else if (f->class >> 8 == CLASS_USB && pci) {
		legacy_find(f, pci);
	}
}

static void list_new(UINTN n)
{
	function = (struct function *)memory_pages(PAGES((n + 1) * sizeof(*function)), BOOT_FREE, "a list of PCI functions");
}

static void scanned_add(unsigned place, const uint32_t head[PCI_HEAD])
{
	if (count < EXO_PCI_MAX)
		function_add(place, head, NULL);
}

void master_find(int keep)
{
	static EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
	EFI_HANDLE *handle = NULL;
	UINTN n = 0;

	keep_all = keep;
	if (EFI_ERROR(firmware_boot->LocateHandleBuffer(ByProtocol, &guid, NULL, &n, &handle))) {
		list_new(EXO_PCI_MAX);
		log_line("PCI: the firmware has no PciIo protocol; %u functions are found by ports", pci_scan(scanned_add));
		return;
	}
	list_new(n);
	for (UINTN i = 0; i < n && count < EXO_PCI_MAX; i++) {
		EFI_PCI_IO_PROTOCOL *pci;
		UINTN segment, bus, device, number;
		UINT32 head[PCI_HEAD];

		if (EFI_ERROR(firmware_boot->HandleProtocol(handle[i], &guid, (void **)&pci)) ||
		    EFI_ERROR(pci->GetLocation(pci, &segment, &bus, &device, &number)) ||
		    EFI_ERROR(pci->Pci.Read(pci, EfiPciIoWidthUint32, 0, PCI_HEAD, head)))
			continue;
		if (segment)
			left_out++; /* the two ports reach segment 0 only */
		else
			function_add((unsigned)(bus << 8 | device << 3 | number), head, pci);
	}
	(void)firmware_boot->FreePool(handle);
}

unsigned master_count(void) { return count; }
unsigned master_place(unsigned i) { return function[i].bus << 8 | function[i].slot; }

static void keep(struct function *f, const char *why)
{
	f->is_kept = 1;
	log_line("PCI: %02x:%02x.%x keeps mastering the bus: %s", f->bus, f->slot >> 3, f->slot & 7, why);
}

void master_stop(void)
{
	unsigned stopped = 0;

	if (keep_all) {
		log_line("PCI: who masters the bus goes on, as the configuration wants (busmaster = keep)");
		return;
	}
	for (struct function *f = function; f < function + count; f++) {
		if (!(config_read(f, REG_COMMAND) & COMMAND_MASTER))
			continue;
		if (f->class >> 16 == CLASS_DISPLAY)
			keep(f, "a display");
		else if (feeds_i8042(f))
			keep(f, "the firmware makes keys out of it");
		else if (f->class >> 8 == CLASS_HOST_BRIDGE)
			f->is_kept = 1; /* the CPU's own way; its bit is wired */
	}
	/* A bridge without the bit stops all that is behind it, so those above one that is kept stay. */
	for (struct function *f = function; f < function + count; f++)
		for (struct function *b = function; f->is_kept && b < function + count; b++)
			if (b->class >> 8 == CLASS_BRIDGE && !b->is_kept && f->bus >= b->first_behind && f->bus <= b->last_behind)
				keep(b, "a bridge above such a device");
	/* Bridges last are as good as first: what is behind them is silent either way. */
	for (struct function *f = function; f < function + count; f++) {
		uint32_t command = config_read(f, REG_COMMAND);

		if (f->is_kept || !(command & COMMAND_MASTER))
			continue;
		/* Zeros leave the status half as it is. */
		pci_config_write(f->bus << 8 | f->slot, REG_COMMAND, command & 0xffff & ~COMMAND_MASTER);
		if (config_read(f, REG_COMMAND) & COMMAND_MASTER)
			keep(f, "its bit cannot be cleared");
		else
			stopped++;
	}
	log_line("PCI: %u of %u functions have been stopped from mastering the bus", stopped, count);
	if (left_out)
		log_line("PCI: %u functions of other segments are out of reach, and left as they are", left_out);
}
