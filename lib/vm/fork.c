/* SPDX-License-Identifier: MIT */
/* fork: a new env for a new process. It copies nothing that the program has: it links the level-2 tables of every GiB
 * in use into the child's root, sealed in both, and copies the few private pages. What happens at the first write is
 * path.c's and pager.c's. */
#include <base/string.h>
#include <run/xstate.h>
#include "vm.h"
#include "fork.h"

/* Links every GiB that regions touch, in the slots that have tables. */
static int64_t tables_link(const struct env_build *b)
{
	uint64_t done = 0; /* addresses below are linked or empty */
	int64_t r = 0;

	for (uint32_t i = 0; i < SPACE->region_count && r >= 0; i++) {
		const struct region *g = SPACE->regions + i;
		uint64_t at = g->start & -EXO_HOME_SIZE, end = (g->end + EXO_HOME_SIZE - 1) & -EXO_HOME_SIZE;

		if (at < done)
			at = done;
		while ((at = slots_skip(at, end)) < end && r >= 0) {
			uint64_t slot_end = (at | (EXO_SLOT_SIZE - 1)) + 1;

			r = gate_pt_link(b->root, at | EXO_AT_SEALED | 3, (MIN_OF(end, slot_end) - at) / EXO_HOME_SIZE, 0);
			if (r > 0)
				at += (uint64_t)r * EXO_HOME_SIZE;
		}
		done = end > done ? end : done;
	}
	return r < 0 ? r : 0;
}

/* The child's slots, all private: each with its upper table. */
static int64_t slots_build(struct env_build *b)
{
	int64_t r = 0;

	for (uint64_t slot = 0, va, pfn; r >= 0 && (va = (slot = slot_next(slot)) << EXO_SLOT_SHIFT) < EXO_WINDOW;) {
		r = gate_home_set(b->root, EXO_HOME_PRIVATE, va, 1);
		if (r >= 0 && (b->spec.frame_count == EXO_SPEC_FRAMES_MAX || frames_claim(&pfn, 1)))
			r = -EXO_ENOMEM;
		if (r < 0)
			break;
		b->spec.frames[b->spec.frame_count++] = (uint32_t)pfn;
		r = gate_frame_type(pfn, 1, EXO_PT3, 0);
		if (r >= 0)
			r = gate_pt_link(b->root, va | 4, 1, pfn);
	}
	return r;
}

/* Fills the child's process page, vector state and regions through the scratch window. */
static int64_t private_copy(const struct env_build *b, const struct fork_start *start)
{
	struct process *copy = (struct process *)SCRATCH;
	int64_t r = pages_put(0, SCRATCH, b->own + LIBRARY_STACK_FIRST, b->page_count);

	if (r < 0)
		return r;
	memcpy(copy, P, sizeof *copy);
	memcpy((char *)copy + (PRIVATE_SPACE - PRIVATE_PROCESS), SPACE, sizeof *SPACE);
	xstate_save((void *)(SCRATCH + PAGE));
	memcpy((void *)(SCRATCH + 2 * PAGE), SPACE->regions, SPACE->region_count * sizeof *SPACE->regions);
	copy->task = start->task;
	copy->thread = start->thread;
	copy->regs.rax = 0;
	copy->regs.orig_rax = -1ul;
	copy->fs_base = start->fs_base;
	copy->gs_base = gs_base_get();
	copy->stack = LIBRARY_STACK_TOP;
	if (start->stack)
		copy->regs.rsp = start->stack;
	return entries_write(0, SCRATCH, b->page_count, 0, 0, 0);
}

/* What its maker advised for it. */
static int advice_fork(void)
{
	for (uint32_t i = 0; i < SPACE->region_count; i++) {
		struct region r = SPACE->regions[i];

		SPACE->regions[i].flags &= ~REGION_LOCKED;
		if (r.flags & REGION_NOT_FORKED) {
			if (map_remove(r.start, r.end))
				return -ENOMEM;
			i--;
		} else if (r.flags & REGION_WIPED && (pages_unmap(r.start, r.end) || stash_drop(r.start, r.end))) {
			return -ENOMEM;
		}
	}
	SPACE->lock_future = 0;
	return 0;
}

int fork_begin(void)
{
	int e = 0;

	env_begin();
	xstate_load(XSAVE_IMAGE);
	fs_base_set(P->fs_base);
	gs_base_set(P->gs_base);
	if (SPACE->has_fork_advice) {
		family_lock();
		e = advice_fork();
		family_unlock();
	}
	return e;
}

long fork_sealed(const struct fork_start *start)
{
	struct env_build *b = fam_alloc(sizeof *b);
	int64_t r;
	long name;

	if (!b)
		return -ENOMEM;
	name = env_build(b, SPACE->region_pages);
	if (name) {
		fam_free(b);
		return name;
	}
	r = huge_split_all() ? -EXO_ENOMEM : slots_build(b);
	if (r >= 0)
		r = tables_link(b);
	if (r >= 0)
		r = private_copy(b, start);
	if (r < 0) {
		name = gate_errno(r);
		env_unbuild(b);
	} else {
		name = env_launch(b, start->go_on, start->argument);
	}
	fam_free(b);
	return name;
}
