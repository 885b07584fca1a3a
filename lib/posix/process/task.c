/* SPDX-License-Identifier: MIT */
/* The table of processes: records, pids, kin, and what others may ask about them. Who runs is sched.c's, who ends is exit.c's. */
#include <posix/library.h>
#include <linux/resource.h>
#include <base/fmt.h>
#include <fs/files.h>
#include "pidfd.h"
#include "ptrace.h"
#include "usage.h"
#include <posix/signal/signals.h>

#define MSGQUEUE_BYTES 819200       /* as Linux begins with */
#define MEMLOCK_BYTES  (8ul << 20) /* the same; root may lock more */

static void limits_default(struct task *t)
{
	for (int i = 0; i < 16; i++)
		t->limit[i][0] = t->limit[i][1] = RLIM_INFINITY;
	t->limit[RLIMIT_STACK][0] = 8ul << 20;
	t->limit[RLIMIT_CORE][0] = 0;
	t->limit[RLIMIT_NPROC][0] = t->limit[RLIMIT_NPROC][1] = PROC_MAX;
	t->limit[RLIMIT_NOFILE][0] = FD_SOFT;
	t->limit[RLIMIT_NOFILE][1] = FD_MAX;
	/* Linux: half as many as there may be threads, whose stacks may take an eighth of RAM. */
	t->limit[RLIMIT_SIGPENDING][0] = t->limit[RLIMIT_SIGPENDING][1] = rt_info->frames_ram / 64;
	t->limit[RLIMIT_MEMLOCK][0] = t->limit[RLIMIT_MEMLOCK][1] = MEMLOCK_BYTES;
	t->limit[RLIMIT_NICE][0] = t->limit[RLIMIT_NICE][1] = t->limit[RLIMIT_RTPRIO][0] = t->limit[RLIMIT_RTPRIO][1] = 0;
	t->limit[RLIMIT_MSGQUEUE][0] = t->limit[RLIMIT_MSGQUEUE][1] = MSGQUEUE_BYTES;
	t->dump_filter = DUMP_USUAL;
}

static void list_insert(struct task *t)
{
	struct task *before = F->tasks_end;

	while (before && before->pid > t->pid)
		before = before->prev;
	t->prev = before;
	t->next = before ? before->next : F->tasks;
	*(before ? &before->next : &F->tasks) = t;
	*(t->next ? &t->next->prev : &F->tasks_end) = t;
	F->task_count++;
}

static void list_remove(struct task *t)
{
	*(t->prev ? &t->prev->next : &F->tasks) = t->next;
	*(t->next ? &t->next->prev : &F->tasks_end) = t->prev;
	F->task_count--;
}

static void sibling_first(struct task *t)
{
	t->elder = NULL;
	t->sibling = t->parent->child;
	if (t->sibling)
		t->sibling->elder = t;
	t->parent->child = t;
}

static void sibling_leave(struct task *t)
{
	*(t->elder ? &t->elder->sibling : &t->parent->child) = t->sibling;
	if (t->sibling)
		t->sibling->elder = t->elder;
}

void task_child_of(struct task *t, struct task *parent)
{
	if (t->parent) {
		sibling_leave(t);
		t->parent->news_count -= (uint32_t)t->has_news;
	}
	t->parent = parent;
	sibling_first(t);
	parent->news_count += (uint32_t)t->has_news;
}

void task_news_set(struct task *t, int has)
{
	if (t->has_news == has || !t->parent)
		return;
	t->has_news = has;
	t->parent->news_count += has ? 1 : -1u;
	if (has) {
		sibling_leave(t);
		sibling_first(t);
	}
}

void task_stop_set(struct task *t, int sig)
{
	F->stopped_count += (uint32_t)(!!sig - !!t->stop_signal);
	t->stop_signal = sig;
}

struct task *task_new(struct task *parent)
{
	struct task *t = fam_alloc_any(sizeof *t);
	struct thread *leader;

	if (!t)
		return 0;
	/* Actions come below; a cause is written before its signal is pending. Both are most of it. */
	memset(t, 0, offsetof(struct task, signals.action));
	memset(&t->signals.waits, 0, sizeof *t - offsetof(struct task, signals.waits));
	leader = thread_new(t, 0);
	if (!leader) {
		fam_free(t);
		return 0;
	}
	t->pid = leader->tid;
	t->start_ns = clock_ns();
	t->state = TASK_NEW;
	if (parent) {
		task_child_of(t, parent);
		t->maker = P->thread ? P->thread->tid : 0;
		t->pgrp = parent->pgrp;
		t->session = parent->session;
		memcpy(t->name, parent->name, sizeof t->name);
		memcpy(t->limit, parent->limit, sizeof t->limit);
		if (t->limit[RLIMIT_CPU][0] != RLIM_INFINITY || t->limit[RLIMIT_CPU][1] != RLIM_INFINITY)
			cpu_limit_watch(t);
		t->dump_filter = parent->dump_filter;
		t->oom_adjust = parent->oom_adjust;
		signal_fork(t, parent);
	} else {
		t->pgrp = t->session = t->pid;
		limits_default(t);
		memset(t->signals.action, 0, sizeof t->signals.action);
	}
	list_insert(t);
	task_born();
	return t;
}

void task_free(struct task *t)
{
	list_remove(t);
	task_gone(t);
	pidfds_leave(t);
	handlers_leave(t);
	waiters_end(&t->signals.waits);
	timer_stop(&t->cpu_limit);
	timer_stop(&t->realtime_limit);
	task_stop_set(t, 0);
	task_news_set(t, 0);
	if (t->parent)
		sibling_leave(t);
	while (t->threads) {
		ptrace_free(t->threads);
		thread_free(t->threads);
	}
	fam_free(t);
}

