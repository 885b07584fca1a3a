/* SPDX-License-Identifier: MIT */
/* Secure Boot goes on where the firmware's check ends: it has checked BOOTX64.EFI, which carries the hashes of the root image
 * and, when `make sign` put it there, of the configuration. */
#include <base/sha256.h>
#include <base/string.h>
#include "loader.h"

/* Written after linking, by efi/sealroot; volatile, since the compiler sees zeros. */
static const volatile struct { uint8_t root[SHA256_SIZE], config[SHA256_SIZE]; } sums __attribute__((section(".rootsum"), used)) = { 0 };

int secure_boot(void)
{
	static EFI_GUID guid = EFI_GLOBAL_VARIABLE;
	static CHAR16 name[] = L"SecureBoot";
	uint8_t on = 0;
	UINTN size = sizeof(on);
	EFI_STATUS status = firmware_system->RuntimeServices->GetVariable(name, &guid, NULL, &size, &on);

	return !EFI_ERROR(status) && size == sizeof(on) && on == 1;
}

/* The sum in BOOTX64.EFI is that of these bytes; of none when it holds no sum at all, which *any tells. */
static int sum_is(const volatile uint8_t *sum, const void *bytes, uint64_t size, uint8_t *any)
{
	uint8_t digest[SHA256_SIZE], want[SHA256_SIZE];

	*any = 0;
	for (size_t i = 0; i < SHA256_SIZE; i++)
		*any |= want[i] = sum[i];
	if (!*any)
		return 0;
	sha256(digest, bytes, size);
	return !memcmp(digest, want, SHA256_SIZE);
}

int config_is_sealed(const void *text, uint64_t size)
{
	uint8_t any;

	return sum_is(sums.config, text, size, &any);
}

void root_verify(const void *image, uint64_t size, int asked)
{
	int enforced = secure_boot(), good;
	uint8_t any;

	log_line("Secure Boot: %s", enforced ? "on" : "off");
	if (!enforced && !asked)
		return;
	good = sum_is(sums.root, image, size, &any);
	if (!any)
		stop(0, "\\aril\\root.img: BOOTX64.EFI carries no hash to verify it by; build it again (make sign)");
	if (!good)
		stop(0, "\\aril\\root.img: not the root image that BOOTX64.EFI was %s; copy both again, or sign anew (make sign)",
			enforced ? "signed with" : "built with");
	log_line("\\aril\\root.img: SHA-256 is the one in BOOTX64.EFI");
}
