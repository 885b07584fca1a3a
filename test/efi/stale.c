/* SPDX-License-Identifier: MIT */
/* A firmware whose memory map changes under the caller: the key of the first and of the second ExitBootServices is stale. After the first failure only
 * GetMemoryMap and ExitBootServices may be called (UEFI 2.10, 7.4.6): any other service is caught. */
#include "chain.h"

static EFI_BOOT_SERVICES real;
static EFI_TEXT_OUTPUT_STRING real_print;
static int calls;

static EFI_STATUS EFIAPI forbidden(void)
{
	fail("a service that may not be called after a failed ExitBootServices");
}

/* The firmware's own code uses the same tables, so the services are only closed while the loader runs. */
static void services_close(int closed)
{
	EFI_BOOT_SERVICES *table = firmware_system->BootServices;

	for (size_t i = offsetof(EFI_BOOT_SERVICES, RaiseTPL); i < sizeof(*table); i += sizeof(void *)) {
		void **service = (void **)((uint8_t *)table + i);

		if (i != offsetof(EFI_BOOT_SERVICES, GetMemoryMap) && i != offsetof(EFI_BOOT_SERVICES, ExitBootServices))
			*service = closed ? (void *)forbidden : *(void **)((uint8_t *)&real + i);
	}
	firmware_system->ConOut->OutputString = closed ? (EFI_TEXT_OUTPUT_STRING)(void *)forbidden : real_print;
}

static EFI_STATUS EFIAPI stale_exit(EFI_HANDLE image, UINTN key)
{
	EFI_PHYSICAL_ADDRESS page;

	services_close(0);
	if (++calls > 2) {
		say("\nstale: third call\n");
		return real.ExitBootServices(image, key);
	}
	/* The map really changes, and it is the real service that refuses. */
	if (EFI_ERROR(real.AllocatePages(AllocateAnyPages, EfiBootServicesData, 1, &page)))
		fail("no page");
	if (real.ExitBootServices(image, key) != EFI_INVALID_PARAMETER)
		fail("the key was not stale");
	say("\nstale: refused\n");
	services_close(1);
	return EFI_INVALID_PARAMETER;
}

void before(void)
{
	real = *firmware_boot;
	real_print = firmware_system->ConOut->OutputString;
	firmware_boot->ExitBootServices = stale_exit;
}
