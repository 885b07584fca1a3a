/* SPDX-License-Identifier: MIT */
/* Reads what the loader wrote of the firmware's variables, read-only to all, in the root image's home. */
#include <base/efi_var.h>
#include <base/string.h>
#include <rt/gate.h>
#include "efi_vars.h"

enum { ATTRIBUTES = 4 };

static const struct efi_var *variable_at(uint64_t at)
{
	return at < rt_info->vars_size ? (const struct efi_var *)(rt_info->vars_va + at) : NULL;
}

const char *efi_var_name(uint64_t at, size_t *n)
{
	const struct efi_var *v = variable_at(at);

	*n = v ? v->name_size : 0;
	return v ? v->bytes : NULL;
}

uint64_t efi_var_next(uint64_t at) { return at + variable_at(at)->size; }
uint64_t efi_var_file_size(uint64_t at) { return ATTRIBUTES + variable_at(at)->data_size; }

size_t efi_var_read(uint64_t at, void *to, size_t n, uint64_t from)
{
	const struct efi_var *v = variable_at(at);
	uint64_t size = efi_var_file_size(at);
	size_t done = 0;

	for (; done < n && from < ATTRIBUTES; from++)
		((uint8_t *)to)[done++] = (uint8_t)(v->attributes >> 8 * from);
	if (from >= size)
		return done;
	n = n - done < size - from ? n - done : size - from;
	memcpy((uint8_t *)to + done, v->bytes + v->name_size + from - ATTRIBUTES, n);
	return done + n;
}
