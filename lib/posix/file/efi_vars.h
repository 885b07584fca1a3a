/* SPDX-License-Identifier: MIT */
/* The firmware's variables as they were at boot, each named by where it stands. Nothing can be written: nobody speaks
 * to the firmware any more. */
#ifndef POSIX_EFI_VARS_H
#define POSIX_EFI_VARS_H
#include <stddef.h>
#include <stdint.h>

/* The variable at place `at`, 0 for the first: its name, not terminated, and *n, its length. NULL: no more. */
const char *efi_var_name(uint64_t at, size_t *n);
uint64_t efi_var_next(uint64_t at);
/* Its file as Linux's efivarfs has it, four bytes of attributes and the data: size; up to n bytes of it. */
uint64_t efi_var_file_size(uint64_t at);
size_t efi_var_read(uint64_t at, void *to, size_t n, uint64_t from);
#endif
