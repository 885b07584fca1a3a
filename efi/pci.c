/* SPDX-License-Identifier: MIT */
/* PCI devices as the firmware found them, or as the ports show them: a line each, for people. */
#include "loader.h"
#include <efipciio.h>

#define DEVICES_MAX 256

/* PCI Code and ID Assignment 1.11: class and subclass of what a PC has. */
static const struct { uint16_t class; char name[24]; } names[] = {
	{ 0x0101, "IDE" }, { 0x0104, "RAID" }, { 0x0106, "SATA" }, { 0x0107, "SAS" }, { 0x0108, "NVMe" }, { 0x0200, "Ethernet" }, { 0x0280, "network" },
	{ 0x0300, "VGA" }, { 0x0302, "3D controller" }, { 0x0380, "display" }, { 0x0401, "audio" }, { 0x0403, "HD audio" }, { 0x0500, "memory" },
	{ 0x0600, "host bridge" }, { 0x0601, "ISA bridge" }, { 0x0604, "PCI bridge" }, { 0x0680, "bridge" }, { 0x0700, "serial" }, { 0x0703, "modem" },
	{ 0x0780, "communication" }, { 0x0801, "DMA" }, { 0x0805, "SD host" }, { 0x0806, "IOMMU" }, { 0x0c03, "USB" }, { 0x0c05, "SMBus" },
	{ 0x0d11, "Bluetooth" }, { 0x1080, "crypto" },
};

static const char *class_name(uint32_t class)
{
	if (class >> 8 == 0x0c03)
		return (class & 0xff) == 0x30 ? "USB, xHCI" : (class & 0xff) == 0x20 ? "USB, EHCI" : "USB";
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].class == class >> 8)
			return names[i].name;
	return "other";
}

static void report_function(unsigned long bus, unsigned place, const uint32_t *head)
{
	report("  %02lx:%02x.%x  %04x:%04x  %06x %s\n", bus, place >> 3 & 31, place & 7, head[0] & 0xffff, head[0] >> 16, head[2] >> 8,
		class_name(head[2] >> 8));
}

static void report_scanned(unsigned place, const uint32_t head[PCI_HEAD])
{
	report_function(place >> 8, place, head);
}

void report_pci(void)
{
	static EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
	EFI_HANDLE *handle = NULL;
	UINTN count = 0;
	EFI_STATUS status = firmware_boot->LocateHandleBuffer(ByProtocol, &guid, NULL, &count, &handle);

	if (EFI_ERROR(status)) {
		if (!pci_scan(report_scanned))
			report("  no devices\n");
		return;
	}
	for (UINTN i = 0; i < count && i < DEVICES_MAX; i++) {
		EFI_PCI_IO_PROTOCOL *pci;
		UINTN segment, bus, device, function;
		UINT32 head[3];

		if (EFI_ERROR(firmware_boot->HandleProtocol(handle[i], &guid, (void **)&pci)) ||
		    EFI_ERROR(pci->GetLocation(pci, &segment, &bus, &device, &function)) ||
		    EFI_ERROR(pci->Pci.Read(pci, EfiPciIoWidthUint32, 0, 3, head)))
			continue;
		report_function(segment << 8 | bus, (unsigned)(device << 3 | function), head);
	}
	(void)firmware_boot->FreePool(handle);
}
