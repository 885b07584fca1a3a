/* SPDX-License-Identifier: MIT */
/* Load options: what comes out are lines that the reader of aril.conf takes, alone and merged into a file. */
#include <base/conf.h>
#include "../../efi/options.h"
#include "fuzz.h"

static int lines_are_good(const char *at, size_t size)
{
	const char *end = at + size;
	struct conf_line l = { 0 };
	int r;

	while ((r = conf_next(&at, end, &l)) > 0)
		;
	return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char file[] = "# a file\napp = linux\nmode=shell\n\nmem = 5\n";
	uint8_t *options = exact_copy(data, size);
	char *lines = malloc(4 * size + 4), *merged;
	long n = options_lines(lines, options, size);

	PROMISE(n >= -1 && n <= (long)(4 * size + 4));
	if (n >= 0) {
		PROMISE(lines_are_good(lines, (size_t)n));
		merged = malloc(sizeof file + (size_t)n + 1);
		PROMISE(lines_are_good(merged, options_merge(merged, file, sizeof file - 1, lines, (size_t)n)));
		free(merged);
	}
	free(lines);
	free(options);
	return 0;
}
