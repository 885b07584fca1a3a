/* SPDX-License-Identifier: MIT */
/* fork: a new env for a new process. It copies nothing that the program has: it links the level-2 tables of every GiB in use into the
 * child's root, sealed in both, and copies the few private pages. What happens at the first write is path.c's and pager.c's. */
#include "fork.h"
#include <posix/parts.h>

/* Links every GiB that regions touch, in the slots that have tables. */
static int64_t tables_link(const struct env_build *b)
{
	uint64_t done = 0; /* addresses below are linked or empty */
	int64_t r = 0;

	for (uint32_t i = 0; i < P->region_count && r >= 0; i++) {
		const struct region *g = P->regions + i;
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
static int64_t private_copy(const struct env_build *b, struct task *child, const struct fork_wish *w)
{
	struct process *copy = (struct process *)SCRATCH;
	int64_t r = pages_put(0, SCRATCH, b->own + LIBRARY_STACK_FIRST, b->page_count);

	if (r < 0)
		return r;
	memcpy(copy, P, sizeof *copy);
	xstate_save((void *)(SCRATCH + PAGE));
	memcpy((void *)(SCRATCH + 2 * PAGE), P->regions, P->region_count * sizeof *P->regions);
	copy->task = child;
	copy->thread = child->threads;
	copy->regs.rax = 0;
	copy->regs.orig_rax = -1ul;
	copy->fs_base = w->flags & CLONE_SETTLS ? w->tls : fs_base_get();
	copy->gs_base = gs_base_get();
	copy->stack = LIBRARY_STACK_TOP;
	if (w->stack)
		copy->regs.rsp = w->stack;
	return entries_write(0, SCRATCH, b->page_count, 0, 0, 0);
}

/* First steps of a child, on its own library stack. */
static void child_begin(void *child_tid)
{
	env_begin();
	xstate_load(XSAVE_IMAGE);
	fs_base_set(P->fs_base);
	gs_base_set(P->gs_base);
	if (P->has_fork_advice) {
		family_lock();
		/* Rather no child than one that has what it must not have. */
		if (advice_fork())
			exit_process(SIGKILL);
		family_unlock();
	}
	if (child_tid) {
		family_lock();
		(void)user_write((uint64_t)child_tid, &P->thread->tid, sizeof(int));
		family_unlock();
	}
	user_return();
}

long fork_sealed(struct task *child, const struct fork_wish *w)
{
	struct env_build *b = fam_alloc(sizeof *b);
	int64_t r;
	long name;

	if (!b)
		return -ENOMEM;
	name = env_build(b, P->region_pages);
	if (name) {
		fam_free(b);
		return name;
	}
	r = huge_split_all() ? -EXO_ENOMEM : slots_build(b);
	if (r >= 0)
		r = tables_link(b);
	if (r >= 0)
		r = private_copy(b, child, w);
	if (r < 0) {
		name = gate_errno(r);
		env_unbuild(b);
	} else {
		name = env_launch(b, child_begin, (void *)(w->flags & CLONE_CHILD_SETTID ? w->child_tid : 0));
	}
	fam_free(b);
	return name;
}

long fork_process(const struct fork_wish *w)
{
	int e;
	struct task *child = child_new(w, &e);
	long name;

	if (!child)
		return e;
	name = posix_parts.fork(child, w);
	if (name < 0) {
		child_undo(child);
		return name == -EAGAIN || name == -ENOMEM ? name : -ENOMEM;
	}
	for (uint32_t i = 0; i < P->region_count; i++)
		region_get(P->regions + i);
	child->env = (exo_name)name;
	child->state = TASK_ALIVE;
	child->threads->on = 1;
	child->threads->virtual = F->min_virtual;
	thread_run(child->threads);
	child_tell(w, child);
	if (w->flags & CLONE_PARENT_SETTID)
		(void)user_write(w->parent_tid, &child->pid, sizeof child->pid);
	return child->pid;
}
