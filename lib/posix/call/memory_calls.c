/* SPDX-License-Identifier: MIT */
/* The calls about mappings and the heap: which file, by which right; what is mapped where is vm's. madvise has a
 * file of its own. */
#include <fs/mount.h>
#include <posix/library.h>
#include <vm/swap.h>
#include <asm/mman.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include "calls.h"

/* The flag that goes with it in *flags; *ip stays NULL for /dev/zero, whose mappings are anonymous memory. */
static int file_rights(uint64_t fd, unsigned prot, int shared, struct inode **ip, uint32_t *flags)
{
	int open_flags, e = inode_of_fd((int)fd, ip, &open_flags);

	if (e)
		return e;
	/* What is written there would not reach the file, nor what is written otherwise be seen: as Linux's cache=none. */
	if (shared && *ip && inode_is_copy(*ip) && (open_flags & O_ACCMODE) == O_RDWR) {
		inode_put(*ip);
		return -EINVAL;
	}
	if ((open_flags & O_ACCMODE) == O_WRONLY || (shared && prot & PROT_WRITE && (open_flags & O_ACCMODE) != O_RDWR)) {
		inode_put(*ip);
		return -EACCES;
	}
	if (shared && prot & PROT_WRITE && *ip && !inode_written_by_map(*ip)) {
		inode_put(*ip);
		return -EPERM;
	}
	if (shared && ((open_flags & O_ACCMODE) != O_RDWR || (*ip && !inode_written_by_map(*ip))))
		*flags |= REGION_READ_ONLY;
	return 0;
}

static int is_reservation(uint64_t va, uint64_t size, uint64_t prot, uint64_t flags)
{
	const uint64_t mask = MAP_FIXED | MAP_ANONYMOUS | MAP_TYPE;

	return !prot && (flags & mask) == (MAP_FIXED | MAP_ANONYMOUS | MAP_PRIVATE) && !user_range_ok(va, size) &&
		va + size > va && va + size <= EXO_WINDOW;
}

/* More than there can ever be of memory that is to be written, as Linux guesses by default. */
static int is_hopeless(uint64_t size, uint64_t prot, uint64_t flags)
{
	return size > SAID->frames * PAGE && size > (SAID->frames + (F->swap ? F->swap->size : 0)) * PAGE &&
		prot & PROT_WRITE && !(flags & MAP_NORESERVE) &&
		(flags & (MAP_TYPE | MAP_ANONYMOUS)) != MAP_SHARED;
}

/* What MAP_SHARED_VALIDATE knows: each other flag is refused. */
#define MAP_KNOWN (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | \
	MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | MAP_HUGE_2MB | \
	MAP_HUGE_1GB)

/* Neither this nor what reserves is inlined: mmap of memory keeps no register and ends in a jump. */
static __attribute__((noinline)) long map_from(uint64_t hint, uint64_t size, uint64_t prot, uint64_t flags,
	uint64_t fd, uint64_t offset)
{
	struct map_file file = { .page = offset / PAGE };
	long va = file_rights(fd, prot & 7, (flags & MAP_TYPE) != MAP_PRIVATE, &file.inode, &file.flags);

	if (va)
		return va;
	if ((flags & MAP_TYPE) == MAP_SHARED_VALIDATE && flags & ~(uint64_t)MAP_KNOWN)
		va = -EOPNOTSUPP;
	else if (flags & MAP_GROWSDOWN)
		va = -EINVAL;
	else
		va = map_new(hint, size, prot, flags, &file);
	if (file.inode)
		inode_put(file.inode);
	return va;
}

/* The lowest room in the second GiB, as Linux has it, where the hint is not taken. */
static uint64_t place_low(uint64_t hint, uint64_t size)
{
	hint = PAGE_DOWN(hint);
	if (hint >= EXO_NULL_GUARD && hint + size > hint && hint + size <= 2 * EXO_HOME_SIZE &&
		region_free_space(hint, hint + size))
		return hint;
	return region_place_low(EXO_HOME_SIZE, 2 * EXO_HOME_SIZE, size);
}

syscall_function sys_mmap;

/* With flags that are seldom: pages of 2 MiB, as where none are set aside; addresses of 31 bits. */
static __attribute__((noinline)) long map_seldom(uint64_t hint, uint64_t size, uint64_t prot, uint64_t flags,
	uint64_t fd, uint64_t offset)
{
	if (flags & MAP_HUGETLB)
		return flags & MAP_ANONYMOUS ? -ENOMEM : -EINVAL;
	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && !(hint = place_low(hint, PAGE_UP(size))))
		return -ENOMEM;
	return sys_mmap(hint, size, prot, flags & ~(uint64_t)MAP_32BIT, fd, offset);
}

/* What is wrong anyway: a descriptor is looked at before all but the offset. */
static __attribute__((noinline, cold)) long map_wrong(uint64_t flags, uint64_t fd, uint64_t offset)
{
	struct inode *ip = NULL;
	int open_flags, e = offset % PAGE || flags & MAP_ANONYMOUS ? 0 : inode_of_fd((int)fd, &ip, &open_flags);

	if (ip)
		inode_put(ip);
	return e == -EBADF ? e : -EINVAL;
}

