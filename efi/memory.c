/* SPDX-License-Identifier: MIT */
/* Pages from the firmware, the memory map's first look and its last, and the call that ends the firmware. The map's rules are memmap.c's. */
#include <exo/env.h>
#include <exo/page.h>
#include <exo/pci.h>
#include <base/string.h>
#include "loader.h"
#include "memmap.h"

#define OWNED_MAX  256
#define SLACK      64  /* descriptors that may still be added: by our own allocations, and by the exit itself */
#define EXIT_TRIES 8
#define FRAMES_MAX ((EXO_GROUPS - EXO_FRAMES) / sizeof(struct exo_frame_rec))
#define POOL_BASE  64

/* What stays used after the exit, and whose it is. */
static struct { uint64_t pfn, count; uint32_t type; } owned[OWNED_MAX];
static size_t owned_count;

static struct memmap_raw raw;    /* first the survey's, then the last one */
static size_t raw_max, map_max;
static UINTN map_key;
static struct boot_range *ram;   /* survey: what the direct map covers */
static size_t ram_count;
static uint64_t limit;           /* pages to use in all, 0 = all there are */

uint64_t memory_pages(uint64_t count, enum boot_range_type type, const char *what)
{
	EFI_PHYSICAL_ADDRESS phys = 0;
	EFI_STATUS status = firmware_boot->AllocatePages(AllocateAnyPages, EfiLoaderData, count, &phys);

	if (EFI_ERROR(status))
		stop(status, "memory for %s: %lu KiB in one piece are not free; give the machine more RAM", what, (unsigned long)count * 4);
	memset((void *)phys, 0, count * EXO_PAGE_SIZE);
	if (type != BOOT_FREE) {
		if (owned_count == OWNED_MAX)
			stop(0, "memory for %s: more than %d pieces in use; build BOOTX64.EFI with a larger OWNED_MAX", what, OWNED_MAX);
		owned[owned_count].pfn = phys >> EXO_PAGE_SHIFT;
		owned[owned_count].count = count;
		owned[owned_count++].type = type;
	}
	return phys;
}

uint64_t memory_low_page(const char *what)
{
	EFI_PHYSICAL_ADDRESS phys = 0xffffffff;
	EFI_STATUS status = firmware_boot->AllocatePages(AllocateMaxAddress, EfiLoaderCode, 1, &phys);

	if (EFI_ERROR(status))
		stop(status, "memory for %s: no page below 4 GiB is free; give the machine more RAM", what);
	memset((void *)phys, 0, EXO_PAGE_SIZE);
	return phys;
}

/* The framebuffer's pages: some firmware calls them reserved RAM, and then nobody could draw. */
static uint64_t screen_base, screen_pages;

/* One more entry, by which they are a device whatever the others say. */
static void screen_add(void)
{
	EFI_MEMORY_DESCRIPTOR *d = (EFI_MEMORY_DESCRIPTOR *)((uint8_t *)raw.descriptors + raw.size);

	if (!screen_pages || raw.size + raw.stride > raw_max)
		return;
	memset(d, 0, raw.stride);
	d->Type = EfiMemoryMappedIO;
	d->PhysicalStart = screen_base;
	d->NumberOfPages = screen_pages;
	raw.size += raw.stride;
}

static EFI_STATUS map_read(void)
{
	UINTN size = raw_max, stride;
	UINT32 version;
	EFI_STATUS status = firmware_boot->GetMemoryMap(&size, (EFI_MEMORY_DESCRIPTOR *)raw.descriptors, &map_key, &stride, &version);

	raw.size = size;
	raw.stride = stride;
	raw.version = version;
	if (!EFI_ERROR(status))
		screen_add();
	return status;
}

/* Buffers for a map of any size, with room for its growth. */
static void map_buffers(void)
{
	UINTN size = 0, stride = 0;
	UINT32 version;
	EFI_STATUS status = firmware_boot->GetMemoryMap(&size, NULL, &map_key, &stride, &version);

	if (status != EFI_BUFFER_TOO_SMALL || stride < sizeof(EFI_MEMORY_DESCRIPTOR))
		stop(status, "GetMemoryMap: no size for the memory map (stride %lu); update the firmware", (unsigned long)stride);
	raw_max = size + SLACK * stride;
	map_max = 2 * (raw_max / stride) + 2 + 2 * OWNED_MAX;
	raw.descriptors = (void *)memory_pages(PAGES(raw_max), BOOT_FREE, "the memory map");
	status = map_read();
	if (EFI_ERROR(status))
		stop(status, "GetMemoryMap: the memory map cannot be read; update the firmware");
}

