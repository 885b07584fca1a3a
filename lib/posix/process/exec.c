/* SPDX-License-Identifier: MIT */
/* execve: everything that can be refused is checked in the old env; then a blank env is made, the task moves over, and the new env maps and starts the image
 * itself. Also the first program, which has no old env. */
#include <base/fmt.h>
#include <fs/files.h>
#include <load/exec.h>
#include <posix/call/calls.h>
#include <posix/file/aio.h>
#include <posix/parts.h>
#include <linux/fcntl.h>
#include <linux/signal.h>
#include "ptrace.h"
#include "usage.h"
#include "keys.h"

/* First steps of the new env, on its library stack: the task is this one already; what fails now kills it, as on Linux. */
void exec_begin(void *argument)
{
	struct exec_plan *plan = argument;
	const struct exec_image *first = plan->interp.inode ? &plan->interp : &plan->program;
	uint64_t sp;

	env_begin_blank(plan);
	P->task = plan->task;
	P->thread = plan->task->threads;
	regions_open();
	if (plan->old_env)
		env_end(plan->old_env); /* so that its frames are free before this program asks for any */
	family_lock();
	sp = plan->opened_fd < 0 || address_space(plan) ? 0 : stack_build(plan);
	if (!sp) {
		rt_log("%s[%d]: no memory for the new image", P->task->name, P->task->pid);
		plan_free(plan);
		exit_process(SIGKILL);
	}
	P->regs = (struct user_regs){ .rip = first->base + first->elf.entry, .rsp = sp, .rflags = 0x202, .orig_rax = -1ul, .full = 1 };
	plan_free(plan);
	fs_base_set(0);
	gs_base_set(0);
	if (P->thread->trace)
		ptrace_exec(P->thread);
	user_return();
}

static struct exec_plan *plan_new(const char *path)
{
	struct exec_plan *plan = fam_pages_any(PLAN_PAGES);
	size_t n = strnlen(path, sizeof plan->path - 1);

	if (!plan)
		return NULL;
	memset(plan, 0, offsetof(struct exec_plan, path)); /* binary.c fills the head */
	memcpy(plan->path, path, n);
	plan->path[n] = 0;
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
	name = env_build(b);
	if (!name)
		name = env_launch(b, exec_begin, plan);
	fam_free(b);
	return name;
}

/* What of the task changes with its image. */
static void task_becomes(struct task *t, struct exec_plan *plan, exo_name env)
{
	struct thread *th = t->threads;

	if (t == P->task)
		usage_note();
	task_drop_image(t);
	inode_run(plan->program.inode);
	t->exe = plan->program.inode;
	sched_moves(th);
	t->env = env;
	t->exit_signal = SIGCHLD;
	t->has_execed = 1;
	t->is_answering = 0;
	th->slot = 0;
	th->on = 1;
	th->clear_child_tid = 0;
	th->robust_list = 0;
	task_set_name(t, plan->path);
	task_env_note(t);
	if (plan->files) {
		files_free(t->files);
		t->files = plan->files;
		plan->files = NULL;
	}
	files_exec(t->files);
	plan->opened_fd = plan->opened ? files_open_inode(t->files, plan->opened) : 0;
	signal_exec(t);
	keyrings_leave(t);
	if (t->aio)
		aio_drop(t);
}

static long exec_path(const char *path, uint64_t argv, uint64_t envp)
{
	struct exec_plan *plan = plan_new(path);
	struct task *t = P->task;
	long name;
	int e;

	if (!plan)
		return -ENOMEM;
	name = strings_user(plan, argv, envp);
	if (!name)
		name = posix_app.load(plan, plan->path);
	/* Who shares a table executes with a copy of it. */
	if (!name && files_are_shared(t->files) && !(plan->files = files_fork(t->files, &e)))
		name = e;
	if (!name)
		name = env_blank(plan, t);
	if (name < 0) {
		if (plan->files)
			files_free(plan->files);
		plan_free(plan);
		return name;
	}
	/* From here on there is no way back. */
	if (P->thread->trace) {
		P->thread->trace->message = (uint64_t)P->thread->tid;
		P->thread->trace->number = P->regs.orig_rax;
	}
	threads_end_others();
	plan->old_env = P->thread_count > 1 ? 0 : P->self;
	memory_leave(P->thread);
	vfork_release(t);
	thread_detach();
	task_becomes(t, plan, (exo_name)name);
	env_leave();
}

CALL3(execve, path_at, argv, envp)
{
	char path[4096];
	long n = user_str(path, path_at, sizeof path);

	return n < 0 ? n : n ? exec_path(path, argv, envp) : -ENOENT;
}

/* By its name, where it still is one; else by its place in /proc, as of a memfd. */
static long exec_descriptor(int fd, uint64_t argv, uint64_t envp)
{
	char place[32], path[4096];
	struct inode *ip, *named = 0;
	long n;

	(void)fmt(place, sizeof place, "/proc/self/fd/%d", fd);
	n = inode_lookup(place, &ip);
	if (n)
		return n == -ENOENT ? -EBADF : n;
	n = inode_path(ip, path, sizeof path);
	if (n > 0 && !inode_lookup(path, &named))
		inode_put(named);
	inode_put(ip);
	return exec_path(named == ip ? path : place, argv, envp);
}

CALL5(execveat, fd, path_at, argv, envp, flags)
{
	struct file *f;
	char path[4096], whole[4096];
	long n = user_str(path, path_at, sizeof path);

	if (n < 0)
		return n;
	if (flags & ~(uint64_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if (n && (path[0] == '/' || (int)fd == AT_FDCWD))
		return flags & AT_SYMLINK_NOFOLLOW && path_is_symlink(path) ? -ELOOP : exec_path(path, argv, envp);
	if (!n && !(flags & AT_EMPTY_PATH))
		return -ENOENT;
	if (n) { /* from a directory: by the name that it has in /proc, as Linux gives it to scripts */
		f = fd_any((int)fd);
		if (!f)
			return -EBADF;
		file_put(f);
		if (fmt(whole, sizeof whole, "/proc/self/fd/%d/%s", (int)fd, path) >= (int)sizeof whole)
			return -ENAMETOOLONG;
		return flags & AT_SYMLINK_NOFOLLOW && path_is_symlink(whole) ? -ELOOP : exec_path(whole, argv, envp);
	}
	return exec_descriptor((int)fd, argv, envp);
}

struct task *spawn_program(const char *path, char *const argv[], char *const envp[], struct file_state *files, int session, int *error)
{
	struct exec_plan *plan = plan_new(path);
	struct task *t = plan ? task_new(P->task) : 0;
	long e = t ? 0 : -ENOMEM;

	/* Paths are looked up as the new task sees them. */
	if (t) {
		struct task *self = P->task;

		t->files = files;
		t->places = &files->places;
		t->exit_signal = SIGCHLD;
		P->task = t;
		e = strings_library(plan, argv, envp);
		if (!e)
			e = posix_app.load(plan, plan->path);
		P->task = self;
	}
	if (!e)
		e = env_blank(plan, t);
	if (e < 0) {
		*error = (int)e;
		if (t)
			task_free(t);
		if (plan)
			plan_free(plan);
		return 0;
	}
	task_becomes(t, plan, (exo_name)e);
	if (session)
		t->session = t->pgrp = t->pid;
	t->state = TASK_ALIVE;
	thread_run_new(t->threads);
	return t;
}