CALL6(mmap, hint, size, prot, flags, fd, offset)
{
	unsigned type = flags & MAP_TYPE;

	if (!size || offset % PAGE || (type != MAP_SHARED && type != MAP_PRIVATE &&
		(type != MAP_SHARED_VALIDATE || flags & MAP_ANONYMOUS)))
		return map_wrong(flags, fd, offset);
	if (flags & (MAP_HUGETLB | MAP_32BIT))
		return map_seldom(hint, size, prot, flags, fd, offset);
	size = PAGE_UP(size);
	if (!size || size > EXO_WINDOW || limit_reached(size) || is_hopeless(size, prot, flags))
		return -ENOMEM;
	if (is_reservation(hint, size, prot, flags))
		return map_reserve(hint, hint + size);
	if (!(flags & MAP_ANONYMOUS))
		return map_from(hint, size, prot, flags, fd, offset);
	return map_new(hint, size, prot, flags, 0);
}

CALL2(munmap, start, size)
{
	uint64_t end = start + PAGE_UP(size);

	if (start % PAGE || !size || end <= start)
		return -EINVAL;
	if (start < EXO_NULL_GUARD) /* where nothing ever is */
		start = EXO_NULL_GUARD;
	if (end <= start)
		return 0;
	if (!user_range_ok(start, end - start))
		return -EINVAL;
	return region_free_space(start, end) ? 0 : map_remove(start, end);
}

/* Another part of the same file, in as many mappings as it takes: remap_file_pages(2). */
CALL5(remap_file_pages, at, bytes, prot, page, flags)
{
	uint64_t start = PAGE_DOWN(at), size = PAGE_DOWN(bytes);
	const struct region *r = region_find(start), *last = r;
	struct map_file file;
	unsigned access;
	long e;

	if (prot || start + size <= start || page + size / PAGE < page || !r || !r->inode || !(r->flags & REGION_SHARED))
		return -EINVAL;
	file = (struct map_file){ r->inode, page, r->flags & REGION_READ_ONLY };
	access = r->prot;
	while (start + size > last->end) {
		const struct region *next = region_find(last->end);

		if (!next || next->inode != r->inode || next->flags != r->flags || next->prot != r->prot)
			return -EINVAL;
		last = next;
	}
	inode_get(file.inode);
	e = map_new(start, size, access, MAP_SHARED | MAP_FIXED | MAP_POPULATE | (flags & MAP_NONBLOCK), &file);
	inode_put(file.inode);
	return e < 0 ? e : 0;
}

CALL3(mprotect, start, size, prot) { return map_protect(start, size, prot); }
CALL5(mremap, old, old_size, new_size, flags, new) { return map_move(old, old_size, new_size, flags, new); }
CALL1(brk, wanted) { return heap_set(wanted); }

/* ---- mlock and its kin, and pages made before they are touched. Locking makes them be there, and neither swap nor
 * advice takes them away. */

static long lock_set(uint64_t start, uint64_t size, int locks)
{
	uint64_t end = PAGE_UP(start + size);
	struct region *r;

	start = PAGE_DOWN(start);
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	if (!is_mapped(start, end - start))
		return -ENOMEM;
	r = region_cut(start, end);
	if (!r)
		return -ENOMEM;
	for (; r && r->start < end; r = region_next(r))
		r->flags = locks ? r->flags | REGION_LOCKED : r->flags & ~REGION_LOCKED;
	regions_join(start, end);
	SPACE->has_fork_advice |= locks;
	return 0;
}

static long lock_and_populate_all(uint64_t start, uint64_t size)
{
	long e = lock_set(start, size, 1);

	if (e)
		return e;
	e = populate_all(PAGE_DOWN(start), PAGE_UP(start + size));
	return e == -EFAULT ? -ENOMEM : e;
}

CALL2(mlock, start, size) { return lock_and_populate_all(start, size); }
CALL2(munlock, start, size) { return lock_set(start, size, 0); }

CALL3(mlock2, start, size, flags)
{
	if (flags & ~(uint64_t)MLOCK_ONFAULT)
		return -EINVAL;
	return flags & MLOCK_ONFAULT ? lock_set(start, size, 1) : lock_and_populate_all(start, size);
}

static void all_set(uint32_t set, uint32_t clear)
{
	for (struct region *r = region_first(); r; r = region_next(r))
		r->flags = (r->flags | set) & ~clear;
}

CALL1(mlockall, flags)
{
	if (flags & ~(uint64_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || !(flags & (MCL_CURRENT | MCL_FUTURE)))
		return -EINVAL;
	SPACE->lock_future = flags & MCL_FUTURE ? (uint8_t)flags : 0;
	if (!(flags & MCL_CURRENT))
		return 0;
	all_set(REGION_LOCKED, 0);
	SPACE->has_fork_advice = 1;
	/* As in Linux, what cannot be made now is made at its touch. */
	for (struct region *r = region_first(); r && !(flags & MCL_ONFAULT); r = region_next(r))
		(void)populate_all(r->start, r->end);
	return 0;
}

CALL0(munlockall)
{
	SPACE->lock_future = 0;
	all_set(0, REGION_LOCKED);
	return 0;
}
