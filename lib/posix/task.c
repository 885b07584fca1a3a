/* SPDX-License-Identifier: MIT */
/* The table of processes: records, pids, kin, and what others may ask about them. Who runs is sched.c's, who ends is exit.c's. */
#include "library.h"
#include <base/fmt.h>

#define RLIM_INFINITY (~0ul)
#define RLIMIT_STACK 3
#define RLIMIT_NPROC 6
#define RLIMIT_NOFILE 7

static int pid_take(void)
{
	for (int i = 0; i < PROC_MAX; i++) {
		int pid = F->last_pid + 1 + i;

		if (pid >= PROC_MAX * 32)
			pid -= PROC_MAX * 32 - 2;
		if (!F->by_pid[pid % PROC_MAX]) {
			F->last_pid = pid;
			return pid;
		}
	}
	return 0;
}

static void limits_default(struct task *t)
{
	for (int i = 0; i < 16; i++)
		t->limit[i][0] = t->limit[i][1] = RLIM_INFINITY;
	t->limit[RLIMIT_STACK][0] = 8ul << 20;
	t->limit[RLIMIT_NPROC][0] = t->limit[RLIMIT_NPROC][1] = PROC_MAX;
	t->limit[RLIMIT_NOFILE][0] = t->limit[RLIMIT_NOFILE][1] = FD_MAX;
}

static void list_insert(struct task *t)
{
	struct task **at = &F->tasks;

	while (*at && (*at)->pid < t->pid)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
	F->by_pid[t->pid % PROC_MAX] = t;
	F->task_count++;
}

struct task *task_new(struct task *parent)
{
	struct task *t = fam_alloc(sizeof *t);
	int pid = t ? pid_take() : 0;

	if (!pid) {
		fam_free(t);
		return 0;
	}
	t->pid = pid;
	t->start_ns = clock_ns();
	t->state = TASK_NEW;
	if (parent) {
		t->parent = parent;
		t->sibling = parent->child;
		parent->child = t;
		t->pgrp = parent->pgrp;
		t->session = parent->session;
		memcpy(t->name, parent->name, sizeof t->name);
		memcpy(t->limit, parent->limit, sizeof t->limit);
		signal_fork(t, parent);
	} else {
		t->pgrp = t->session = pid;
		limits_default(t);
	}
	list_insert(t);
	return t;
}

void task_free(struct task *t)
{
	struct task **at;

	for (at = &F->tasks; *at != t; at = &(*at)->next)
		;
	*at = t->next;
	F->by_pid[t->pid % PROC_MAX] = 0;
	F->task_count--;
	if (t->parent) {
		for (at = &t->parent->child; *at != t; at = &(*at)->sibling)
			;
		*at = t->sibling;
	}
	fam_free(t);
}

uint64_t task_ticks(const struct task *t)
{
	const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(t->env)];

	if (!t->env || e->name != t->env)
		return t->run_before;
	return t->run_before + e->run_time;
}

void task_set_name(struct task *t, const char *path)
{
	const char *last = strrchr(path, '/');
	size_t n;

	last = last ? last + 1 : path;
	n = strnlen(last, sizeof t->name - 1);
	memset(t->name, 0, sizeof t->name);
	memcpy(t->name, last, n);
}

void task_drop_image(struct task *t)
{
	if (t->exe)
		inode_put(t->exe);
	fam_free(t->cmdline);
	t->exe = 0;
	t->cmdline = 0;
	t->cmdline_size = 0;
}

struct task *current_task(void) { return P->task; }
struct file_state *current_files(void) { return P->task->files; }
int current_pid(void) { return P->task->pid; }
int current_ppid(void) { return P->task->parent ? P->task->parent->pid : 0; }
int current_pgrp(void) { return P->task->pgrp; }
int current_session(void) { return P->task->session; }
struct task *task_first(void) { return F->tasks; }
struct task *task_next(struct task *t) { return t->next; }

struct task *task_by_pid(int pid)
{
	struct task *t = pid > 0 ? F->by_pid[pid % PROC_MAX] : 0;

	return t && t->pid == pid ? t : 0;
}

static char state_letter(const struct task *t)
{
	switch (t->state) {
	case TASK_RUNNABLE: return 'R';
	case TASK_STOPPED: return 'T';
	case TASK_ZOMBIE: return 'Z';
	default: return 'S';
	}
}

void task_look(struct task *t, struct task_view *out)
{
	*out = (struct task_view){
		.pid = t->pid, .ppid = t->parent ? t->parent->pid : 0, .pgrp = t->pgrp, .session = t->session, .exit_status = t->exit_status,
		.state = state_letter(t), .start_ns = t->start_ns, .vsize = t->vsize, .rss_pages = t->rss_pages, .files = t->files, .exe = t->exe,
		.cmdline = t->cmdline, .cmdline_size = t->cmdline_size,
	};
	memcpy(out->name, t->name, sizeof out->name);
	if (t->env && rt_envs[EXO_NAME_INDEX(t->env)].name == t->env)
		out->rss_pages = rt_envs[EXO_NAME_INDEX(t->env)].frames;
	out->run_ns = (uint64_t)((unsigned __int128)task_ticks(t) * rt_info->ns_mult >> 32);
}
