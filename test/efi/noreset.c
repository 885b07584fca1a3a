/* SPDX-License-Identifier: MIT */
/* A firmware whose ResetSystem does nothing. */
#include "chain.h"

void before(void)
{
	EFI_PHYSICAL_ADDRESS page;

	if (EFI_ERROR(firmware_boot->AllocatePages(AllocateAnyPages, EfiRuntimeServicesCode, 1, &page)))
		fail("no page");
	*(volatile uint8_t *)page = 0xc3; /* ret */
	firmware_system->RuntimeServices->ResetSystem = (__typeof__(firmware_system->RuntimeServices->ResetSystem))page;
}
