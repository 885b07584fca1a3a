/* SPDX-License-Identifier: MIT */
/* Start of each EFI app of the tests: does to the firmware what the app is about, then starts the real loader from the same volume. */
#include "chain.h"

EFI_HANDLE firmware_image;
EFI_SYSTEM_TABLE *firmware_system;
EFI_BOOT_SERVICES *firmware_boot;

#define LOADER L"\\EFI\\aril\\aril.efi"

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

void say(const char *text)
{
	for (; *text; text++) {
		uint8_t status;
		do
			__asm__ volatile("inb %1, %0" : "=a"(status) : "Nd"((uint16_t)(0x3f8 + 5)));
		while (!(status & 0x20));
		__asm__ volatile("outb %0, %1" : : "a"(*text), "Nd"((uint16_t)0x3f8));
	}
}

_Noreturn void fail(const char *text)
{
	say("\nchain: failed: ");
	say(text);
	say("\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* The device's path with a file path behind it. */
static EFI_DEVICE_PATH *path_make(EFI_HANDLE device)
{
	static EFI_GUID guid = DEVICE_PATH_PROTOCOL;
	static _Alignas(8) uint8_t path[1024];
	static const CHAR16 loader[] = LOADER;
	EFI_DEVICE_PATH *from, *node;
	size_t n = 0;

	if (EFI_ERROR(firmware_boot->HandleProtocol(device, &guid, (void **)&from)))
		fail("no device path");
	for (node = from; !IsDevicePathEnd(node); node = NextDevicePathNode(node))
		for (size_t i = 0; i < (size_t)DevicePathNodeLength(node); i++) {
			if (n == sizeof(path) - sizeof(loader) - 16)
				fail("the device path is too long");
			path[n++] = ((const uint8_t *)node)[i];
		}
	node = (EFI_DEVICE_PATH *)(path + n);
	node->Type = MEDIA_DEVICE_PATH;
	node->SubType = MEDIA_FILEPATH_DP;
	SetDevicePathNodeLength(node, sizeof(*node) + sizeof(loader));
	for (size_t i = 0; i < sizeof(loader); i++)
		((uint8_t *)(node + 1))[i] = ((const uint8_t *)loader)[i];
	node = NextDevicePathNode(node);
	SetDevicePathEndNode(node);
	return (EFI_DEVICE_PATH *)path;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
	static EFI_GUID guid = LOADED_IMAGE_PROTOCOL;
	EFI_LOADED_IMAGE *own;
	EFI_HANDLE next;

	firmware_image = image;
	firmware_system = system;
	firmware_boot = system->BootServices;
	if (EFI_ERROR(firmware_boot->HandleProtocol(image, &guid, (void **)&own)))
		fail("no LoadedImage");
	before();
	if (EFI_ERROR(firmware_boot->LoadImage(FALSE, image, path_make(own->DeviceHandle), NULL, 0, &next)))
		fail("the loader cannot be loaded");
	(void)firmware_boot->StartImage(next, NULL, NULL);
	fail("the loader came back");
}
