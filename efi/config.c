/* SPDX-License-Identifier: MIT */
/* aril.conf with the load options of the boot entry over it: read, checked, handed on whole. The loader uses the keys below; the others are for the app. */
#include <base/conf.h>
#include <base/string.h>
#include "loader.h"
#include "options.h"

#define CONFIG_MAX  (1ul << 20)
#define OPTIONS_MAX 65536u
#define MEMORY_MIN  (EXO_UL(32) << 20)

/* SIZE as `512M`; 0 = not one. */
static uint64_t size_read(const struct conf_line *line)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < line->value_size && line->value[i] >= '0' && line->value[i] <= '9' && value < (EXO_UL(1) << 40); i++)
		value = value * 10 + (uint64_t)(line->value[i] - '0');
	if (i + 1 == line->value_size && value < (EXO_UL(1) << 34)) {
		static const char units[] = "KMG";
		const char *unit = strchr(units, line->value[i] & ~0x20);

		return unit && *unit ? value << (10 * (unit - units + 1)) : 0;
	}
	return i == line->value_size ? value : 0;
}

/* WIDTHxHEIGHT; 0: not that. */
static int mode_read(const struct conf_line *line, uint32_t *width, uint32_t *height)
{
	uint32_t value[2] = { 0, 0 }, n = 0;

	for (size_t i = 0; i < line->value_size; i++) {
		char c = line->value[i];

		if (c == 'x' && !n && value[0])
			n = 1;
		else if (c >= '0' && c <= '9' && value[n] < 10000)
			value[n] = value[n] * 10 + (uint32_t)(c - '0');
		else
			return 0;
	}
	*width = value[0];
	*height = value[1];
	return n && value[1];
}

/* 1, 0, or -1 for neither of the two words. */
static int choice_read(const struct conf_line *line, const char *one, const char *zero)
{
	return conf_is_value(line, one) ? 1 : conf_is_value(line, zero) ? 0 : -1;
}

static void setting_apply(struct settings *s, const struct conf_line *line)
{
	int choice = 0;

	if (conf_is(line, "app")) {
		size_t n = conf_unescape(s->app, APP_NAME_MAX, line->value, line->value_size);
		if (n == (size_t)-1 || !n || strchr(s->app, '/'))
			stop(0, "%s: line %u: `app` must name a file in /aril of the root image", s->source, line->line);
	} else if (conf_is(line, "memory")) {
		s->memory = size_read(line);
		if (s->memory < MEMORY_MIN)
			stop(0, "%s: line %u: `memory` must be a size of at least %luM, such as 2G", s->source, line->line, (unsigned long)MIB(MEMORY_MIN));
	} else if (conf_is(line, "screen")) {
		if (!mode_read(line, &s->screen_width, &s->screen_height))
			stop(0, "%s: line %u: `screen` must be a width and a height, such as 1920x1080", s->source, line->line);
	} else if (conf_is(line, "log")) {
		s->quiet = choice = choice_read(line, "errors", "all");
		if (choice < 0)
			stop(0, "%s: line %u: `log` must be `all` or `errors`", s->source, line->line);
	} else if (conf_is(line, "panic")) {
		s->panic = conf_is_value(line, "halt") ? BOOT_PANIC_HALT : conf_is_value(line, "reset") ? BOOT_PANIC_RESET : BOOT_PANIC_OFF;
		if (s->panic == BOOT_PANIC_OFF && !conf_is_value(line, "poweroff"))
			stop(0, "%s: line %u: `panic` must be `halt`, `reset` or `poweroff`", s->source, line->line);
	} else if (conf_is(line, "bootlog")) {
		s->bootlog = choice = choice_read(line, "yes", "no");
		if (choice < 0)
			stop(0, "%s: line %u: `bootlog` must be `yes` or `no`", s->source, line->line);
	} else if (conf_is(line, "busmaster")) {
		s->busmaster = choice = choice_read(line, "keep", "stop");
		if (choice < 0)
			stop(0, "%s: line %u: `busmaster` must be `stop` or `keep`", s->source, line->line);
	} else if (conf_is(line, "verify")) {
		s->verify = choice = choice_read(line, "yes", "no");
		if (choice < 0)
			stop(0, "%s: line %u: `verify` must be `yes` or `no`", s->source, line->line);
	}
}