uint64_t task_ticks(const struct task *t)
{
	uint64_t sum = t->run_before;

	for (const struct thread *th = t->threads; th; th = th->next)
		sum += thread_ticks(th);
	return sum;
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

void task_env_note(const struct task *t)
{
	struct env_names *names = F->env_names;

	if (!names)
		return;
	if (names->count < ENV_NAMES_MOST) {
		struct env_name *n = names->of + names->count;

		*n = (struct env_name){ .env = t->env, .tsc = rt_tsc(), .pid = t->pid };
		memcpy(n->name, t->name, sizeof n->name);
	}
	names->count++;
}

void task_drop_image(struct task *t)
{
	if (t->exe)
		inode_run_end(t->exe);
	t->exe = 0;
}

struct task *current_task(void) { return P->task; }
uint64_t current_limit(int which) { return P->task->limit[which][0]; }
struct file_state *current_files(void) { return P->task->files; }
struct places *current_places(void) { return P->task->places; }
int files_unshare(void) { return files_own(&P->task->files); }
int places_unshare(void) { return places_own(&P->task->places); }
uint32_t current_threads(void) { return P->task->thread_count; }
int current_tid(void) { return P->thread->tid; }
int current_pid(void) { return P->task->pid; }
int current_ppid(void) { return P->task->parent ? P->task->parent->pid : 0; }
int current_pgrp(void) { return P->task->pgrp; }
int current_session(void) { return P->task->session; }
struct task *task_first(void) { return F->tasks; }
struct task *task_next(struct task *t) { return t->next; }

struct task *task_by_pid(int pid)
{
	struct thread *th = thread_by_tid(pid);

	return th && th->task->pid == pid ? th->task : 0;
}

static char thread_letter(const struct thread *th)
{
	if (th->trace && th->trace->state != TRACE_RUNS)
		return 't';
	switch (th->state) {
	case THREAD_RUNNABLE: return 'R';
	case THREAD_STOPPED: return 'T';
	case THREAD_ENDED: return 'Z';
	default: return 'S';
	}
}

static uint64_t signals_by_handler(const struct task *t, int ignored)
{
	uint64_t bits = 0;

	for (int sig = 1; sig <= SIGNAL_COUNT; sig++)
		if (ignored ? t->signals.action[sig].handler == HANDLER_IGNORE
			: t->signals.action[sig].handler > HANDLER_IGNORE)
			bits |= SIGNAL_BIT(sig);
	return bits;
}

static char group_letter(const struct task *t, const struct thread *th)
{
	char own = thread_letter(th);

	return t->stop_signal && own != 't' ? 'T' : own;
}

static char task_letter(const struct task *t)
{
	if (t->state == TASK_ZOMBIE)
		return 'Z';
	return group_letter(t, t->threads);
}

static int tracer_of(const struct thread *th)
{
	return th->trace && th->trace->tracer ? th->trace->tracer->task->pid : 0;
}

void task_look(struct task *t, struct task_view *out)
{
	const struct usage u = usage_of(t);

	*out = (struct task_view){
		.tid = t->pid, .pid = t->pid, .ppid = t->parent ? t->parent->pid : 0, .pgrp = t->pgrp, .session = t->session,
		.exit_status = t->exit_status, .state = task_letter(t), .threads = t->thread_count, .nice = t->threads->nice,
		.start_ns = t->start_ns, .vsize = t->vsize, .rss_pages = task_frames(t), .files = t->files, .places = t->places,
		.exe = t->exe,
		.user_ns = u.user_ns, .system_ns = u.system_ns,
		.child_user_ns = t->children.user_ns, .child_system_ns = t->children.system_ns, .faults = u.faults,
		.child_faults = t->children.faults, .pending = t->signals.pending | t->threads->signals.pending,
		.blocked = t->threads->signals.blocked, .ignored = signals_by_handler(t, 1), .caught = signals_by_handler(t, 0),
		.policy = t->threads->policy, .priority = t->threads->priority, .rank = t->threads->rank,
		.exit_signal = t->exit_signal, .tracer = tracer_of(t->threads), .run_ns = u.user_ns + u.system_ns,
	};
	memcpy(out->name, t->name, sizeof out->name);
}

int thread_look(int tid, struct task_view *out)
{
	struct thread *th = thread_by_tid(tid);

	if (!th)
		return -ESRCH;
	task_look(th->task, out);
	if (tid == out->pid)
		return 0;
	out->tid = tid;
	out->state = group_letter(th->task, th);
	out->tracer = tracer_of(th);
	out->user_ns = thread_times(th).user;
	out->system_ns = thread_times(th).system;
	out->run_ns = out->user_ns + out->system_ns;
	out->nice = th->nice;
	out->policy = th->policy;
	out->priority = th->priority;
	out->rank = th->rank;
	out->blocked = th->signals.blocked;
	memcpy(out->name, th->name, sizeof out->name);
	return 0;
}

int thread_tid_from(int pid, int from)
{
	struct task *t = task_by_pid(pid);
	int best = 0;

	for (const struct thread *th = t ? t->threads : 0; th; th = th->next)
		if (th->state != THREAD_ENDED && th->tid >= from && (!best || th->tid < best))
			best = th->tid;
	return best;
}

void space_note(enum space_news news)
{
	switch (news) {
	case SPACE_CHANGED:
		P->task->vsize = SPACE->region_bytes;
		if (SPACE->region_bytes > P->task->vsize_most)
			P->task->vsize_most = SPACE->region_bytes;
		break;
	case SPACE_SHRINKS:
		usage_note();
		break;
	case SPACE_IS_WX:
		rt_log("%s[%d]: asks for memory that is writable and executable", P->task->name, P->task->pid);
		break;
	}
}

void fault_note(void) { P->task->own.faults++; }
