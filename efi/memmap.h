/* SPDX-License-Identifier: MIT */
/* From the firmware's memory map to the kernel's: sorted, disjoint, merged. Pure: no firmware call, no allocation, so it is tested on the host. */
#ifndef EFI_MEMMAP_H
#define EFI_MEMMAP_H
#include <stddef.h>
#include <stdint.h>
#include <exo/boot.h>

/* As GetMemoryMap returned it: size bytes of descriptors, stride bytes each. Later versions only append to a descriptor, so version is not judged. */
struct memmap_raw { const void *descriptors; size_t size, stride; uint32_t version; };

/* Fills out with BOOT_FREE (what is RAM once boot services are gone) and BOOT_RESERVED ranges. Where descriptors overlap, the unusable one wins.
 * MMIO, unaccepted and unknown types are left out, and cut out of what they overlap. Page 0 is never free. Frames from 2^40 up are ignored.
 * Number of ranges; -1: stride or size makes no sense; -2: more than max ranges (2 x descriptors + 2 always suffices). */
int memmap_clean(const struct memmap_raw *raw, struct boot_range *out, size_t max);

/* Makes [pfn, pfn + n) of a cleaned map be of that type (enum boot_range_type), whatever it was before, in no range too.
 * New number of ranges; -1: bad type, or beyond 2^40; -2: more than max ranges (count + 2 always suffices); then the map is as before. */
int memmap_mark(struct boot_range *map, size_t count, size_t max, uint64_t pfn, uint64_t n, uint32_t type);
#endif
