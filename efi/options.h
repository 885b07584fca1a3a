/* SPDX-License-Identifier: MIT */
/* Load options of a boot entry (or a UEFI shell's command line) as lines of aril.conf. Pure: no firmware call, so it is tested on the host. */
#ifndef EFI_OPTIONS_H
#define EFI_OPTIONS_H
#include <stddef.h>

/* Writes one line `key = value` for each word `key=value` of the options (UTF-16 or bytes, whichever they are); double quotes keep blanks together.
 * Words without a key are left out: a shell's first word is the program. `to` holds at least 4 * size + 4 bytes.
 * Length of the lines; -1: not text, as some firmware gives; nothing is written then. */
long options_lines(char *to, const void *options, size_t size);

/* Writes the lines of [text, text + size) whose keys cannot change what runs (conf_is_harmless). `to` holds size + 1 bytes. Length of what was written. */
size_t options_harmless(char *to, const char *text, size_t size);

/* Writes the lines of [text, text + size) whose keys the options' lines do not have, then those lines; comments go. `to` holds both and 1 byte more.
 * The text must be well formed. Length of what was written. */
size_t options_merge(char *to, const char *text, size_t size, const char *lines, size_t lines_size);
#endif