/* harmless: settings that could change what runs are named, and not taken. */
static void text_check(struct settings *s, const char *text, size_t size, int harmless)
{
	struct conf_line line = { 0 };
	const char *cursor = text, *end = text + size;
	int more;

	if (strnlen(text, size) != size)
		stop(0, "%s: holds a zero byte; it must be text, lines of `key = value`", s->source);
	while ((more = conf_next(&cursor, end, &line)) > 0) {
		if (!harmless || conf_is_harmless(&line))
			setting_apply(s, &line);
		else
			log_line("%s: line %u: `%.*s` is ignored: Secure Boot is on, and nobody has signed it", s->source, line.line, (int)line.key_size, line.key);
	}
	if (more < 0)
		stop(0, "%s: line %u is malformed; write `key = value`", s->source, line.line);
}

/* The boot entry's words as lines; *size is 0 when it has none. */
static const char *options_load(size_t *size)
{
	uint32_t given;
	const void *options = file_load_options(&given);
	char *lines;
	long n;

	*size = 0;
	if (!options || !given)
		return "";
	if (given > OPTIONS_MAX) {
		log_line("load options: %u bytes, the limit is %u; ignored", given, OPTIONS_MAX);
		return "";
	}
	lines = (char *)memory_pages(PAGES(4 * (size_t)given + 4), BOOT_FREE, "the load options");
	n = options_lines(lines, options, given);
	if (n < 0) {
		log_line("load options: %u bytes that are not text; ignored", given);
		return "";
	}
	*size = (size_t)n;
	return lines;
}

/* What is left of a text that nobody has signed. */
static const char *text_harmless(const char *text, size_t *size)
{
	char *to = (char *)memory_pages(PAGES(*size + 1), BOOT_FREE, "the settings that may be taken");

	*size = options_harmless(to, text, *size);
	return to;
}

void config_load(struct boot_info *info, struct settings *s)
{
	int harmless = secure_boot();
	uint64_t phys = 0, size = 0, to;
	size_t options_size;
	const char *options;

	*s = (struct settings){ .app = "linux", .source = "\\aril\\aril.conf" };
	if (file_read(L"aril.conf", BOOT_FREE, CONFIG_MAX, &phys, &size) == EFI_NOT_FOUND)
		log_line("no \\aril\\aril.conf: defaults (app = linux)");
	if (harmless && config_is_sealed((const void *)phys, size)) {
		log_line("\\aril\\aril.conf: SHA-256 is the one in BOOTX64.EFI");
		text_check(s, (const char *)phys, size, 0);
	} else {
		text_check(s, (const char *)phys, size, harmless);
		if (harmless)
			phys = (uint64_t)text_harmless((const char *)phys, &size);
	}
	options = options_load(&options_size);
	if (options_size) {
		s->source = "load options";
		log_line("load options: %lu bytes of settings, they override aril.conf", (unsigned long)options_size);
		text_check(s, options, options_size, harmless);
		if (harmless)
			options = text_harmless(options, &options_size);
	}
	log_quiet(s->quiet);
	info->panic_action = (uint32_t)s->panic;
	if (s->bootlog)
		log_file_wanted();
	if (options_size) {
		uint64_t merged = memory_pages(PAGES(size + options_size + 1), BOOT_FREE, "the configuration");

		size = options_merge((char *)merged, (const char *)phys, size, options, options_size);
		phys = merged;
	}
	to = memory_pages(PAGES(size + 1), BOOT_FIRST, "the configuration");
	memcpy((void *)to, (const void *)phys, size);
	info->config_va = CONFIG_VA;
	info->config_size = size;
	first_segment(info, CONFIG_VA, to, PAGES(size + 1), 0);
}
