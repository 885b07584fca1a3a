/* SPDX-License-Identifier: MIT */
/* execve: everything that can be refused is checked in the old env; then a blank env is made, the task moves over, and the new env maps and starts the image
 * itself. Also the first program, which has no old env. */
#include "exec.h"
#include "calls.h"
#include "parts.h"
#include <linux/fcntl.h>
#include <linux/signal.h>

/* A home for a PIE image: an address that means the same in every env. 0 when none is free. */
static uint64_t home_claim(uint64_t size)
{
	uint64_t count = (size + EXO_HOME_SIZE - 1) / EXO_HOME_SIZE + 1; /* room for brk */

	for (uint64_t i = EXO_HOME_OF(2 * EXO_SLOT_SIZE), run = 0; i < EXO_HOME_COUNT; i++) {
		int taken = rt_homes[i].owner || rt_homes[i].pt2;

		/* All in one slot: the one that a fork child declares private. */
		run = taken ? 0 : i * EXO_HOME_SIZE % EXO_SLOT_SIZE == 0 ? 1 : run + 1;
		if (run == count) {
			uint64_t base = EXO_HOMES_BASE + (i + 1 - count) * EXO_HOME_SIZE;

			if (gate_home_set(0, EXO_HOME_CLAIM, base, count) == (int64_t)count) {
				P->home_base = base;
				P->home_count = count;
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
	uint64_t start = PAGE_DOWN(image->base + s->va), file_end = image->base + s->va + s->file_size, end = PAGE_UP(image->base + s->va + s->mem_size);
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

static int address_space(struct exec_plan *plan)
{
	int e = image_map(&plan->program, PIE_BASE, 1);

	P->stack_top = STACK_TOP;
	P->mmap_top = MMAP_TOP;
	if (!e)
		e = map_anonymous(STACK_TOP - 32 * PAGE, 32 * PAGE, PROT_READ | PROT_WRITE | (plan->program.elf.exec_stack ? PROT_EXEC : 0),
			REGION_GROWSDOWN | REGION_STACK) ? -ENOMEM : 0;
	if (!e && plan->interp.inode)
		e = image_map(&plan->interp, INTERP_BASE, 0);
	P->image_base = plan->program.base + plan->program.elf.low;
	P->image_end = plan->program.base + plan->program.elf.high;
	P->brk_start = P->brk_end = PAGE_UP(P->image_end);
	P->task->vsize = regions_size();
	return e;
}

/* First steps of the new env, on its library stack: the task is this one already; what fails now kills it, as on Linux. */
void exec_begin(void *argument)
{
	struct exec_plan *plan = argument;
	const struct exec_image *first = plan->interp.inode ? &plan->interp : &plan->program;
	uint64_t sp;

	memset(P, 0, PAGE);
	env_begin();
	P->task = plan->task;
	(void)regions_open();
	if (plan->old_env)
		env_end(plan->old_env); /* so that its frames are free before this program asks for any */
	family_lock();
	sp = address_space(plan) ? 0 : stack_build(plan);
	if (!sp) {
		posix_log("%s[%d]: no memory for the new image", P->task->name, P->task->pid);
		plan_free(plan);
		exit_process(SIGKILL);
	}
	P->regs = (struct user_regs){ .rip = first->base + first->elf.entry, .rsp = sp, .rflags = 0x202, .orig_rax = -1ul, .full = 1 };
	plan_free(plan);
	fs_base_set(0);
	gs_base_set(0);
	user_return();
}

static struct exec_plan *plan_new(const char *path)
{
	struct exec_plan *plan = fam_pages(PLAN_PAGES);

	if (plan)
		memcpy(plan->path, path, strnlen(path, sizeof plan->path - 1));
	return plan;
}

/* A blank env with this plan, for task t, which is not made to run yet: its name or -errno. */
static long env_blank(struct exec_plan *plan, struct task *t)
{
	struct env_build *b = fam_alloc(sizeof *b);
	long name;

	if (!b)
		return -ENOMEM;
	plan->task = t;
	name = env_build(b, 1);
	if (!name)
		name = env_launch(b, exec_begin, plan);
	fam_free(b);
	return name;
}

/* What of the task changes with its image. cmdline was made before, since it may fail. */
static void task_becomes(struct task *t, struct exec_plan *plan, exo_name env, char *cmdline)
{
	task_drop_image(t);
	inode_get(plan->program.inode);
	t->exe = plan->program.inode;
	t->cmdline = cmdline;
	t->cmdline_size = plan->args_size;
	t->run_before = task_ticks(t);
	t->virtual_base += t->env ? rt_envs[EXO_NAME_INDEX(t->env)].run_time : 0;
	t->env = env;
	t->has_execed = 1;
	t->clear_child_tid = 0;
	t->robust_list = 0;
	task_set_name(t, plan->path);
	files_exec(t->files);
	signal_exec(t);
}

static char *cmdline_copy(const struct exec_plan *plan)
{
	char *copy = fam_alloc(plan->args_size);

	if (copy)
		memcpy(copy, plan->strings, plan->args_size);
	return copy;
}

static long exec_path(const char *path, uint64_t argv, uint64_t envp)
{
	struct exec_plan *plan = plan_new(path);
	struct task *t = P->task;
	char *cmdline = 0;
	long name;

	if (!plan)
		return -ENOMEM;
	name = strings_user(plan, argv, envp);
	if (!name)
		name = posix_parts.load(plan, plan->path);
	if (!name) {
		cmdline = cmdline_copy(plan);
		name = cmdline ? env_blank(plan, t) : -ENOMEM;
	}
	if (name < 0) {
		fam_free(cmdline);
		plan_free(plan);
		return name;
	}
	/* From here on there is no way back. */
	plan->old_env = t->vfork_parent ? 0 : P->self;
	task_becomes(t, plan, (exo_name)name, cmdline);
	if (t->vfork_parent)
		vfork_give_back(t);
	regions_drop();
	__atomic_store_n(&F->lock, 0, __ATOMIC_RELEASE);
	(void)gate_env_kill(0);
	__builtin_unreachable();
}

CALL3(execve, path_at, argv, envp)
{
	char path[4096];
	long n = user_str(path, path_at, sizeof path);

	return n < 0 ? n : n ? exec_path(path, argv, envp) : -ENOENT;
}

CALL5(execveat, fd, path_at, argv, envp, flags)
{
	struct inode *ip;
	char path[4096];
	long n = user_str(path, path_at, sizeof path);
	int open_flags;

	if (n < 0)
		return n;
	if (flags & ~(uint64_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if (n && (path[0] == '/' || (int)fd == AT_FDCWD))
		return exec_path(path, argv, envp);
	if (n || !(flags & AT_EMPTY_PATH))
		return n ? -ENOSYS : -ENOENT;
	n = inode_of_fd((int)fd, &ip, &open_flags);
	if (n)
		return n;
	n = inode_path(ip, path, sizeof path);
	inode_put(ip);
	return n < 0 ? n : exec_path(path, argv, envp);
}

struct task *spawn_program(const char *path, char *const argv[], char *const envp[], struct file_state *files, int session, int *error)
{
	struct exec_plan *plan = plan_new(path);
	struct task *t = plan ? task_new(P->task) : 0;
	char *cmdline = 0;
	long e = t ? 0 : -ENOMEM;

	/* Paths are looked up as the new task sees them. */
	if (t) {
		struct task *self = P->task;

		t->files = files;
		t->exit_signal = SIGCHLD;
		P->task = t;
		e = strings_library(plan, argv, envp);
		if (!e)
			e = posix_parts.load(plan, plan->path);
		P->task = self;
	}
	if (!e) {
		cmdline = cmdline_copy(plan);
		e = cmdline ? env_blank(plan, t) : -ENOMEM;
	}
	if (e < 0) {
		*error = (int)e;
		fam_free(cmdline);
		if (t)
			task_free(t);
		if (plan)
			plan_free(plan);
		return 0;
	}
	task_becomes(t, plan, (exo_name)e, cmdline);
	if (session)
		t->session = t->pgrp = t->pid;
	t->virtual_base = F->min_virtual;
	task_run(t);
	return t;
}
