/* SPDX-License-Identifier: MIT */
/* The firmware's variables as the loader hands them on: records one behind the other, each at a multiple of 8. */
#ifndef BASE_EFI_VAR_H
#define BASE_EFI_VAR_H
#include <stdint.h>

/* size: of the whole record. bytes: NAME-GUID as Linux's efivarfs has it, name_size bytes, no NUL; then the data. */
struct efi_var { uint32_t size, attributes, name_size, data_size; char bytes[]; };

#define EFI_VAR_NAME 255u /* at most */

static inline uint32_t efi_var_size(uint32_t name_size, uint32_t data_size)
{
	return ((uint32_t)sizeof(struct efi_var) + name_size + data_size + 7) & ~7u;
}
#endif
