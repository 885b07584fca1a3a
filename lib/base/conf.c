/* SPDX-License-Identifier: MIT */
/* The configuration format: one line a call. */
#include "conf.h"
#include "string.h"

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(const char **from, const char **to)
{
	while (*from < *to && is_blank(**from))
		++*from;
	while (*to > *from && is_blank((*to)[-1]))
		--*to;
}

static int has_control(const char *from, const char *to)
{
	for (; from < to; from++)
		if (((unsigned char)*from < ' ' && *from != '\t') || *from == 0x7f)
			return 1;
	return 0;
}

int conf_next(const char **cursor, const char *end, struct conf_line *out)
{
	while (*cursor < end) {
		const char *from = *cursor, *to = from, *key_end;

		while (to < end && *to != '\n')
			to++;
		*cursor = to < end ? to + 1 : end;
		/* Editors on other systems begin a file with the UTF-8 byte order mark. */
		if (!out->line++ && to - from >= 3 && !memcmp(from, "\xef\xbb\xbf", 3))
			from += 3;
		trim(&from, &to);
		if (from == to || *from == '#')
			continue;
		for (key_end = from; key_end < to && *key_end != '='; key_end++)
			;
		if (key_end == to || has_control(from, to))
			return -1;
		out->value = key_end + 1;
		trim(&from, &key_end);
		trim(&out->value, &to);
		if (from == key_end)
			return -1;
		out->key = from;
		out->key_size = (size_t)(key_end - from);
		out->value_size = (size_t)(to - out->value);
		return 1;
	}
	return 0;
}

int conf_is(const struct conf_line *l, const char *key)
{
	return strlen(key) == l->key_size && !memcmp(key, l->key, l->key_size);
}

int conf_is_value(const struct conf_line *l, const char *value)
{
	return strlen(value) == l->value_size && !memcmp(value, l->value, l->value_size);
}

int conf_is_known(const struct conf_line *l)
{
#define CONF_KEY(name, reader, effect) if (conf_is(l, name)) return 1;
#include "conf_keys.def"
#undef CONF_KEY
	return 0;
}

int conf_is_harmless(const struct conf_line *l)
{
	enum { RUNS, HARMLESS };
#define CONF_KEY(name, reader, effect) if (conf_is(l, name)) return effect;
#include "conf_keys.def"
#undef CONF_KEY
	return RUNS;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t conf_unescape(char *to, size_t max, const char *value, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		char c = value[i];

		if (c == '%') {
			if (size - i < 3 || hex_digit(value[i + 1]) < 0 || hex_digit(value[i + 2]) < 0)
				return (size_t)-1;
			c = (char)(hex_digit(value[i + 1]) << 4 | hex_digit(value[i + 2]));
			i += 2;
		}
		if (n + 1 >= max)
			return (size_t)-1;
		to[n++] = c;
	}
	if (n >= max)
		return (size_t)-1;
	to[n] = 0;
	return n;
}
