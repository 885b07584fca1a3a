/* SPDX-License-Identifier: MIT */
/* The checked image becomes regions of the new env: where it goes (fixed, a home of its own, or slot 0), its
 * segments, stack and heap. Maps no page. */
#include "exec.h"
#include <linux/personality.h>

/* How much of where things lie is random, in bits of a number of pages (of the GiB: of GiB). What the program's other
 * mappings lie near (vm.h) stays near: one table holds them all, wherever it is. */
#define GIB_BITS   6  /* from 256 to 320 GiB: AddressSanitizer's layout leaves that free */
#define STACK_BITS 14
#define MMAP_BITS  16
#define HEAP_BITS  13
#define IMAGE_BITS 16
#define SKIP_BITS  8  /* of the stack's first words, in 16 bytes */
#define HIGH_IMAGE (256 * EXO_HOME_SIZE) /* an image at fixed addresses above leaves no choice */

static uint64_t bits_take(uint64_t *from, unsigned n)
{
	uint64_t bits = *from & ((1ul << n) - 1);

	*from >>= n;
	return bits;
}

/* kernel.randomize_va_space, for this program: 0 nothing, 1 all but the heap, 2 all is random. */
static unsigned randomness(const struct exec_plan *plan)
{
	const struct elf_image *elf = &plan->program.elf;

	if (plan->task->threads->personality & ADDR_NO_RANDOMIZE || (elf->type == ET_EXEC && elf->high > HIGH_IMAGE))
		return 0;
	return F->randomize;
}

/* A home for a PIE image: an address that means the same in every env. The first free one from that number on, and
 * from the first one on behind the last. 0 when none is free. */
static uint64_t home_claim(uint64_t size, uint64_t from)
{
	const uint64_t first = EXO_HOME_OF(IMAGES_BASE), homes = EXO_HOME_OF(LARGE_BASE) - first;
	uint64_t count = (size + EXO_HOME_SIZE - 1) / EXO_HOME_SIZE + 1; /* room for brk, and for what is random */

	for (uint64_t n = 0, run = 0, i = first + from % homes; n < homes + count; n++, i++) {
		if (i == first + homes)
			i = first;
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

static uint64_t aligned(uint64_t base, const struct elf_image *elf) { return (base + elf->align - 1) & -elf->align; }

/* Where the program goes: random is what remains of its share of chance, 0: none. */
static uint64_t base_choose(const struct elf_image *elf, uint64_t random)
{
	uint64_t skip = bits_take(&random, IMAGE_BITS) * PAGE, base;

	if (elf->type == ET_EXEC)
		return 0;
	base = home_claim(elf->high, random);
	return aligned((base ? base : PIE_BASE) + skip, elf);
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

static int image_map(struct exec_image *image, uint64_t base)
{
	image->base = base;
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

/* Stack, mappings and heap: their bounds. */
static void bounds_set(struct exec_plan *plan, unsigned how)
{
	uint64_t random = how ? plan->random[2] : 0;

	SPACE->stack_top = STACK_TOP - bits_take(&random, GIB_BITS) * EXO_HOME_SIZE;
	SPACE->stack_top -= bits_take(&random, STACK_BITS) * PAGE;
	SPACE->mmap_top = SPACE->stack_top - STACK_ROOM - bits_take(&random, MMAP_BITS) * PAGE;
	plan->stack_skip = bits_take(&random, SKIP_BITS) * 16;
	P->image_base = plan->program.base + plan->program.elf.low;
	P->image_end = plan->program.base + plan->program.elf.high;
	SPACE->brk_start = PAGE_UP(P->image_end) + (how > 1 ? bits_take(&random, HEAP_BITS) * PAGE : 0);
	SPACE->brk_end = SPACE->brk_start;
}

int address_space(struct exec_plan *plan)
{
	unsigned how = randomness(plan), stack_prot = PROT_READ | PROT_WRITE;
	struct exec_image *interp = &plan->interp;
	int e;

	random_bytes(plan->random, sizeof plan->random);
	e = image_map(&plan->program, base_choose(&plan->program.elf, how ? plan->random[3] : 0));
	bounds_set(plan, how);
	if (plan->program.elf.exec_stack)
		stack_prot |= PROT_EXEC;
	if (!e)
		e = map_anonymous(SPACE->stack_top - 32 * PAGE, 32 * PAGE, stack_prot,
			REGION_GROWSDOWN | REGION_STACK) ? -ENOMEM : 0;
	if (!e && interp->inode)
		e = image_map(interp, interp->elf.type == ET_EXEC ? 0 : aligned(INTERP_BASE, &interp->elf));
	if (!e)
		e = vdso_map();
	P->task->vsize = SPACE->region_bytes;
	return e;
}
