/* SPDX-License-Identifier: MIT */
/* The memory-map cleaner: lays descriptor after descriptor over a sorted map, the usable ones first, so that the unusable win. */
#include "memmap.h"
#include <base/string.h>

enum { PAGE_BITS = 12, PAGE = 1 << PAGE_BITS };
#define PFN_LIMIT (1ul << 40) /* x86-64: 52 bits of physical address */

/* UEFI 2.10, 7.2.3: EFI_MEMORY_DESCRIPTOR, version 1. */
struct descriptor { uint32_t type, spare; uint64_t physical, virtual, pages, attribute; };
_Static_assert(sizeof(struct descriptor) == 40, "EFI_MEMORY_DESCRIPTOR");
_Static_assert(offsetof(struct descriptor, physical) == 8 && offsetof(struct descriptor, pages) == 24, "EFI_MEMORY_DESCRIPTOR");

enum memory_type {
	TYPE_RESERVED, TYPE_LOADER_CODE, TYPE_LOADER_DATA, TYPE_BOOT_CODE, TYPE_BOOT_DATA, TYPE_RUNTIME_CODE, TYPE_RUNTIME_DATA, TYPE_CONVENTIONAL,
	TYPE_UNUSABLE, TYPE_ACPI_RECLAIM, TYPE_ACPI_NVS, TYPE_MMIO, TYPE_MMIO_PORT, TYPE_PAL, TYPE_PERSISTENT, TYPE_KNOWN,
};

#define HOLE UINT32_MAX /* beside enum boot_range_type: not in the map */

static uint32_t type_meaning(uint32_t type)
{
	switch (type) {
	case TYPE_LOADER_CODE: case TYPE_LOADER_DATA: case TYPE_BOOT_CODE: case TYPE_BOOT_DATA: case TYPE_CONVENTIONAL:
		return BOOT_FREE;
	case TYPE_MMIO: case TYPE_MMIO_PORT:
		return HOLE;
	}
	return type < TYPE_KNOWN ? BOOT_RESERVED : HOLE;
}

/* First range that ends at or after pfn: what lies before it does not even touch. */
static size_t range_find(const struct boot_range *map, size_t count, uint64_t pfn)
{
	size_t low = 0, high = count;

	/* Firmware maps are mostly sorted: the end of the map is the usual answer. */
	if (count && map[count - 1].pfn + map[count - 1].count < pfn)
		return count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map[middle].pfn + map[middle].count < pfn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int range_lay(struct boot_range *map, size_t count, size_t max, uint64_t pfn, uint64_t n, uint32_t type)
{
	size_t first = range_find(map, count, pfn), last = first, pieces = 0;
	uint64_t from = pfn, to = pfn + n;
	struct boot_range piece[3];

	while (last < count && map[last].pfn <= to)
		last++;
	if (first < last && map[first].pfn < pfn) {
		if (map[first].type == type)
			from = map[first].pfn;
		else
			piece[pieces++] = (struct boot_range){ map[first].pfn, pfn - map[first].pfn, map[first].type, 0 };
	}
	if (first < last && map[last - 1].pfn + map[last - 1].count > to) {
		uint64_t end = map[last - 1].pfn + map[last - 1].count;

		if (map[last - 1].type == type)
			to = end;
		else
			piece[2] = (struct boot_range){ to, end - to, map[last - 1].type, 0 };
		if (type != HOLE)
			piece[pieces++] = (struct boot_range){ from, to - from, type, 0 };
		if (end != to)
			piece[pieces++] = piece[2];
	} else if (type != HOLE) {
		piece[pieces++] = (struct boot_range){ from, to - from, type, 0 };
	}
	if (count - (last - first) + pieces > max)
		return -2;
	if (last < count && last - first != pieces)
		memmove(map + first + pieces, map + last, (count - last) * sizeof *map);
	memcpy(map + first, piece, pieces * sizeof *map);
	return (int)(count - (last - first) + pieces);
}

/* The frames of a descriptor as [*from, *to): one that starts in mid-page loses that page if usable, else takes all of it. 0 = none. */
static int descriptor_frames(const struct descriptor *d, uint32_t meaning, uint64_t *from, uint64_t *to)
{
	uint64_t odd = d->physical & (PAGE - 1);
	uint64_t pages = d->pages;

	*from = d->physical >> PAGE_BITS;
	if (!pages || *from >= PFN_LIMIT)
		return 0;
	if (odd && meaning == BOOT_FREE)
		++*from, --pages;
	else if (odd && pages < PFN_LIMIT)
		++pages;
	*to = pages < PFN_LIMIT - *from ? *from + pages : PFN_LIMIT;
	return *from < *to;
}

int memmap_clean(const struct memmap_raw *raw, struct boot_range *out, size_t max)
{
	static const uint32_t order[] = { BOOT_FREE, BOOT_RESERVED, HOLE };
	const char *base = raw->descriptors;
	struct descriptor d;
	int count = 0;

	if (raw->stride < sizeof d || raw->stride % 8 || raw->size % raw->stride)
		return -1;
	for (size_t pass = 0; pass < sizeof order / sizeof *order; pass++) {
		for (size_t at = 0; at < raw->size; at += raw->stride) {
			uint64_t from, to;

			memcpy(&d, base + at, sizeof d);
			if (type_meaning(d.type) != order[pass] || !descriptor_frames(&d, order[pass], &from, &to))
				continue;
			count = range_lay(out, (size_t)count, max, from, to - from, order[pass]);
			if (count < 0)
				return count;
		}
	}
	if (count && out[0].pfn == 0)
		count = range_lay(out, (size_t)count, max, 0, 1, BOOT_RESERVED);
	return count;
}

int memmap_mark(struct boot_range *map, size_t count, size_t max, uint64_t pfn, uint64_t n, uint32_t type)
{
	if (type > BOOT_RESERVED || pfn > PFN_LIMIT || n > PFN_LIMIT - pfn)
		return -1;
	return n ? range_lay(map, count, max, pfn, n, type) : (int)count;
}
