/* SPDX-License-Identifier: MIT */
/* fork, vfork and the forms of clone that make processes. A fork copies nothing that the program has: it links the level-2 tables of every GiB in use into the
 * child's root, sealed in both, and copies the few private pages. What happens at the first write is path.c's and pager.c's. */
#include "library.h"
#include "calls.h"
#include "parts.h"
#include <linux/sched.h>
#include <linux/signal.h>

struct fork_wish { uint64_t flags, stack, parent_tid, child_tid, tls; int exit_signal; };

/* Links every GiB that regions touch; slot 0 and, declared private in the child, the slot of a PIE image's home. */
static int64_t tables_link(const struct env_build *b)
{
	uint64_t done = 0; /* addresses below are linked or empty */
	int64_t r = 0;

	for (uint32_t i = 0; i < P->region_count && r >= 0; i++) {
		const struct region *g = P->regions + i;
		uint64_t at = g->start & -EXO_HOME_SIZE, end = (g->end + EXO_HOME_SIZE - 1) & -EXO_HOME_SIZE;

		if (at < done)
			at = done;
		while (at < end && r >= 0) {
			r = gate_pt_link(b->root, at | EXO_AT_SEALED | 3, (end - at) / EXO_HOME_SIZE, 0);
			if (r > 0)
				at += (uint64_t)r * EXO_HOME_SIZE;
		}
		done = end > done ? end : done;
	}
	return r < 0 ? r : 0;
}

static int64_t home_slot_open(struct env_build *b)
{
	uint64_t pfn, slot = P->home_base & -EXO_SLOT_SIZE;
	int64_t r;

	if (!P->home_base)
		return 0;
	r = gate_home_set(b->root, EXO_HOME_PRIVATE, slot, 1);
	if (r < 0)
		return r;
	if (frames_claim(&pfn, 1))
		return -EXO_ENOMEM;
	b->spec.frames[b->spec.frame_count++] = (uint32_t)pfn;
	r = gate_frame_type(pfn, 1, EXO_PT3, 0);
	return r < 0 ? r : gate_pt_link(b->root, slot | 4, 1, pfn);
}

/* Fills the child's process page, vector state and regions through the scratch window. */
static int64_t private_copy(const struct env_build *b, struct task *child, const struct fork_wish *w)
{
	uint64_t value[BUILD_PRIVATE_MAX];
	struct process *copy = (struct process *)SCRATCH;
	int64_t r;

	for (uint32_t i = 0; i < b->page_count; i++)
		value[i] = b->pages[i] << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX;
	r = entries_write(0, SCRATCH, b->page_count, (uint64_t)value, EXO_AT_LIST, 0);
	if (r < 0)
		return r;
	memcpy(copy, P, PAGE);
	xstate_save((void *)(SCRATCH + PAGE));
	memcpy((void *)(SCRATCH + 2 * PAGE), P->regions, P->region_pages * PAGE);
	copy->task = child;
	copy->regs.rax = 0;
	copy->regs.orig_rax = -1ul;
	copy->fs_base = w->flags & CLONE_SETTLS ? w->tls : fs_base_get();
	copy->gs_base = gs_base_get();
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
	if (child_tid) {
		family_lock();
		(void)user_write((uint64_t)child_tid, &P->task->pid, sizeof(int));
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
	r = home_slot_open(b);
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

static void image_share(struct task *child, const struct task *parent)
{
	if (parent->exe)
		inode_get(parent->exe);
	child->exe = parent->exe;
	child->vsize = parent->vsize;
	child->rss_pages = parent->rss_pages;
	child->cmdline = parent->cmdline_size ? fam_alloc(parent->cmdline_size) : 0;
	if (child->cmdline) {
		memcpy(child->cmdline, parent->cmdline, parent->cmdline_size);
		child->cmdline_size = parent->cmdline_size;
	}
}

/* A child record with everything but an env; NULL with *error. */
static struct task *child_new(const struct fork_wish *w, int *error)
{
	struct task *parent = P->task, *child;

	*error = -EAGAIN;
	if (F->task_count >= PROC_MAX || F->task_count >= parent->limit[6][0])
		return 0;
	*error = -ENOMEM;
	child = task_new(parent);
	if (!child)
		return 0;
	child->exit_signal = w->exit_signal;
	child->files = files_fork(parent->files);
	if (!child->files) {
		task_free(child);
		return 0;
	}
	image_share(child, parent);
	if (w->flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = w->child_tid;
	return child;
}

static void child_undo(struct task *child)
{
	files_free(child->files);
	task_drop_image(child);
	task_free(child);
}

static long fork_process(const struct fork_wish *w)
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
		if (P->regions[i].inode)
			inode_get(P->regions[i].inode);
	child->env = (exo_name)name;
	child->virtual_base = F->min_virtual;
	task_run(child);
	if (w->flags & CLONE_PARENT_SETTID)
		(void)user_write(w->parent_tid, &child->pid, sizeof child->pid);
	return child->pid;
}

/* The child borrows this env: its record takes the parent's place here until it execs or ends. */
static long vfork_process(const struct fork_wish *w)
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

static long process_new(const struct fork_wish *w)
{
	if (w->exit_signal > SIGNAL_COUNT || w->exit_signal < 0)
		return -EINVAL;
	if (w->flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWNET | CLONE_PIDFD))
		return -EINVAL;
	if (w->flags & CLONE_VFORK)
		return vfork_process(w);
	return w->flags & CLONE_VM ? -ENOSYS : fork_process(w);
}

CALL0(fork)
{
	return process_new(&(struct fork_wish){ .exit_signal = SIGCHLD });
}

CALL0(vfork)
{
	return process_new(&(struct fork_wish){ .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD });
}

CALL5(clone, flags, stack, parent_tid, child_tid, tls)
{
	return process_new(&(struct fork_wish){ flags & ~(uint64_t)CSIGNAL, stack, parent_tid, child_tid, tls, flags & CSIGNAL });
}

CALL2(clone3, at, size)
{
	struct clone_args args = { 0 };

	if (size < CLONE_ARGS_SIZE_VER0 || size > PAGE)
		return -EINVAL;
	if (user_read(&args, at, size < sizeof args ? size : sizeof args))
		return -EFAULT;
	return process_new(&(struct fork_wish){ args.flags & ~(uint64_t)CLONE_CLEAR_SIGHAND, args.stack ? args.stack + args.stack_size : 0, args.parent_tid,
		args.child_tid, args.tls, (int)args.exit_signal });
}
