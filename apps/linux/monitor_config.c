/* SPDX-License-Identifier: MIT */
/* aril.conf as the monitor reads it. Keys that belong to the loader or to other apps are skipped. */
#include <stdarg.h>
#include <base/conf.h>
#include <base/fmt.h>
#include <base/string.h>
#include "monitor.h"

/* For the log now, and for the screen once there is one. */
__attribute__((format(printf, 2, 3))) static void complain(struct init_config *c, const char *format, ...)
{
	char text[160];
	size_t used = strlen(c->complaints);
	va_list list;

	va_start(list, format);
	(void)vfmt(text, sizeof text, format, list);
	va_end(list);
	rt_log("init: aril.conf %s", text);
	(void)fmt(c->complaints + used, sizeof c->complaints - used, "init: aril.conf %s\n", text);
}

static char *text_take(struct init_config *c, const struct conf_line *line)
{
	char *to = c->text + c->text_used;
	size_t n = conf_unescape(to, INIT_TEXT - c->text_used, line->value, line->value_size);

	if (n == (size_t)-1)
		return NULL;
	c->text_used += n + 1;
	return to;
}

/* 0, and a complaint, when it is none of these. */
static int number_read(struct init_config *c, const struct conf_line *line, int low, int high)
{
	long value = 0;
	size_t i = 0;

	for (; i < line->value_size && line->value[i] >= '0' && line->value[i] <= '9' && value <= high; i++)
		value = value * 10 + (line->value[i] - '0');
	if (i == line->value_size && value >= low && value <= high)
		return (int)value;
	complain(c, "line %u: `%.*s` must be a number from %d to %d", line->line, (int)line->key_size, line->key, low, high);
	return 0;
}

static int value_is(const struct conf_line *line, const char *word)
{ return conf_is_value(line, word); }

/* Which of the words (behind one another, the last one empty) the value is; the first, and a complaint, when it is none. */
static int choice_read(struct init_config *c, const struct conf_line *line, const char *words)
{
	int n = 0;

	for (const char *word = words; *word; word += strlen(word) + 1, n++)
		if (value_is(line, word))
			return n;
	complain(c, "line %u: `%.*s` cannot be `%.*s`; taken for `%s`", line->line, (int)line->key_size, line->key,
		line->value_size < 40 ? (int)line->value_size : 40, line->value, words);
	return 0;
}

static void line_apply(struct init_config *c, char nonce[17], const struct conf_line *line)
{
	char *text;

	if (conf_is(line, "channel"))
		c->has_channel = value_is(line, "com2");
	else if (conf_is(line, "run"))
		c->by_channel = value_is(line, "channel");
	else if (conf_is(line, "mode"))
		c->mode = value_is(line, "pipe") ? INIT_PIPE : value_is(line, "script") ? INIT_SCRIPT : INIT_TTY;
	else if (conf_is(line, "strace"))
		c->strace = value_is(line, "1");
	else if (conf_is(line, "nonce") && line->value_size == 16)
		memcpy(nonce, line->value, 16);
	else if (conf_is(line, "console")) {
		int which = choice_read(c, line, "both\0screen\0serial\0");
		c->has_screen = which != 2;
		c->has_serial = which != 1;
	} else if (conf_is(line, "keyboard"))
		c->layout = choice_read(c, line, "us\0de\0") ? KEYBOARD_DE : KEYBOARD_US;
	else if (conf_is(line, "font"))
		c->font = number_read(c, line, 1, 3);
	else if (conf_is(line, "end"))
		c->end = (enum init_end)(1 + choice_read(c, line, "off\0again\0wait\0"));
	else if (conf_is(line, "exit-port"))
		c->exit_port = number_read(c, line, 1, 0xffff);
	else if (conf_is(line, "trace"))
		c->trace = value_is(line, "1");
	else if (conf_is(line, "rows"))
		c->rows = number_read(c, line, 1, 1000);
	else if (conf_is(line, "columns"))
		c->columns = number_read(c, line, 1, 1000);
	else if (conf_is(line, "unpack"))
		c->unpack = number_read(c, line, 1, INT32_MAX - 10);
	else if (conf_is(line, "term"))
		(void)conf_unescape(c->term, sizeof c->term, line->value, line->value_size);
	else if (conf_is(line, "arg")) {
		if (c->arg_count == INIT_ARGS || !(text = text_take(c, line)))
			complain(c, "line %u: too many arguments, or a broken one", line->line);
		else
			c->arg[c->arg_count++] = text;
	} else if (conf_is(line, "get")) {
		if (c->get_count == INIT_GETS || !(text = text_take(c, line)))
			complain(c, "line %u: too many files to get, or a broken name", line->line);
		else
			c->get[c->get_count++] = text;
	}
}

void config_more(struct init_config *c, char nonce[17], const char *text, size_t size)
{
	const char *cursor = text, *end = text + strnlen(text, size);
	struct conf_line line = { 0 };
	int got;

	while ((got = conf_next(&cursor, end, &line)) != 0) {
		if (got < 0)
			complain(c, "line %u is not `key = value`", line.line);
		else if (conf_is_known(&line))
			line_apply(c, nonce, &line);
		else
			complain(c, "line %u: nobody reads the key `%.*s`", line.line, line.key_size < 40 ? (int)line.key_size : 40, line.key);
	}
	if (!c->has_channel)
		c->mode = INIT_CONSOLE;
}

void config_read(struct init_config *c, char nonce[17], const char *text, size_t size)
{
	c->mode = INIT_TTY;
	c->has_serial = c->has_screen = 1;
	memset(nonce, '0', 16);
	config_more(c, nonce, text, size);
	/* Who sits before a machine shall not see it go dark; where a host waits for the status, it ends. */
	if (!c->end && !c->has_channel && !c->exit_port)
		c->end = c->arg_count ? INIT_END_WAIT : INIT_END_AGAIN;
}
