/* SPDX-License-Identifier: MIT */
/* The first env: root image, app image out of it, stack. Fills boot_info's segments. */
#include <base/elf.h>
#include <base/erofs.h>
#include <base/fmt.h>
#include <base/string.h>
#include "loader.h"

#define SEGMENT_X 1u /* as <elf.h> numbers them */
#define SEGMENT_W 2u
#define SEGMENTS_OWN 4 /* root image, report, config, stack */

static uint64_t root_phys;

void first_segment(struct boot_info *info, uint64_t va, uint64_t phys, uint64_t count, uint32_t rights)
{
	struct boot_segment *s = &info->segment[info->segment_count++];

	*s = (struct boot_segment){ .va = va, .pfn = phys >> EXO_PAGE_SHIFT, .count = count, .rights = rights };
}

void root_load(struct boot_info *info, int verify)
{
	struct erofs fs;
	uint64_t size;

	if (file_read(L"root.img", BOOT_FIRST, VARS_VA - ROOT_VA - EXO_PAGE_SIZE, &root_phys, &size) == EFI_NOT_FOUND)
		stop(EFI_NOT_FOUND, "\\aril\\root.img: missing; put the root image (make image: build/root.img) in \\aril on the boot volume");
	root_verify((const void *)root_phys, size, verify); /* before anything believes a byte of it */
	if (erofs_open(&fs, (const void *)root_phys, size))
		stop(0, "\\aril\\root.img: not a sound uncompressed EROFS image; make it with esp/mkroot and copy it again");
	info->root_va = ROOT_VA;
	info->root_size = size;
	first_segment(info, ROOT_VA, root_phys, PAGES(size), 0);
}

/* The app's bytes in the root image. */
static const uint8_t *app_find(const struct boot_info *info, const char *path, uint64_t *size)
{
	struct erofs fs;
	struct erofs_inode inode;
	int error = erofs_open(&fs, (const void *)root_phys, info->root_size);

	if (!error)
		error = erofs_path(&fs, path, &inode);
	if (error == -2)
		stop(0, "%s: not in the root image; correct `app` in \\aril\\aril.conf or add the app to the image", path);
	if (error || inode.offset > info->root_size || inode.size > info->root_size - inode.offset)
		stop(0, "\\aril\\root.img: broken at %s; copy it again", path);
	if ((inode.mode & 0170000) != 0100000)
		stop(0, "%s: not a regular file; correct `app` in \\aril\\aril.conf", path);
	*size = inode.size;
	return (const uint8_t *)root_phys + inode.offset;
}

void app_load(struct boot_info *info, const char *app)
{
	char path[APP_NAME_MAX + 8];
	struct elf_image elf;
	uint64_t size, end = 0, total = 0, stack;
	const uint8_t *image;
	int entered = 0;

	fmt(path, sizeof(path), "/aril/%s", app);
	image = app_find(info, path, &size);
	if (elf_parse(image, size, size, &elf) || elf.type != 2 /* ET_EXEC: linked at its home */ || !elf.load_count)
		stop(0, "%s: not an x86-64 ELF program linked at a fixed address; link it with lib/rt/app.ld", path);
	if (elf.load_count > BOOT_SEGMENTS - SEGMENTS_OWN)
		stop(0, "%s: %d segments, the limit is %lu; link it with lib/rt/app.ld", path, elf.load_count, (unsigned long)(BOOT_SEGMENTS - SEGMENTS_OWN));
	for (int i = 0; i < elf.load_count; i++) {
		const struct elf_segment *s = &elf.load[i];
		uint64_t va = s->va & -EXO_PAGE_SIZE, pages, phys;
		uint32_t rights = (s->flags & SEGMENT_W ? BOOT_SEG_W : 0) | (s->flags & SEGMENT_X ? BOOT_SEG_X : 0);

		if (!s->mem_size)
			continue;
		if (s->va < EXO_HOMES_BASE || s->va >= EXO_WINDOW || s->mem_size > EXO_WINDOW - s->va)
			stop(0, "%s: segment %lx lies outside the homes; link it with lib/rt/app.ld", path, (unsigned long)s->va);
		if (va < HOME_AT(HOMES_APPS) && s->va + s->mem_size > ROOT_VA)
			stop(0, "%s: segment %lx lies where homes are kept for root image and families; link it elsewhere",
				path, (unsigned long)s->va);
		if (va < end)
			stop(0, "%s: segments share the page at %lx; link it with lib/rt/app.ld", path, (unsigned long)va);
		if (rights == (BOOT_SEG_W | BOOT_SEG_X))
			stop(0, "%s: segment %lx is writable and executable; link it with lib/rt/app.ld", path, (unsigned long)s->va);
		pages = PAGES(s->va + s->mem_size - va);
		phys = memory_pages(pages, BOOT_FIRST, path);
		memcpy((void *)(phys + (s->va - va)), image + s->offset, s->file_size);
		first_segment(info, va, phys, pages, rights);
		end = va + pages * EXO_PAGE_SIZE;
		total += pages;
		if (rights & BOOT_SEG_X && elf.entry >= s->va && elf.entry < s->va + s->mem_size)
			entered = 1;
	}
	if (!entered)
		stop(0, "%s: entry %lx is not in its code; link it with lib/rt/app.ld", path, (unsigned long)elf.entry);
	stack = memory_pages(STACK_PAGES, BOOT_FIRST, "the first stack");
	first_segment(info, STACK_VA, stack, STACK_PAGES, BOOT_SEG_W);
	info->stack_va = STACK_VA + STACK_PAGES * EXO_PAGE_SIZE;
	info->entry_va = elf.entry;
	log_line("app: %s, %lu segments, %lu KiB, entry %lx", path, (unsigned long)info->segment_count - SEGMENTS_OWN, (unsigned long)total * 4,
		(unsigned long)elf.entry);
}
