/* SPDX-License-Identifier: MIT */
/* mremap: grows in place where there is room, else copies to another place. */
#include "vm.h"
#include "needs.h"

#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED   2

static int unmap(uint64_t start, uint64_t size)
{
	return size && !region_free_space(start, start + size) ? map_remove(start, start + size) : 0;
}

/* A second place for the region's bytes: copied there; the first one goes. */
static long region_move(const struct region *from, uint64_t old, uint64_t old_size, uint64_t to, uint64_t new_size)
{
	struct region r = *from;
	uint64_t n = old_size < new_size ? old_size : new_size;
	int e;

	r.start = to;
	r.end = to + new_size;
	r.offset += (old - from->start) / PAGE;
	if (r.inode) {
		inode_get(r.inode);
		r.data_end = from->data_end == ~0ul ? ~0ul : from->data_end - old + to;
	}
	if (!(r.prot & PROT_WRITE) || r.flags & REGION_SHARED)
		n = 0; /* the file has the bytes */
	if (n && !(r.prot & PROT_READ))
		return -EFAULT;
	e = region_insert(&r);
	for (uint64_t va = old; !e && (va = present_from(va, old + n)) < old + n; va += PAGE)
		if (user_copy((void *)(to + (va - old)), (const void *)va, PAGE))
			e = -ENOMEM;
	if (e) {
		(void)region_remove(to, to + new_size);
		(void)pages_unmap(to, to + new_size);
		return e;
	}
	e = region_remove(old, old + old_size);
	if (!e)
		e = pages_unmap(old, old + old_size);
	return e ? e : (long)to;
}

long map_move(uint64_t old, uint64_t old_size, uint64_t new_size, uint64_t flags, uint64_t new)
{
	struct region *r = region_find(old);
	long to;

	old_size = PAGE_UP(old_size);
	new_size = PAGE_UP(new_size);
	if (old % PAGE || !new_size || !old_size || flags & ~3ul || (flags & MREMAP_FIXED && !(flags & MREMAP_MAYMOVE)))
		return -EINVAL;
	if (!r || r->end < old + old_size)
		return -EFAULT;
	if (r->flags & REGION_ANON_SHARED)
		return new_size <= old_size ? unmap(old + new_size, old_size - new_size), (long)old : -ENOMEM;
	if (!(flags & MREMAP_FIXED) && new_size <= old_size) {
		if (new_size < old_size)
			unmap(old + new_size, old_size - new_size);
		return (long)old;
	}
	if (new_size > old_size && limit_reached(new_size - old_size))
		return -ENOMEM;
	if (!(flags & MREMAP_FIXED) && r->end == old + old_size && user_range_ok(old,
		new_size) && region_free_space(old + old_size, old + new_size)) {
		SPACE->region_bytes += new_size - old_size;
		r->end = old + new_size;
		space_note(SPACE_CHANGED);
		return (long)old;
	}
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	if (flags & MREMAP_FIXED) {
		if (new % PAGE || !user_range_ok(new, new_size) || (new < old + old_size && old < new + new_size))
			return -EINVAL;
		to = (long)new;
		if (unmap(new, new_size) < 0)
			return -ENOMEM;
		r = region_find(old);
	} else {
		to = (long)region_place(new_size);
	}
	if (!to)
		return -ENOMEM;
	{
		struct region copy = *r;

		to = region_move(&copy, old, old_size, (uint64_t)to, new_size);
	}
	space_note(SPACE_CHANGED);
	return to;
}
