/* SPDX-License-Identifier: MIT */
/* The configuration format: lines of `key = value`. It says where they stand; what they mean is the caller's. */
#ifndef BASE_CONF_H
#define BASE_CONF_H
#include <stddef.h>

/* key and value point into the text: not NUL-terminated. */
struct conf_line { const char *key, *value; size_t key_size, value_size; unsigned line; };

/* Next setting of the text [*cursor, end): 1 = *out filled, 0 = no more, -1 = a line with no key, no `=` or a control character (out->line tells which).
 * Blank lines, lines that begin with # and blanks (space, tab, CR) around key and value are skipped. The cursor moves on in every case.
 * out->line counts the lines passed so far: give the same *out each time, with line 0 at first. */
int conf_next(const char **cursor, const char *end, struct conf_line *out);

int conf_is(const struct conf_line *l, const char *key);
int conf_is_value(const struct conf_line *l, const char *value);
/* Whether anything of this tree reads that key (conf_keys.def). */
int conf_is_known(const struct conf_line *l);
/* Whether that key cannot change what runs; one that nobody knows may. */
int conf_is_harmless(const struct conf_line *l);

/* Decodes %XX in a value (%00 too) and adds a NUL: length without it, or (size_t)-1: a broken escape, or more than max - 1 bytes. */
size_t conf_unescape(char *to, size_t max, const char *value, size_t size);
#endif
