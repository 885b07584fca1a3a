/* SPDX-License-Identifier: MIT */
/* The checked image becomes regions of the new env: where it goes (fixed, a home of its own, or slot 0), its
 * segments, stack and heap. Maps no page. */
#include "exec.h"

/* A home for a PIE image: an address that means the same in every env. 0 when none is free. */
static uint64_t home_claim(uint64_t size)
{
	uint64_t count = (size + EXO_HOME_SIZE - 1) / EXO_HOME_SIZE + 1; /* room for brk */

	for (uint64_t i = EXO_HOME_OF(IMAGES_BASE), run = 0; i < EXO_HOME_OF(LARGE_BASE); i++) {
		int taken = rt_homes[i].owner || rt_homes[i].pt2;

		/* All in one slot: the one that a fork child declares private. */
		run = taken ? 0 : i * EXO_HOME_SIZE % EXO_SLOT_SIZE == 0 ? 1 : run + 1;
		if (run == count) {
			uint64_t base = EXO_HOMES_BASE + (i + 1 - count) * EXO_HOME_SIZE;

			if (gate_home_set(0, EXO_HOME_CLAIM, base, count) == (int64_t)count) {
				SPACE->home_base = base;
				SPACE->home_count = count;
				return base;
			}
			run = 0;
		}
	}
	return 0;
}

static uint64_t base_choose(const struct elf_image *elf, uint64_t fallback, int home)
{
	uint64_t base;

	if (elf->type == ET_EXEC)
		return 0;
	base = home ? home_claim(elf->high) : 0;
	if (!base)
		base = fallback;
	return (base + elf->align - 1) & -elf->align;
}

static int segment_map(const struct exec_image *image, const struct elf_segment *s)
{
	uint64_t start = PAGE_DOWN(image->base + s->va), file_end = image->base + s->va + s->file_size,
		end = PAGE_UP(image->base + s->va + s->mem_size);
	unsigned prot = (s->flags & PF_R ? PROT_READ : 0) | (s->flags & PF_W ? PROT_WRITE : 0) | (s->flags & PF_X ? PROT_EXEC : 0);
	struct region r = { .start = start, .end = PAGE_UP(file_end), .prot = prot, .offset = PAGE_DOWN(s->offset) / PAGE };
	int e = 0;

	if (!user_range_ok(start, end - start))
		return -ENOMEM;
	wx_note(prot);
	if (s->file_size) {
		r.inode = image->inode;
		r.data_end = s->mem_size > s->file_size ? file_end : ~0ul;
		inode_get(r.inode);
		e = region_insert(&r);
	} else {
		r.end = start;
	}
	if (!e && end > r.end)
		e = map_anonymous(r.end, end - r.end, prot, 0) ? -ENOMEM : 0;
	return e;
}

static int image_map(struct exec_image *image, uint64_t fallback, int home)
{
	image->base = base_choose(&image->elf, fallback, home);
	for (int i = 0; i < image->elf.load_count; i++) {
		int e = segment_map(image, image->elf.load + i);

		if (e)
			return e;
	}
	return 0;
}

static int vdso_map(void)
{
	struct region r = { .start = VDSO_BASE, .end = VDSO_BASE + PAGE_UP(inode_size(F->vdso)),
		.prot = PROT_READ | PROT_EXEC, .inode = F->vdso, .data_end = ~0ul };

	inode_get(r.inode);
	return region_insert(&r);
}

int address_space(struct exec_plan *plan)
{
	int e = image_map(&plan->program, PIE_BASE, 1);

	SPACE->stack_top = STACK_TOP;
	SPACE->mmap_top = MMAP_TOP;
	if (!e)
		e = map_anonymous(STACK_TOP - 32 * PAGE, 32 * PAGE,
			PROT_READ | PROT_WRITE | (plan->program.elf.exec_stack ? PROT_EXEC : 0),
			REGION_GROWSDOWN | REGION_STACK) ? -ENOMEM : 0;
	if (!e && plan->interp.inode)
		e = image_map(&plan->interp, INTERP_BASE, 0);
	if (!e)
		e = vdso_map();
	P->image_base = plan->program.base + plan->program.elf.low;
	P->image_end = plan->program.base + plan->program.elf.high;
	SPACE->brk_start = SPACE->brk_end = PAGE_UP(P->image_end);
	P->task->vsize = SPACE->region_bytes;
	return e;
}
