/* SPDX-License-Identifier: MIT */
/* /proc/PID/maps: the caller's regions as text. */
#include <posix/library.h>
#include <base/fmt.h>
#include "proc.h"

/* Of one line without its path: two addresses and an offset of 16 digits, rights, device, a number of 20. */
#define LINE_MAX_BARE 96

static char *put_hex(char *to, uint64_t value, unsigned least)
{
	unsigned digits = value ? (67u - (unsigned)__builtin_clzl(value)) / 4 : 1;

	if (digits < least)
		digits = least;
	for (unsigned shift = digits * 4; shift;)
		*to++ = "0123456789abcdef"[value >> (shift -= 4) & 15];
	return to;
}

/* What is before the path, without a NUL; not by fmt, since a process may have 65,530 of them. Where it ends. */
static char *put_bare(char *to, const struct region *r, struct inode *file)
{
	to = put_hex(to, r->start, 8);
	*to++ = '-';
	to = put_hex(to, r->end, 8);
	*to++ = ' ';
	*to++ = r->prot & PROT_READ ? 'r' : '-';
	*to++ = r->prot & PROT_WRITE ? 'w' : '-';
	*to++ = r->prot & PROT_EXEC ? 'x' : '-';
	*to++ = r->flags & REGION_SHARED ? 's' : 'p';
	*to++ = ' ';
	to = put_hex(to, file ? r->offset * PAGE : 0, 8);
	if (file)
		return to + fmt(to, 40, " 00:01 %-10lu ", inode_number(file));
	memcpy(to, " 00:00 0          ", 18);
	return to + 18;
}

size_t region_line(const struct region *r, char *to, size_t max)
{
	struct inode *file = region_file(r);
	char line[LINE_MAX_BARE], *end = put_bare(line, r, file), path[256];
	size_t n = (size_t)(end - line);

	path[0] = 0;
	if (file && inode_path(file, path, sizeof path) < 0)
		path[0] = 0;
	if (r->inode && !file)
		memcpy(path, "[vdso]", 7);
	if (r->flags & REGION_STACK)
		memcpy(path, "[stack]", 8);
	if (r->flags & REGION_HEAP)
		memcpy(path, "[heap]", 7);
	if (n + 16 + sizeof path >= max) { /* perhaps it does not fit */
		n = (size_t)fmt(to, max, "%.*s%s%s\n", (int)n, line, path[0] ? "               " : "", path);
		return n < max ? n : max;
	}
	memcpy(to, line, n);
	if (path[0])
		n += (size_t)fmt(to + n, max - n, "               %s", path);
	to[n++] = '\n';
	return n;
}

size_t maps_text(char *to, size_t max)
{
	size_t n = 0;

	for (struct region *r = region_first(); r && n < max; r = region_next(r))
		if (!(r->flags & REGION_STASH)) {
			n += region_line(r, to + n, max - n);
			family_progress();
		}
	return n;
}
