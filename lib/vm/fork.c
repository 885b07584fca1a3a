/* SPDX-License-Identifier: MIT */
/* fork: a new env for a new process. It copies nothing that the program has: it links the level-2 tables of every GiB
 * in use into the child's root, sealed in both, and copies the few private pages. What happens at the first write is
 * path.c's and pager.c's. */
#include <base/string.h>
#include <run/xstate.h>
#include "swap.h"
#include "tree.h"
#include "fork.h"

/* Links every GiB that regions touch, in the slots that have tables. */
static int64_t tables_link(const struct env_build *b)
{
	uint64_t done = 0; /* addresses below are linked or empty */
	int64_t r = 0;

	for (const struct region *g; r >= 0 && (g = region_above(done));) {
		uint64_t at = MAX_OF(g->start & -EXO_HOME_SIZE, done), end = (g->end + EXO_HOME_SIZE - 1) & -EXO_HOME_SIZE;

		while ((at = slots_skip(at, end)) < end && r >= 0) {
			uint64_t slot_end = (at | (EXO_SLOT_SIZE - 1)) + 1;

			r = gate_pt_link(b->root, at | EXO_AT_SEALED | 3, (MIN_OF(end, slot_end) - at) / EXO_HOME_SIZE, 0);
			if (r > 0)
				at += (uint64_t)r * EXO_HOME_SIZE;
		}
		done = end;
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

static uint64_t leaf_bytes(const struct leaf *l) { return offsetof(struct leaf, region[l->count]); }

/* n pages from va on become the child's, too: of leaves as far as they are filled. */
static int64_t pages_copy(struct env_build *b, uint64_t va, uint32_t n, int are_leaves)
{
	uint64_t list[PAGES_PUT_MAX];
	int64_t r = 0;

	for (uint32_t done = 0, part; done < n && r >= 0; done += part, va += part * PAGE) {
		part = MIN_OF(n - done, (uint32_t)PAGES_PUT_MAX);
		if (frames_claim(list, part))
			return -EXO_ENOMEM;
		r = pages_put(0, SCRATCH, list, part);
		for (uint64_t i = 0; i < part && r >= 0; i++) {
			const void *from = (const void *)(va + i * PAGE);

			memcpy((void *)(SCRATCH + i * PAGE), from, are_leaves ? leaf_bytes(from) : PAGE);
		}
		(void)entries_write(0, SCRATCH, part, 0, 0, 0);
		if (r >= 0)
			r = env_build_more(b, va, list, part);
		if (r < 0)
			frames_release(list, part);
		family_progress();
	}
	return r;
}

static uint64_t list_pages(void)
{
	return PAGE_UP((SPACE->leaf_count + ROOT_PAGES) * sizeof(uint32_t)) / PAGE;
}

/* Of a process with more than one leaf: the others, and the root. */
static int64_t leaves_copy(struct env_build *b)
{
	uint32_t count = SPACE->leaf_count, near = MIN_OF(count, (uint32_t)LEAVES_NEAR);
	int64_t r;

	if (count == 1)
		return 0;
	b->more = fam_pages_any(list_pages());
	if (!b->more)
		return -EXO_ENOMEM;
	r = pages_copy(b, (uint64_t)ROOT, SPACE->root_pages, 0);
	if (r >= 0)
		r = pages_copy(b, leaf_address(1), near - 1, 1);
	if (r >= 0)
		r = pages_copy(b, leaf_address(LEAVES_NEAR), count - near, 1);
	return r;
}

/* Fills the child's process page, vector state and first leaf through the scratch window. */
static int64_t private_copy(const struct env_build *b, const struct fork_start *start, struct swap_space *swap)
{
	struct process *copy = (struct process *)SCRATCH;
	struct space *space = (struct space *)(SCRATCH + PRIVATE_SPACE - PRIVATE_PROCESS);
	int64_t r = pages_put(0, SCRATCH, b->own + LIBRARY_STACK_FIRST, BUILD_PRIVATE);

	if (r < 0)
		return r;
	memcpy(copy, P, sizeof *copy);
	memcpy(space, SPACE, sizeof *SPACE);
	space->leaf_pages = SPACE->leaf_count;
	space->swap = swap;
	space->root_pages = SPACE->leaf_count > 1 ? SPACE->root_pages : 0;
	xstate_save((void *)(SCRATCH + PAGE));
	memcpy((void *)(SCRATCH + 2 * PAGE), FIRST_LEAF, leaf_bytes(FIRST_LEAF));
	copy->task = start->task;
	copy->thread = start->thread;
	copy->regs.rax = 0;
	copy->regs.orig_rax = -1ul;
	copy->fs_base = start->fs_base;
	copy->gs_base = gs_base_get();
	copy->stack = LIBRARY_STACK_TOP;
	if (start->stack)
		copy->regs.rsp = start->stack;
	return entries_write(0, SCRATCH, BUILD_PRIVATE, 0, 0, 0);
}

/* What its maker advised for it. */
static int advice_fork(void)
{
	struct region *next = region_first();

	while (next) {
		struct region r = *next;

		next->flags &= ~REGION_LOCKED;
		if (r.flags & REGION_NOT_FORKED) {
			if (map_remove(r.start, r.end))
				return -ENOMEM;
		} else if (r.flags & REGION_WIPED && (pages_unmap(r.start, r.end) || stash_drop(r.start, r.end))) {
			return -ENOMEM;
		}
		next = region_above(r.end);
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
	struct swap_space *swap = 0;
	int64_t r;
	long name;

	if (!b)
		return -ENOMEM;
	name = env_build(b);
	if (name) {
		fam_free(b);
		return name;
	}
	r = huge_split_all() || tables_open() ? -EXO_ENOMEM : slots_build(b);
	if (r >= 0)
		r = tables_link(b);
	if (r >= 0)
		r = leaves_copy(b);
	if (r >= 0 && SPACE->swap && !(swap = swap_fork()))
		r = -EXO_ENOMEM;
	if (r >= 0)
		r = private_copy(b, start, swap);
	if (r < 0) {
		name = gate_errno(r);
		env_unbuild(b);
	} else {
		name = env_launch(b, start->go_on, start->argument);
	}
	if (swap && name < 0)
		swap_free(swap);
	else if (swap)
		swap_born(swap, (exo_name)name);
	if (b->more)
		fam_pages_free(b->more, list_pages());
	fam_free(b);
	return name;
}
