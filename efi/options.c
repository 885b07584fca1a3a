/* SPDX-License-Identifier: MIT */
/* Load options to lines of aril.conf. Firmware passes on whatever bytes stand in the boot entry, so nothing is taken for granted. */
#include <stdint.h>
#include <base/conf.h>
#include <base/string.h>
#include "options.h"

/* Character i of the options in units of 1 or 2 bytes. */
static unsigned unit(const uint8_t *p, size_t i, size_t width)
{
	return width == 1 ? p[i] : p[2 * i] | (unsigned)p[2 * i + 1] << 8;
}

/* Characters up to the terminating zero; -1: one that is not printable ASCII. */
static long text_length(const uint8_t *p, size_t size, size_t width)
{
	size_t n = 0;

	for (; n < size / width && unit(p, n, width); n++) {
		unsigned c = unit(p, n, width);
		if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c > '~')
			return -1;
	}
	return (long)n;
}

static int is_blank(unsigned c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

long options_lines(char *to, const void *options, size_t size)
{
	/* efibootmgr without --unicode writes bytes; one character in UTF-16 has a zero behind it. */
	size_t width = size >= 2 && !((const uint8_t *)options)[1] ? 2 : 1, n = 0;
	long length = text_length(options, size, width);

	for (long i = 0; i < length;) {
		size_t begin = n, key = 0;
		int quoted = 0, equals = 0;

		for (; i < length && is_blank(unit(options, (size_t)i, width)); i++)
			;
		for (; i < length; i++) {
			unsigned c = unit(options, (size_t)i, width);

			if (c == '"') {
				quoted = !quoted;
				continue;
			}
			if (is_blank(c) && !quoted)
				break;
			if (c == '=' && !equals) {
				equals = 1;
				key = n - begin;
				memcpy(to + n, " = ", 3);
				n += 3;
				continue;
			}
			to[n++] = c < ' ' ? ' ' : (char)c;
		}
		if (!key || to[begin] == '#' || to[begin] == ' ')
			n = begin;
		else
			to[n++] = '\n';
	}
	return length < 0 ? -1 : (long)n;
}

static int has_key(const char *lines, size_t size, const struct conf_line *wanted)
{
	const char *cursor = lines;
	struct conf_line line = { 0 };

	while (conf_next(&cursor, lines + size, &line) > 0)
		if (line.key_size == wanted->key_size && !memcmp(line.key, wanted->key, line.key_size))
			return 1;
	return 0;
}

static size_t line_put(char *to, const struct conf_line *line)
{
	memcpy(to, line->key, line->key_size);
	to[line->key_size] = '=';
	memcpy(to + line->key_size + 1, line->value, line->value_size);
	to[line->key_size + 1 + line->value_size] = '\n';
	return line->key_size + line->value_size + 2;
}

size_t options_harmless(char *to, const char *text, size_t size)
{
	const char *cursor = text;
	struct conf_line line = { 0 };
	size_t n = 0;

	while (conf_next(&cursor, text + size, &line) > 0)
		if (conf_is_harmless(&line))
			n += line_put(to + n, &line);
	return n;
}

size_t options_merge(char *to, const char *text, size_t size, const char *lines, size_t lines_size)
{
	const char *cursor = text;
	struct conf_line line = { 0 };
	size_t n = 0;

	while (conf_next(&cursor, text + size, &line) > 0) {
		if (!has_key(lines, lines_size, &line))
			n += line_put(to + n, &line);
	}
	memcpy(to + n, lines, lines_size);
	return n + lines_size;
}
