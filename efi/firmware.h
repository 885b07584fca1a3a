/* SPDX-License-Identifier: MIT */
/* The firmware's world as the loader sees it: gnu-efi's types with typed Microsoft-ABI function pointers, and the three table pointers. */
#ifndef EFI_FIRMWARE_H
#define EFI_FIRMWARE_H
/* Set before <efi.h>: then every protocol function is called directly and type-checked, while crt0 goes on calling efi_main in the SysV ABI. */
#define EFIAPI __attribute__((ms_abi))
#include <efi.h>

extern EFI_HANDLE firmware_image;
extern EFI_SYSTEM_TABLE *firmware_system;
extern EFI_BOOT_SERVICES *firmware_boot; /* NULL after ExitBootServices */
#endif
