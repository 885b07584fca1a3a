/* SPDX-License-Identifier: MIT */
/* aril.conf: read, checked, and handed on whole. The loader itself uses only the key `app`; the others are for the app. */
#include <base/conf.h>
#include <base/string.h>
#include "loader.h"

#define CONFIG_MAX (1ul << 20)

void config_load(struct boot_info *info, char app[APP_NAME_MAX])
{
	uint64_t phys, size;
	struct conf_line line;
	const char *cursor, *end;
	int more;

	memcpy(app, "linux", 6);
	if (file_read(L"aril.conf", BOOT_FIRST, CONFIG_MAX, &phys, &size) == EFI_NOT_FOUND) {
		log_line("no \\aril\\aril.conf: defaults (app = linux)");
		phys = memory_pages(1, BOOT_FIRST, "the configuration");
		size = 0;
	}
	cursor = (const char *)phys;
	end = cursor + size;
	if (strnlen(cursor, size) != size)
		stop(0, "\\aril\\aril.conf: holds a zero byte; it must be text, lines of `key = value`");
	while ((more = conf_next(&cursor, end, &line)) > 0) {
		if (!conf_is(&line, "app"))
			continue;
		size_t n = conf_unescape(app, APP_NAME_MAX, line.value, line.value_size);
		if (n == (size_t)-1 || !n || strchr(app, '/'))
			stop(0, "\\aril\\aril.conf: line %u: `app` must name a file in /aril of the root image", line.line);
	}
	if (more < 0)
		stop(0, "\\aril\\aril.conf: line %u is malformed; write `key = value`", line.line);
	info->config_va = CONFIG_VA;
	info->config_size = size;
	first_segment(info, CONFIG_VA, phys, PAGES(size + 1), 0);
}
