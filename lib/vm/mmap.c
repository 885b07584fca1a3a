/* SPDX-License-Identifier: MIT */
/* Mapping, unmapping, rights, below the calls of that name: each changes the regions first, then the entries of what
 * was there. */
#include <base/string.h>
#include "vm.h"
#include "needs.h"

#define RLIMIT_AS      9
#define MCL_ONFAULT    4
#define NOTED (64 * PAGE) /* fewer pages are not missed in ru_maxrss */

void wx_note(unsigned prot)
{
	if ((prot & (PROT_WRITE | PROT_EXEC)) != (PROT_WRITE | PROT_EXEC) || SPACE->is_wx)
		return;
	SPACE->is_wx = 1;
	space_note(SPACE_IS_WX);
}

int limit_reached(uint64_t more)
{
	uint64_t limit = current_limit(RLIMIT_AS);

	return limit != ~0ul && SPACE->region_bytes + more > limit;
}

long map_anonymous(uint64_t start, uint64_t size, unsigned prot, uint32_t flags)
{
	struct region r = { .start = start, .end = start + size, .prot = prot, .flags = flags, .data_end = ~0ul };

	return region_insert(&r);
}

/* Shared anonymous memory has no object that a child could ask for a page later: all pages are made now. */
static int shared_populate(uint64_t start, uint64_t end)
{
	if (!memory_make((end - start) / PAGE))
		return -ENOMEM;
	for (uint64_t va = start; va < end; va += PAGE) {
		uint64_t pfn;
		int e = path_open(va);

		if (e)
			return e;
		if (frames_claim(&pfn, 1))
			return -ENOMEM;
		if (gate_frame_type(pfn, 1, EXO_DATA, EXO_F_SHARED) < 0 || entries_write(0, va, 1,
			pfn << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX, 0, 0) < 0) {
			frames_release(&pfn, 1);
			return -ENOMEM;
		}
		memset((void *)va, 0, PAGE);
	}
	return 0;
}

/* Where the mapping goes, or -errno. */
static long place(uint64_t hint, uint64_t size, uint64_t flags)
{
	uint64_t va = PAGE_DOWN(hint);

	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (hint % PAGE)
			return -EINVAL;
		if (!user_range_ok(va, size))
			return va < EXO_NULL_GUARD ? -EPERM : -ENOMEM;
		if (flags & MAP_FIXED_NOREPLACE && !region_free_space(va, va + size))
			return -EEXIST;
		return (long)va;
	}
	if (va >= EXO_NULL_GUARD && user_range_ok(va, size) && region_free_space(va, va + size))
		return (long)va;
	va = region_place(size);
	return va ? (long)va : -ENOMEM;
}

/* Puts the region where it says, over whatever is there. Takes over its reference to an inode: 0 or -ENOMEM. */
static inline __attribute__((always_inline)) int map_region(const struct region *r)
{
	int was_free = !SPACE->has_strays && region_free_space(r->start, r->end);
	int e = region_insert(r);

	/* Where nothing was mapped there are no entries. */
	if (!e && !was_free)
		e = pages_unmap(r->start, r->end);
	if (!e && !was_free)
		e = stash_drop(r->start, r->end);
	if (!e && r->flags & REGION_ANON_SHARED) {
		e = shared_populate(r->start, r->end);
		if (!e && r->prot != (PROT_READ | PROT_WRITE))
			e = pages_protect(r->start, r->end, r->prot);
		if (e) {
			(void)region_remove(r->start, r->end);
			(void)pages_unmap(r->start, r->end);
		}
	}
	space_note(SPACE_CHANGED);
	return e;
}

/* Addresses kept free, some of which no program may use: the rest is the program's to reserve. So AddressSanitizer
 * guards the TiB between its shadows. */
__attribute__((noinline)) long map_reserve(uint64_t start, uint64_t end)
{
	uint64_t home = SPACE->home_base, slot = home & -EXO_SLOT_SIZE;
	const uint64_t part[][2] = { { EXO_NULL_GUARD, USER_END }, { USER_HIGH, slot ? slot : EXO_WINDOW },
		{ home, home + SPACE->home_count * EXO_HOME_SIZE }, { slot ? slot + EXO_SLOT_SIZE : EXO_WINDOW, EXO_WINDOW } };
	int e = 0;

	if (start % PAGE)
		return -EINVAL;
	if (start < EXO_NULL_GUARD)
		return -EPERM;
	for (unsigned i = 0; !e && i < sizeof part / sizeof *part; i++) {
		struct region r = { .start = MAX_OF(start, part[i][0]), .end = MIN_OF(end, part[i][1]), .data_end = ~0ul };

		e = r.start < r.end ? map_region(&r) : 0;
	}
	return e ? e : (long)start;
}

