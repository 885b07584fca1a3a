/* SPDX-License-Identifier: MIT */
/* aril.conf: lines, and values with escapes. */
#include <base/conf.h>
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = (char *)exact_copy(data, size), *value = malloc(size + 1);
	const char *at = text, *end = text + size, *before = at;
	struct conf_line l = { 0 };
	unsigned line = 0;
	int r;

	while ((r = conf_next(&at, end, &l)) != 0) {
		PROMISE(at > before && at <= end && l.line > line);
		before = at;
		line = l.line;
		if (r < 0)
			continue;
		PROMISE(l.key_size && l.key >= text && l.key + l.key_size <= end && l.value >= text && l.value + l.value_size <= end);
		for (size_t max = 0; max <= l.value_size + 1; max += 1 + max / 4) {
			size_t n = conf_unescape(value, max, l.value, l.value_size);
			PROMISE(n == (size_t)-1 || (n < max && !value[n] && n <= l.value_size));
		}
	}
	free(value);
	free(text);
	return 0;
}
