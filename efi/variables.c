/* SPDX-License-Identifier: MIT */
/* The firmware's variables as they are at boot, for ring 3 to read: those that a running system may see. Bounded in
 * number and size, since some firmware goes round in its list of names (UEFI 2.10, 8.2). */
#include <base/efi_var.h>
#include <base/fmt.h>
#include <base/string.h>
#include "loader.h"

#define VARIABLES_MAX 2000u
#define SPACE         (VARS_PAGES * EXO_PAGE_SIZE)
#define NAME_MAX      512u /* characters of the firmware's */
#define AT_RUN_TIME   4u   /* EFI_VARIABLE_RUNTIME_ACCESS */

/* What is gathered, in pages of the firmware's that are given back. */
static uint8_t *space;
static uint32_t used, left_out;

static uint32_t char_put(char *to, CHAR16 c)
{
	if (c < ' ' || c == '/' || c == 0x7f)
		c = '!'; /* as Linux has it; no file has such a name */
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	to[0] = (char)(0xe0 | c >> 12);
	to[1] = (char)(0x80 | (c >> 6 & 0x3f));
	to[2] = (char)(0x80 | (c & 0x3f));
	return 3;
}

/* NAME-GUID: its length, 0 when that is too long. */
static uint32_t name_put(char to[EFI_VAR_NAME], const CHAR16 *name, const EFI_GUID *g)
{
	enum { GUID = 37 };
	char text[GUID + 1];
	uint32_t n = 0;

	for (; *name; name++) {
		if (n + GUID + 3 > EFI_VAR_NAME)
			return 0;
		n += char_put(to + n, *name);
	}
	(void)fmt(text, sizeof(text), "-%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", g->Data1, g->Data2, g->Data3,
		g->Data4[0], g->Data4[1], g->Data4[2], g->Data4[3], g->Data4[4], g->Data4[5], g->Data4[6], g->Data4[7]);
	memcpy(to + n, text, GUID);
	return n + GUID;
}

/* Some firmware's list goes round. */
static int is_there(const struct efi_var *v)
{
	const struct efi_var *old = (const struct efi_var *)space;

	for (; old < v; old = (const struct efi_var *)((const uint8_t *)old + old->size))
		if (old->name_size == v->name_size && !memcmp(old->bytes, v->bytes, v->name_size))
			return 1;
	return 0;
}

/* False when the list has come to one that is there. */
static int variable_add(CHAR16 *name, EFI_GUID *guid)
{
	struct efi_var *v = (struct efi_var *)(space + used);
	uint32_t attributes = 0;
	UINTN size = SPACE - used - sizeof(*v);

	if (SPACE - used < sizeof(*v) + EFI_VAR_NAME + 8) {
		left_out++;
		return 1;
	}
	size -= EFI_VAR_NAME + 8;
	v->name_size = name_put(v->bytes, name, guid);
	if (v->name_size && is_there(v))
		return 0;
	if (!v->name_size || EFI_ERROR(firmware_system->RuntimeServices->GetVariable(name, guid, &attributes, &size,
		v->bytes + v->name_size))) {
		left_out++;
		return 1;
	}
	if (!(attributes & AT_RUN_TIME))
		return 1;
	v->attributes = attributes;
	v->data_size = (uint32_t)size;
	v->size = efi_var_size(v->name_size, v->data_size);
	used += v->size;
	return 1;
}

static unsigned variables_gather(void)
{
	EFI_RUNTIME_SERVICES *run = firmware_system->RuntimeServices;
	CHAR16 name[NAME_MAX];
	EFI_GUID guid;
	unsigned n = 0;

	name[0] = 0;
	memset(&guid, 0, sizeof(guid));
	for (; n < VARIABLES_MAX; n++) {
		UINTN size = sizeof(name);

		if (EFI_ERROR(run->GetNextVariableName(&size, name, &guid)))
			break; /* the last one, or a name that is too long to go on from */
		name[NAME_MAX - 1] = 0;
		if (!variable_add(name, &guid)) {
			log_line("variables: the firmware's list goes round");
			break;
		}
	}
	return n;
}

void variables_read(struct boot_info *info)
{
	EFI_PHYSICAL_ADDRESS at = 0;
	unsigned n;
	uint64_t own;

	if (EFI_ERROR(firmware_boot->AllocatePages(AllocateAnyPages, EfiLoaderData, VARS_PAGES, &at))) {
		log_line("variables: no memory to read them");
		return;
	}
	space = (uint8_t *)at;
	memset(space, 0, SPACE);
	n = variables_gather();
	if (used) {
		own = memory_pages(PAGES(used), BOOT_FIRST, "the firmware's variables");
		memcpy((void *)own, space, used);
		info->vars_va = VARS_VA;
		info->vars_size = used;
		first_segment(info, VARS_VA, own, PAGES(used), 0);
	}
	(void)firmware_boot->FreePages(at, VARS_PAGES);
	log_line("variables: %u, %u bytes for /sys/firmware/efi/efivars%s", n, used,
		left_out ? "; some could not be read" : "");
}