/* MAP_NONBLOCK takes MAP_POPULATE back, as since Linux 2.6.23. */
static void mapped_fill(uint64_t start, uint64_t end, uint64_t flags)
{
	int locks = flags & MAP_LOCKED || SPACE->lock_future,
		on_fault = SPACE->lock_future & MCL_ONFAULT && !(flags & MAP_LOCKED);

	if (locks || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		map_populate(start, end, locks, on_fault);
}

long map_new(uint64_t hint, uint64_t size, uint64_t prot, uint64_t flags, const struct map_file *file)
{
	struct region r = { .prot = (uint32_t)prot & 7, .data_end = ~0ul };
	long va = place(hint, size, flags);
	int e;

	if (va < 0)
		return va;
	r.start = (uint64_t)va;
	r.end = r.start + size;
	r.flags = ((flags & MAP_TYPE) != MAP_PRIVATE ? REGION_SHARED : 0) | (flags & MAP_GROWSDOWN ? REGION_GROWSDOWN : 0);
	if (file && file->inode) {
		inode_get(file->inode);
		r.inode = file->inode;
		r.offset = file->page;
		r.flags |= file->flags;
	} else if (r.flags & REGION_SHARED) {
		r.flags |= REGION_ANON_SHARED | (file ? file->flags : 0);
		r.offset = ++F->shared_count << 32;
	}
	wx_note(r.prot);
	e = map_region(&r);
	if (e)
		return e;
	if (flags & (MAP_POPULATE | MAP_LOCKED) || SPACE->lock_future)
		mapped_fill(r.start, r.end, flags);
	return va;
}

long map_shared(struct inode *ip, uint64_t hint, uint64_t size, unsigned prot, uint64_t flags)
{
	struct region r = { .prot = prot, .flags = REGION_SHARED | (prot & PROT_WRITE ? 0 : REGION_READ_ONLY), .inode = ip,
		.data_end = ~0ul };
	long va = limit_reached(size) ? -ENOMEM : place(hint, size, flags);
	int e;

	if (va < 0)
		return va;
	inode_get(ip);
	r.start = (uint64_t)va;
	r.end = r.start + size;
	e = map_region(&r);
	return e ? e : va;
}

int map_remove(uint64_t start, uint64_t end)
{
	int e;

	if (end - start >= NOTED)
		space_note(SPACE_SHRINKS);
	e = region_remove(start, end);
	if (!e)
		e = pages_unmap(start, end);
	if (!e)
		e = stash_drop(start, end);
	space_note(SPACE_CHANGED);
	return e;
}

static void prot_set(struct region *r, uint64_t end, uint32_t prot)
{
	for (; r; r = r->end < end ? region_next(r) : 0) /* mapped without a gap, up to end */
		r->prot = prot;
}

/* Shared pages need not be kept: their object has them, or (shared anonymous memory) they stay readable. */
static int stash_private(uint64_t start, uint64_t end)
{
	for (uint64_t va = start, stop; va < end; va = stop) {
		const struct region *r = region_find(va);
		uint32_t flags = r->flags;

		stop = r->end < end ? r->end : end;
		if (!(flags & REGION_SHARED) && stash_put(va, stop))
			return -ENOMEM;
		if (flags & REGION_SHARED && !(flags & REGION_ANON_SHARED) && pages_unmap(va, stop))
			return -ENOMEM;
	}
	return 0;
}

long map_protect(uint64_t start, uint64_t size, uint64_t prot)
{
	uint64_t end = start + PAGE_UP(size);
	struct region *r;
	uint32_t changes = 0;

	if (start % PAGE || prot & ~(uint64_t)(7 | PROT_SEM | 0x03000000))
		return -EINVAL;
	if (end == start)
		return 0;
	if (end < start || !user_range_ok(start, end - start))
		return -ENOMEM;
	wx_note((unsigned)prot);
	prot &= 7;
	for (uint64_t va = start; va < end; va = r->end) {
		r = region_find(va);
		if (!r)
			return -ENOMEM;
		if (r->flags & REGION_READ_ONLY && prot & PROT_WRITE)
			return -EACCES;
		changes |= r->prot ^ (uint32_t)prot;
	}
	if (!changes)
		return 0;
	r = region_cut(start, end);
	if (!r)
		return -ENOMEM;
	if (prot && stash_used()) {
		prot_set(r, end, PROT_READ | PROT_WRITE);
		if (stash_take(start, end))
			return -ENOMEM;
		r = region_find(start);
	} else if (!prot) {
		if (stash_private(start, end))
			return -ENOMEM;
		r = region_find(start);
	}
	prot_set(r, end, (uint32_t)prot);
	regions_join(start, end);
	if (end - start >= BLOCK && prot && !(changes & PROT_EXEC))
		return tables_protect(start, end, (unsigned)prot);
	return pages_protect(start, end, (unsigned)prot);
}
