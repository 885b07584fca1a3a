/* SPDX-License-Identifier: MIT */
/* ELF program to root: read-only segments are the root image's own frames, mapped; writable ones are copied. */
#include <base/elf.h>
#include <base/erofs.h>
#include <base/string.h>
#include "mini.h"

/* Page of `size` bytes of content (then zeros) at va of the new root; the frame goes along with the env. */
static int64_t page_add(struct exo_env_spec *spec, uint64_t va, const void *content, size_t size)
{
	int64_t pfn = rt_frame(), r;

	if (pfn < 0)
		return pfn;
	spec->frames[spec->frame_count++] = (uint32_t)pfn;
	if ((r = rt_map(0, SCRATCH, (uint64_t)pfn, 1, EXO_PTE_RW | EXO_PTE_NX)) < 0)
		return r;
	memcpy((void *)SCRATCH, content, size);
	/* An unshared frame is writable through its sole entry only. */
	r = rt_unmap(0, SCRATCH, 1, 0);
	return r < 0 ? r : rt_map(spec->frames[EXO_EF_ROOT], va, (uint64_t)pfn, 1, EXO_PTE_RW | EXO_PTE_NX);
}

static int64_t segment_map(struct exo_env_spec *spec, const struct elf_segment *s, const uint8_t *file)
{
	uint64_t skew = s->va % EXO_PAGE_SIZE, va = s->va - skew, pages = (skew + s->mem_size + EXO_PAGE_SIZE - 1) / EXO_PAGE_SIZE;
	uint64_t in_file = skew + s->file_size, rights = s->flags & PF_X ? 0 : EXO_PTE_NX;
	int64_t r = rt_env_tables(spec, va);

	file += s->offset - skew;
	if (!(s->flags & PF_W))
		for (uint64_t i = 0; i < pages && r >= 0; i++) /* the frames may be another's: their mapping is the proof */
			r = gate_pte_write(spec->frames[EXO_EF_ROOT], (va + i * EXO_PAGE_SIZE) | 1, 1,
				(rt_entry((uint64_t)file + i * EXO_PAGE_SIZE, 1) & EXO_PTE_ADDR) | EXO_PTE_P | EXO_PTE_U | rights, 0,
				(uint64_t)file + i * EXO_PAGE_SIZE);
	else
		for (uint64_t i = 0, at = 0; i < pages && r >= 0; i++, at += EXO_PAGE_SIZE)
			r = page_add(spec, va + at, file + at, at >= in_file ? 0 : in_file - at < EXO_PAGE_SIZE ? in_file - at : EXO_PAGE_SIZE);
	rt_log("mini: segment %lx..%lx r%c%c, %lu pages%s", va, va + pages * EXO_PAGE_SIZE, s->flags & PF_W ? 'w' : '-',
		s->flags & PF_X ? 'x' : '-', pages, s->flags & PF_W ? " copied" : " of the root image");
	return r;
}

int64_t program_load(struct exo_env_spec *spec, const char *path)
{
	struct erofs fs;
	struct erofs_inode file;
	struct elf_image elf;
	const uint8_t *at;
	int64_t r = erofs_open_known(&fs, (const void *)rt_info->root_va, rt_info->root_size);

	if (r < 0 || (r = erofs_path(&fs, path, &file)) < 0)
		return r;
	at = (const uint8_t *)rt_info->root_va + file.offset;
	r = elf_parse(at, file.size, file.size, &elf);
	for (int i = 0; r >= 0 && i < elf.load_count; i++)
		r = elf.high > PROGRAM_TOP - EXO_PAGE_SIZE ? -EXO_EINVAL : segment_map(spec, &elf.load[i], at);
	spec->rip = elf.entry;
	spec->rsp = PROGRAM_TOP;
	return r < 0 ? r : page_add(spec, PROGRAM_TOP - EXO_PAGE_SIZE, at, 0);
}
