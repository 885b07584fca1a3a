/* SPDX-License-Identifier: MIT */
/* /proc/PID/maps: the caller's regions as text. */
#include <posix/library.h>
#include <base/fmt.h>
#include "proc.h"

size_t region_line(const struct region *r, char *to, size_t max)
{
	struct inode *file = region_file(r);
	char path[256] = "";
	size_t n;

	if (file && inode_path(file, path, sizeof path) < 0)
		path[0] = 0;
	if (r->inode && !file)
		memcpy(path, "[vdso]", 7);
	if (r->flags & REGION_STACK)
		memcpy(path, "[stack]", 8);
	if (r->flags & REGION_HEAP)
		memcpy(path, "[heap]", 7);
	n = (size_t)fmt(to, max, "%08lx-%08lx %c%c%c%c %08lx 00:%02x %-10lu %s%s\n",
		r->start, r->end, r->prot & PROT_READ ? 'r' : '-',
		r->prot & PROT_WRITE ? 'w' : '-', r->prot & PROT_EXEC ? 'x' : '-', r->flags & REGION_SHARED ? 's' : 'p',
		file ? r->offset * PAGE : 0, file != 0, file ? inode_number(file) : 0, path[0] ? "               " : "", path);
	return n < max ? n : max;
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
