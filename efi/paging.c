/* SPDX-License-Identifier: MIT */
/* Page tables: the kernel's root, the bridge that leads to it, and the root that only ResetSystem runs on. All are built before the exit. */
#include <exo/page.h>
#include <base/string.h>
#include "cpu.h"
#include "loader.h"

#define PTE_PCD  0x010ul
#define PTE_PWT  0x008ul
#define PTE_PS   0x080ul
#define PTE_G    0x100ul
#define LINK     (EXO_PTE_P | EXO_PTE_RW)
#define KERNEL_DATA (EXO_PTE_RW | EXO_PTE_NX | EXO_PTE_A | EXO_PTE_D | PTE_G)
#define LARGE    (EXO_PAGE_SIZE << 9)
#define SCREEN_MAX (EXO_UL(512) << 20)
#define CHUNK    32 /* tables taken from the firmware at a time */
#define CPUID_1GIB (1u << 26)

struct table_source { enum boot_range_type type; uint64_t next, left; };
static struct table_source kernel_tables = { BOOT_KERNEL, 0, 0 }, bridge_tables = { BOOT_FREE, 0, 0 };
static uint64_t kernel_root;
static int largest = 2; /* highest level whose entries may be leaves */

static uint64_t table_new(struct table_source *from)
{
	if (!from->left) {
		from->next = memory_pages(CHUNK, from->type, "page tables");
		from->left = CHUNK;
	}
	from->left--;
	from->next += EXO_PAGE_SIZE;
	return from->next - EXO_PAGE_SIZE;
}

/* The entry of that level for va; tables on the way are made. Links are as permissive as can be: leaves decide. */
static uint64_t *entry_at(struct table_source *from, uint64_t root, uint64_t va, int level)
{
	for (int at = 4;; at--) {
		uint64_t *entry = (uint64_t *)root + (va >> (12 + 9 * (at - 1)) & 511);

		if (at == level)
			return entry;
		if (!*entry)
			*entry = table_new(from) | LINK | (va < EXO_USER_END ? EXO_PTE_U : 0);
		if (*entry & PTE_PS)
			stop(0, "page tables: %lx is mapped twice; the memory map overlaps itself, update the firmware", (unsigned long)va);
		root = *entry & EXO_PTE_ADDR;
	}
}

static void map(struct table_source *from, uint64_t root, uint64_t va, uint64_t phys, uint64_t size, uint64_t bits, int top)
{
	while (size) {
		int level = top;

		while (level > 1 && ((va | phys) & ((EXO_PAGE_SIZE << 9 * (level - 1)) - 1) || size < EXO_PAGE_SIZE << 9 * (level - 1)))
			level--;
		*entry_at(from, root, va, level) = phys | EXO_PTE_P | bits | (level > 1 ? PTE_PS : 0);
		uint64_t step = EXO_PAGE_SIZE << 9 * (level - 1);
		va += step;
		phys += step;
		size -= step;
	}
}

void paging_map_kernel(uint64_t va, uint64_t phys, uint64_t size, uint64_t bits)
{
	map(&kernel_tables, kernel_root, va, phys, size, bits, 1);
}

static void map_direct(uint64_t pfn, uint64_t count)
{
	uint64_t phys = pfn << EXO_PAGE_SHIFT;

	map(&kernel_tables, kernel_root, KERNEL_DIRECT + phys, phys, count << EXO_PAGE_SHIFT, KERNEL_DATA, largest);
}

static void map_window(uint64_t va, const struct boot_arena *arena)
{
	map(&kernel_tables, kernel_root, va, arena->phys, arena->size, EXO_PTE_U | EXO_PTE_NX, 1);
}

/* For the kernel's last words. PWT selects entry 1 of the page attribute table: write-combining once the kernel has set it. */
static void map_screen(struct boot_info *info)
{
	uint64_t base = info->fb_base & ~(EXO_PAGE_SIZE - 1), first = base % LARGE, end = info->fb_base + info->fb_size;

	if (!info->fb_base || !info->fb_size || info->fb_size > SCREEN_MAX)
		return;
	map(&kernel_tables, kernel_root, KERNEL_SCREEN + first, base, (end - base + EXO_PAGE_SIZE - 1) & ~(EXO_PAGE_SIZE - 1), KERNEL_DATA | PTE_PWT, 2);
	info->fb_va = KERNEL_SCREEN + first + info->fb_base % EXO_PAGE_SIZE;
}

void paging_build(struct boot_info *info, const struct kernel_image *kernel)
{
	uint32_t id[4];

	cpu_id(0x80000001, id);
	if (id[3] & CPUID_1GIB)
		largest = 3;
	kernel_root = table_new(&kernel_tables);
	memory_each_ram(map_direct);
	for (int i = 0; i < kernel->count; i++) {
		const struct kernel_segment *s = &kernel->segment[i];
		uint64_t bits = EXO_PTE_A | PTE_G;

		if (s->rights & BOOT_SEG_W)
			bits |= EXO_PTE_RW | EXO_PTE_D;
		if (!(s->rights & BOOT_SEG_X))
			bits |= EXO_PTE_NX;
		paging_map_kernel(s->va, s->phys, s->count * EXO_PAGE_SIZE, bits);
	}
	(void)entry_at(&kernel_tables, kernel_root, KERNEL_DEVICES, 1); /* the kernel itself allocates no tables */
	map_screen(info);
	serial_map();
	map_window(EXO_INFO, &info->info);
	map_window(EXO_ENVS, &info->envs);
	map_window(EXO_HOMES, &info->homes);
	map_window(EXO_PCI, &info->pci);
	map_window(EXO_FRAMES, &info->frames);
	info->kernel_root = kernel_root;
	log_line("page tables: root %lx, direct map in %s pages", (unsigned long)kernel_root, largest == 3 ? "1 GiB" : "2 MiB");
}

static uint64_t reset_root;

static void map_runtime(uint64_t phys, uint64_t size, int device)
{
	if (phys < EXO_USER_END && size <= EXO_USER_END - phys)
		map(&kernel_tables, reset_root, phys, phys, size, EXO_PTE_RW | (device ? PTE_PCD | PTE_PWT : 0), 2);
}

void paging_reset_root(struct boot_info *info)
{
	const struct memmap_raw *raw = memory_map();

	reset_root = table_new(&kernel_tables);
	for (size_t at = 0; at + raw->stride <= raw->size; at += raw->stride) {
		const EFI_MEMORY_DESCRIPTOR *d = (const EFI_MEMORY_DESCRIPTOR *)((const uint8_t *)raw->descriptors + at);
		if (d->Attribute & EFI_MEMORY_RUNTIME)
			map_runtime(d->PhysicalStart, d->NumberOfPages * EXO_PAGE_SIZE, d->Type == EfiMemoryMappedIO || d->Type == EfiMemoryMappedIOPortSpace);
	}
	memcpy((uint64_t *)reset_root + 256, (uint64_t *)kernel_root + 256, 256 * sizeof(uint64_t));
	info->reset_root = reset_root;
}

uint64_t paging_bridge(struct boot_info *info, uint64_t code)
{
	uint64_t root = memory_low_page("page tables");

	memcpy((uint64_t *)root + 256, (uint64_t *)info->kernel_root + 256, 256 * sizeof(uint64_t));
	map(&bridge_tables, root, code, code, EXO_PAGE_SIZE, 0, 1);
	return root;
}
