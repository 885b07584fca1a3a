/* SPDX-License-Identifier: MIT */
/* A pager that looks ahead: who touches a page of private memory without a file gets the next one with it. */
#include <vm/needs.h>
#include <vm/vm.h>

int page_bring(uint64_t va, unsigned access)
{
	const uint64_t next = PAGE_DOWN(va) + PAGE;
	int e = page_serve(va, access);
	const struct region *r = e ? NULL : region_find(va);

	if (r && !r->inode && !(r->flags & REGION_SHARED) && next < r->end)
		(void)page_serve(next, access);
	return e;
}
