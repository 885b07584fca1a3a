/* SPDX-License-Identifier: MIT */
/* The kernel that BOOTX64.EFI carries: checked against its CRC32, copied segment by segment to pages of its own. */
#include <base/crc32.h>
#include <base/elf.h>
#include <base/string.h>
#include "loader.h"

extern const uint8_t kernel_elf[], kernel_elf_end[]; /* kernel_image.S */
extern const uint32_t kernel_elf_crc;

/* Flags of a segment as <elf.h> numbers them. */
#define SEGMENT_X 1u
#define SEGMENT_W 2u

void kernel_place(struct kernel_image *kernel)
{
	uint64_t size = kernel_elf_end - kernel_elf, low, pages, phys;
	uint32_t crc = crc32(0, kernel_elf, size);
	struct elf_image elf;
	int entered = 0;

	if (crc != kernel_elf_crc)
		stop(0, "embedded kernel: checksum %08x, want %08x: BOOTX64.EFI is damaged; copy it again", crc, kernel_elf_crc);
	if (elf_parse(kernel_elf, size, size, &elf) || elf.load_count > BOOT_SEGMENTS || elf.low < KERNEL_IMAGE)
		stop(0, "embedded kernel: not an ELF program for %lx; build BOOTX64.EFI again", (unsigned long)KERNEL_IMAGE);
	low = elf.low & -EXO_PAGE_SIZE;
	pages = PAGES(elf.high - low);
	phys = memory_pages(pages, BOOT_KERNEL, "the kernel image");
	kernel->entry = elf.entry;
	kernel->count = elf.load_count;
	for (int i = 0; i < elf.load_count; i++) {
		const struct elf_segment *from = &elf.load[i];
		struct kernel_segment *to = &kernel->segment[i];

		to->va = from->va & -EXO_PAGE_SIZE;
		to->phys = phys + (to->va - low);
		to->count = PAGES(from->va + from->mem_size - to->va);
		to->rights = (from->flags & SEGMENT_W ? BOOT_SEG_W : 0) | (from->flags & SEGMENT_X ? BOOT_SEG_X : 0);
		if (to->rights == (BOOT_SEG_W | BOOT_SEG_X))
			stop(0, "embedded kernel: segment %lx is writable and executable; build BOOTX64.EFI again", (unsigned long)from->va);
		if (i && to[-1].va + to[-1].count * EXO_PAGE_SIZE > to->va)
			stop(0, "embedded kernel: segments share the page at %lx; build BOOTX64.EFI again", (unsigned long)to->va);
		if (to->rights & BOOT_SEG_X && elf.entry >= from->va && elf.entry < from->va + from->file_size)
			entered = 1;
		memcpy((void *)(phys + (from->va - low)), kernel_elf + from->offset, from->file_size);
	}
	if (!entered)
		stop(0, "embedded kernel: entry %lx is not in its code; build BOOTX64.EFI again", (unsigned long)elf.entry);
	log_line("kernel: %lu KiB at %lx, entry %lx, crc32 %08x", (unsigned long)pages * 4, (unsigned long)phys, (unsigned long)elf.entry, crc);
}
