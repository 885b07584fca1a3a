/* SPDX-License-Identifier: MIT */
/* A firmware that replaces ResetSystem at the exit, and leaves one there that faults; whose screen has its pixels above 4 GiB, in RAM that it keeps; and
 * whose list of variables has no end. */
#include "chain.h"

#define HIGH 0x100000000ul

static EFI_EXIT_BOOT_SERVICES real_exit;
static EFI_GET_NEXT_VARIABLE_NAME real_next;

static EFI_STATUS EFIAPI next_or_first(UINTN *size, CHAR16 *name, EFI_GUID *guid)
{
	UINTN room = *size;
	EFI_STATUS status = real_next(size, name, guid);

	if (status != EFI_NOT_FOUND)
		return status;
	*size = room;
	name[0] = 0;
	return real_next(size, name, guid);
}

static void reset_set(uint64_t at)
{
	firmware_system->RuntimeServices->ResetSystem = (__typeof__(firmware_system->RuntimeServices->ResetSystem))at;
}

static EFI_STATUS EFIAPI exit_and_replace(EFI_HANDLE image, UINTN key)
{
	EFI_STATUS status = real_exit(image, key);

	/* Nothing is there after the exit: no runtime region. */
	if (!EFI_ERROR(status))
		reset_set(0x1234);
	return status;
}

static EFI_PHYSICAL_ADDRESS page_new(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN pages, EFI_PHYSICAL_ADDRESS at)
{
	if (EFI_ERROR(firmware_boot->AllocatePages(how, type, pages, &at)))
		fail("no pages");
	return at;
}

static void screen_move(void)
{
	static EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
	EFI_PHYSICAL_ADDRESS to;

	if (EFI_ERROR(firmware_boot->HandleProtocol(firmware_system->ConsoleOutHandle, &guid, (void **)&gop)))
		fail("no screen");
	/* The end of RAM above 4 GiB is free; from its first page on somebody else may be. */
	to = page_new(AllocateAddress, EfiReservedMemoryType, (gop->Mode->FrameBufferSize + 4095) / 4096, HIGH + (256ul << 20));
	gop->Mode->FrameBufferBase = to;
}

void before(void)
{
	EFI_PHYSICAL_ADDRESS page = page_new(AllocateAnyPages, EfiRuntimeServicesCode, 1, 0);

	*(volatile uint8_t *)page = 0xc3; /* ret: what a pointer taken before the exit leads to */
	reset_set(page);
	real_next = firmware_system->RuntimeServices->GetNextVariableName;
	firmware_system->RuntimeServices->GetNextVariableName = next_or_first;
	real_exit = firmware_boot->ExitBootServices;
	firmware_boot->ExitBootServices = exit_and_replace;
	screen_move();
}