static int is_ram_that_stays(UINT32 type)
{
	return type == EfiRuntimeServicesCode || type == EfiRuntimeServicesData || type == EfiACPIReclaimMemory || type == EfiACPIMemoryNVS;
}

/* The direct map covers what firmware keeps in RAM too, so that large pages stay whole: clean a copy of the map that calls it free. */
static void ram_find(uint64_t frame_count)
{
	struct memmap_raw copy = raw;
	uint8_t *bytes = (uint8_t *)memory_pages(PAGES(raw.size), BOOT_FREE, "the memory map");
	int n;

	memcpy(bytes, raw.descriptors, raw.size);
	for (size_t at = 0; at + raw.stride <= raw.size; at += raw.stride) {
		EFI_MEMORY_DESCRIPTOR *d = (EFI_MEMORY_DESCRIPTOR *)(bytes + at);
		if (is_ram_that_stays(d->Type)) {
			d->Type = EfiConventionalMemory;
			d->Attribute = EFI_MEMORY_WB;
		}
	}
	copy.descriptors = bytes;
	ram = (struct boot_range *)memory_pages(PAGES(map_max * sizeof(*ram)), BOOT_FREE, "the memory map");
	n = memmap_clean(&copy, ram, map_max);
	if (n < 0)
		stop(0, "memory map: refused (%d); update the firmware", n);
	for (int i = 0; i < n; i++) {
		if (ram[i].type != BOOT_FREE || ram[i].pfn >= frame_count)
			continue;
		if (ram[i].count > frame_count - ram[i].pfn)
			ram[i].count = frame_count - ram[i].pfn;
		ram[ram_count++] = ram[i];
	}
}

void memory_survey(struct boot_info *info)
{
	struct boot_range *map;
	uint64_t pages = 0;
	int n, last;

	screen_base = info->fb_base & ~(EXO_PAGE_SIZE - 1);
	screen_pages = info->fb_base ? PAGES(info->fb_base % EXO_PAGE_SIZE + info->fb_size) : 0;
	map_buffers();
	map = (struct boot_range *)memory_pages(PAGES(map_max * sizeof(*map)), BOOT_KERNEL, "the memory map");
	n = memmap_clean(&raw, map, map_max);
	if (n < 0)
		stop(0, "memory map: refused (%d); update the firmware", n);
	for (int i = 0; i < n; i++)
		if (map[i].type == BOOT_FREE)
			pages += map[i].count;
	log_line("memory map: %lu entries, %lu MiB usable", (unsigned long)(raw.size / raw.stride), (unsigned long)MIB(pages * EXO_PAGE_SIZE));
	for (last = n - 1; last >= 0; last--) {
		uint64_t end = map[last].pfn + map[last].count, table = end * sizeof(struct exo_frame_rec);

		if (map[last].type != BOOT_FREE)
			continue;
		if (end <= FRAMES_MAX && table <= pages * EXO_PAGE_SIZE / 16) {
			info->frame_count = end;
			break;
		}
		log_line("memory map: %lu MiB at %lx left out: the frame table would take more than 1/16 of the RAM",
			(unsigned long)MIB(map[last].count * EXO_PAGE_SIZE), (unsigned long)map[last].pfn << EXO_PAGE_SHIFT);
		pages -= map[last].count;
	}
	if (!info->frame_count)
		stop(0, "memory map: no usable RAM; update the firmware");
	info->map = (uint64_t)map;
	info->map_count = (uint64_t)n;
	ram_find(info->frame_count);
}

void memory_each_ram(void (*each)(uint64_t pfn, uint64_t count))
{
	for (size_t i = 0; i < ram_count; i++)
		each(ram[i].pfn, ram[i].count);
}

const struct memmap_raw *memory_map(void)
{
	return &raw;
}

static struct boot_arena arena_new(uint64_t size, const char *what)
{
	uint64_t pages = PAGES(size);

	return (struct boot_arena){ memory_pages(pages, BOOT_KERNEL, what), pages * EXO_PAGE_SIZE };
}

