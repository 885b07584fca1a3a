/* SPDX-License-Identifier: MIT */
/* vfork and its clone forms: nothing is copied, the child runs on its parent's env until it has an image of its own, or ends. */
#include "fork.h"

/* The child borrows this env: its record takes the parent's place here until it execs or ends. */
long vfork_process(const struct fork_wish *w)
{
	struct task *parent = P->task, *child;
	struct user_regs *kept = fam_alloc(sizeof *kept);
	uint64_t ran = rt_envs[EXO_NAME_INDEX(P->self)].run_time;
	int e = -ENOMEM;

	child = kept ? child_new(w, &e) : 0;
	if (!child) {
		fam_free(kept);
		return e;
	}
	if (w->flags & CLONE_PARENT_SETTID)
		(void)user_write(w->parent_tid, &child->pid, sizeof child->pid);
	if (w->flags & CLONE_CHILD_SETTID)
		(void)user_write(w->child_tid, &child->pid, sizeof child->pid);
	child->clear_child_tid = 0;
	*kept = P->regs;
	parent->vfork_regs = kept;
	parent->vfork_fs = fs_base_get();
	parent->vfork_gs = gs_base_get();
	parent->state = TASK_SLEEPING;
	parent->uninterruptible = 1;
	sched_remove(parent);
	child->vfork_parent = parent;
	child->env = P->self;
	child->virtual_base = F->min_virtual - ran;
	child->run_before = -ran;
	P->task = child;
	task_run(child);
	if (w->stack)
		P->regs.rsp = w->stack;
	return 0;
}

void vfork_give_back(struct task *child)
{
	struct task *parent = child->vfork_parent;

	child->vfork_parent = 0;
	P->task = parent;
	P->regs = *parent->vfork_regs;
	P->regs.rax = (uint64_t)child->pid;
	P->regs.orig_rax = -1ul;
	fam_free(parent->vfork_regs);
	parent->vfork_regs = 0;
	fs_base_set(parent->vfork_fs);
	gs_base_set(parent->vfork_gs);
	parent->uninterruptible = 0;
	task_run(parent);
	user_return();
}
