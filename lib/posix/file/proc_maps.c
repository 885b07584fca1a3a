/* SPDX-License-Identifier: MIT */
/* /proc/self/maps: the caller's regions as text. */
#include <posix/library.h>
#include <base/fmt.h>

size_t maps_text(char *to, size_t max)
{
	size_t n = 0;

	for (uint32_t i = 0; i < SPACE->region_count && n < max; i++) {
		const struct region *r = SPACE->regions + i;
		struct inode *file = region_file(r);
		char path[256] = "";

		if (r->flags & REGION_STASH)
			continue;
		if (file && inode_path(file, path, sizeof path) < 0)
			path[0] = 0;
		if (r->inode && !file)
			memcpy(path, "[vdso]", 7);
		if (r->flags & REGION_STACK)
			memcpy(path, "[stack]", 8);
		if (r->flags & REGION_HEAP)
			memcpy(path, "[heap]", 7);
		n += (size_t)fmt(to + n, max - n, "%08lx-%08lx %c%c%c%c %08lx 00:00 %-10lu %s%s\n",
			r->start, r->end, r->prot & PROT_READ ? 'r' : '-',
			r->prot & PROT_WRITE ? 'w' : '-', r->prot & PROT_EXEC ? 'x' : '-', r->flags & REGION_SHARED ? 's' : 'p',
			file ? r->offset * PAGE : 0, file ? inode_number(file) : 0, path[0] ? "               " : "", path);
	}
	return n < max ? n : max;
}
