/* SPDX-License-Identifier: MIT */
/* aril.conf as pid 1 reads it. Keys that belong to the loader or to other apps are skipped. */
#include <base/conf.h>
#include <base/string.h>
#include "init.h"

static char *text_take(struct init_config *c, const struct conf_line *line)
{
	char *to = c->text + c->text_used;
	size_t n = conf_unescape(to, INIT_TEXT - c->text_used, line->value, line->value_size);

	if (n == (size_t)-1)
		return NULL;
	c->text_used += n + 1;
	return to;
}

static int number_read(const struct conf_line *line, int low, int high, int otherwise)
{
	long value = 0;

	for (size_t i = 0; i < line->value_size; i++) {
		if (line->value[i] < '0' || line->value[i] > '9' || value > high)
			return otherwise;
		value = value * 10 + (line->value[i] - '0');
	}
	return value < low || value > high ? otherwise : (int)value;
}

static int value_is(const struct conf_line *line, const char *word)
{ return line->value_size == strlen(word) && !memcmp(line->value, word, line->value_size); }

static void line_apply(struct init_config *c, const struct conf_line *line)
{
	char *text;

	if (conf_is(line, "channel"))
		c->has_channel = value_is(line, "com2");
	else if (conf_is(line, "mode"))
		c->mode = value_is(line, "pipe") ? INIT_PIPE : value_is(line, "script") ? INIT_SCRIPT : INIT_TTY;
	else if (conf_is(line, "strace"))
		c->strace = value_is(line, "1");
	else if (conf_is(line, "nonce") && line->value_size == 16)
		memcpy(c->nonce, line->value, 16);
	else if (conf_is(line, "console")) {
		c->has_screen = !value_is(line, "serial");
		c->has_serial = !value_is(line, "screen");
	} else if (conf_is(line, "keyboard"))
		c->layout = value_is(line, "de") ? KEYBOARD_DE : KEYBOARD_US;
	else if (conf_is(line, "exit-port"))
		c->exit_port = number_read(line, 1, 0xffff, 0);
	else if (conf_is(line, "trace"))
		c->trace = value_is(line, "1");
	else if (conf_is(line, "rows"))
		c->rows = number_read(line, 1, 1000, c->rows);
	else if (conf_is(line, "columns"))
		c->columns = number_read(line, 1, 1000, c->columns);
	else if (conf_is(line, "term"))
		(void)conf_unescape(c->term, sizeof c->term, line->value, line->value_size);
	else if (conf_is(line, "arg")) {
		if (c->arg_count == INIT_ARGS || !(text = text_take(c, line)))
			posix_log("init: aril.conf line %u: too many arguments, or a broken one", line->line);
		else
			c->arg[c->arg_count++] = text;
	} else if (conf_is(line, "get")) {
		if (c->get_count == INIT_GETS || !(text = text_take(c, line)))
			posix_log("init: aril.conf line %u: too many files to get, or a broken name", line->line);
		else
			c->get[c->get_count++] = text;
	}
}

void init_config_read(struct init_config *c, const char *text, size_t size)
{
	const char *cursor = text, *end = text + strnlen(text, size);
	struct conf_line line = { 0 };
	int got;

	c->mode = INIT_TTY;
	c->has_serial = c->has_screen = 1;
	memset(c->nonce, '0', 16);
	while ((got = conf_next(&cursor, end, &line)) != 0) {
		if (got < 0)
			posix_log("init: aril.conf line %u is not `key = value`", line.line);
		else if (conf_is_known(&line))
			line_apply(c, &line);
		else
			posix_log("init: aril.conf line %u: nobody reads the key `%.*s`", line.line, line.key_size < 40 ? (int)line.key_size : 40, line.key);
	}
	if (!c->has_channel)
		c->mode = INIT_CONSOLE;
}
