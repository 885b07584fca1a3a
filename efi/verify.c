/* SPDX-License-Identifier: MIT */
/* Secure Boot goes on where the firmware's check ends: it has checked BOOTX64.EFI, which carries the hash of the root image. */
#include <base/sha256.h>
#include <base/string.h>
#include "loader.h"

/* Written after linking, by efi/sealroot; volatile, since the compiler sees zeros. */
static const volatile uint8_t root_sum[SHA256_SIZE] __attribute__((section(".rootsum"), used)) = { 0 };

int secure_boot(void)
{
	static EFI_GUID guid = EFI_GLOBAL_VARIABLE;
	static CHAR16 name[] = L"SecureBoot";
	uint8_t on = 0;
	UINTN size = sizeof(on);
	EFI_STATUS status = firmware_system->RuntimeServices->GetVariable(name, &guid, NULL, &size, &on);

	return !EFI_ERROR(status) && size == sizeof(on) && on == 1;
}

void root_verify(const void *image, uint64_t size, int asked)
{
	uint8_t digest[SHA256_SIZE], want[SHA256_SIZE], any = 0;
	int enforced = secure_boot();

	log_line("Secure Boot: %s", enforced ? "on" : "off");
	if (!enforced && !asked)
		return;
	for (size_t i = 0; i < SHA256_SIZE; i++)
		any |= want[i] = root_sum[i];
	if (!any)
		stop(0, "\\aril\\root.img: BOOTX64.EFI carries no hash to verify it by; build it again (make sign)");
	sha256(digest, image, size);
	if (memcmp(digest, want, SHA256_SIZE))
		stop(0, "\\aril\\root.img: not the root image that BOOTX64.EFI was %s; copy both again, or sign anew (make sign)",
			enforced ? "signed with" : "built with");
	log_line("\\aril\\root.img: SHA-256 is the one in BOOTX64.EFI");
}