void memory_arenas(struct boot_info *info)
{
	uint64_t pool = POOL_BASE;

	for (uint64_t i = 0; i < info->segment_count; i++)
		pool += (info->segment[i].count + 511) / 512;
	info->frames = arena_new(info->frame_count * sizeof(struct exo_frame_rec), "the frame table");
	info->fresh = arena_new(BOOT_FRESH_SIZE(info->frame_count), "the bits of frames");
	info->envs = arena_new(EXO_ENV_MAX * sizeof(struct exo_env), "the env table");
	info->homes = arena_new(EXO_HOME_COUNT * sizeof(struct exo_home), "the home table");
	info->pci = arena_new((master_count() + 1) * sizeof(struct exo_pci), "the table of PCI functions");
	info->info = arena_new(2 * EXO_PAGE_SIZE, "the info page");
	info->pool = arena_new(pool * EXO_PAGE_SIZE, "the first env's tables");
	log_line("kernel tables: %lu KiB for %lu frames, %lu KiB for envs and homes, %lu pages of pool", (unsigned long)(info->frames.size + info->fresh.size) / 1024,
		(unsigned long)info->frame_count, (unsigned long)(info->envs.size + info->homes.size) / 1024, (unsigned long)pool);
}

void memory_prepare(struct boot_info *info)
{
	struct boot_range *old = (struct boot_range *)info->map;
	size_t pages = PAGES(map_max * sizeof(*old));

	map_buffers(); /* the map has grown since the survey */
	if (PAGES(map_max * sizeof(*old)) > pages)
		info->map = memory_pages(PAGES(map_max * sizeof(*old)), BOOT_KERNEL, "the memory map");
}

EFI_STATUS memory_exit(void)
{
	EFI_STATUS status = EFI_ABORTED;

	for (int i = 0; i < EXIT_TRIES && EFI_ERROR(status); i++) {
		status = map_read();
		if (!EFI_ERROR(status))
			status = firmware_boot->ExitBootServices(firmware_image, map_key);
	}
	return status;
}

void memory_limit(uint64_t bytes)
{
	limit = bytes >> EXO_PAGE_SHIFT;
}

/* Takes what is free beyond the limit out of use, the highest first. New number of ranges, or negative as memmap_mark's. */
static int limit_apply(struct boot_range *map, int count)
{
	uint64_t used = 0;

	for (int i = 0; i < count; i++)
		if (map[i].type != BOOT_RESERVED)
			used += map[i].count;
	for (int i = count - 1; limit && used > limit && i >= 0; i--) {
		uint64_t n = map[i].count < used - limit ? map[i].count : used - limit;

		if (map[i].type != BOOT_FREE)
			continue;
		used -= n;
		count = memmap_mark(map, count, map_max, map[i].pfn + map[i].count - n, n, BOOT_RESERVED);
		if (count < 0)
			return count;
		if (i > count)
			i = count; /* neighbours may have been merged */
	}
	return count;
}

static int is_direct(const struct boot_range *r)
{
	for (size_t i = 0; i < ram_count; i++)
		if (r->pfn >= ram[i].pfn && r->pfn + r->count <= ram[i].pfn + ram[i].count)
			return 1;
	return 0;
}

void memory_finish(struct boot_info *info)
{
	struct boot_range *map = (struct boot_range *)info->map;
	uint64_t usable = 0;
	int n = memmap_clean(&raw, map, map_max), kept = 0;

	if (n < 0)
		stop(0, "memory map: the last one is refused (%d); update the firmware", n);
	for (int i = 0; i < n; i++) {
		if (map[i].pfn >= info->frame_count)
			break;
		if (map[i].count > info->frame_count - map[i].pfn)
			map[i].count = info->frame_count - map[i].pfn;
		if (map[i].type == BOOT_FREE && !is_direct(&map[i])) {
			log_line("memory map: %lu KiB at %lx appeared late and stay unused", (unsigned long)map[i].count * 4, (unsigned long)map[i].pfn << EXO_PAGE_SHIFT);
			map[i].type = BOOT_RESERVED;
		}
		map[kept++] = map[i];
	}
	for (size_t i = 0; i < owned_count && kept >= 0; i++)
		kept = memmap_mark(map, kept, map_max, owned[i].pfn, owned[i].count, owned[i].type);
	if (kept >= 0)
		kept = limit_apply(map, kept);
	if (kept < 0)
		stop(0, "memory map: no room to mark what is in use (%d)", kept);
	for (int i = 0; i < kept; i++)
		if (map[i].type == BOOT_FREE)
			usable += map[i].count;
	info->map_count = kept;
	log_line("memory: %d ranges, %lu MiB free", kept, (unsigned long)MIB(usable * EXO_PAGE_SIZE));
}
