/* SPDX-License-Identifier: MIT */
/* What each EFI app of the tests shares. */
#ifndef TEST_EFI_CHAIN_H
#define TEST_EFI_CHAIN_H
#include <stddef.h>
#include <stdint.h>
#include "../../efi/firmware.h"

/* What the app is about; called before the loader is loaded. */
void before(void);
/* To COM1, whatever the firmware thinks of it. */
void say(const char *text);
_Noreturn void fail(const char *text);
#endif
