/* SPDX-License-Identifier: MIT */
/* Who traces whom: how it begins, what is inherited and told, how it ends. */
#include <linux/sched.h>
#include <linux/wait.h>
#include <posix/signal/signals.h>
#include "ptrace.h"
#include "usage.h"

#define SA_NOCLDSTOP_BIT 1ul

static uint64_t vector_pages(void)
{
	return (MAX_OF((uint64_t)rt_info->xsave_size, 1024ul) + PAGE - 1) / PAGE;
}

static int is_leader(const struct thread *th) { return th->tid == th->task->pid; }

/* ---- records */
static struct trace *record_of(struct thread *th)
{
	struct trace *t = th->trace;

	if (t)
		return t;
	t = fam_alloc(sizeof *t);
	if (!t)
		return NULL;
	t->vector = fam_pages(vector_pages());
	if (!t->vector) {
		fam_free(t);
		return NULL;
	}
	t->thread = th;
	th->trace = t;
	return t;
}

struct trace *ptrace_begin(struct thread *th, struct thread *tracer, int is_seized, uint32_t options)
{
	struct trace *t = record_of(th);

	if (!t)
		return NULL;
	t->tracer = tracer;
	t->is_seized = is_seized;
	t->options = options;
	t->how = PTRACE_CONT;
	t->traps = 0;
	t->at = &tracer->task->traced;
	t->next = *t->at;
	if (t->next)
		t->next->at = &t->next;
	*t->at = t;
	return t;
}

static void unlink(struct trace *t)
{
	*t->at = t->next;
	if (t->next)
		t->next->at = t->at;
	t->tracer = NULL;
}

void ptrace_free(struct thread *th)
{
	struct trace *t = th->trace;

	if (!t)
		return;
	if (t->tracer)
		unlink(t);
	fam_pages_free(t->vector, vector_pages());
	fam_free(t);
	th->trace = NULL;
}

/* A thread that ended, and was kept for its tracer alone. */
static void thread_drop(struct thread *th)
{
	usage_keep(th->task, th);
	ptrace_free(th);
	thread_free(th);
}

void ptrace_end(struct trace *t)
{
	struct thread *th = t->thread;
	struct task *task = th->task;
	int hidden = ptrace_hides(task);

	unlink(t);
	if (task->state == TASK_ZOMBIE) {
		if (hidden && is_leader(th))
			task_told(task);
	} else if (th->state == THREAD_ENDED) {
		if (!is_leader(th))
			thread_drop(th);
	} else if (t->state != TRACE_RUNS) {
		t->state = TRACE_RUNS;
		thread_run(th);
	}
}

void ptrace_end_all(struct task *task, const struct thread *tracer)
{
	struct trace *next;

	for (struct trace *t = task->traced; t; t = next) {
		int pid = t->thread->task->pid, kills = t->options & PTRACE_O_EXITKILL;

		next = t->next;
		if (tracer && t->tracer != tracer)
			continue;
		ptrace_end(t);
		if (kills)
			(void)signal_send(pid, SIGKILL);
		family_progress();
	}
}

int ptrace_hides(const struct task *t)
{
	const struct trace *tr = ptrace_of(t->threads);

	return tr && tr->tracer->task != t->parent;
}

/* ---- what the tracer is told */
void ptrace_tell(struct trace *t, int why, int status)
{
	struct task *tracer = t->tracer->task;
	const struct signal_cause cause = { .code = why, .pid = t->thread->tid, .status = status };
	int is_stop = why == CLD_TRAPPED || why == CLD_STOPPED;

	if (!is_stop || !(tracer->signals.action[SIGCHLD].flags & SA_NOCLDSTOP_BIT))
		(void)signal_send_info(tracer, SIGCHLD, &cause);
	wake_up(tracer);
}

static void end_tell(struct trace *t, int status)
{
	ptrace_tell(t, end_why(status), end_value(status));
}

int ptrace_thread_ended(struct thread *th, int status)
{
	struct trace *t = ptrace_of(th);

	if (!t || is_leader(th))
		return 0;
	t->status = status;
	t->state = TRACE_RUNS;
	end_tell(t, status);
	return 1;
}

int ptrace_task_ended(struct task *t)
{
	if (!ptrace_hides(t))
		return 0;
	end_tell(t->threads->trace, t->exit_status);
	return 1;
}

/* ---- its wait */
static int is_wanted(const struct trace *t, int pid, int options)
{
	const struct thread *th = t->thread;

	if (options & __WNOTHREAD && t->tracer != P->thread)
		return 0;
	if (pid > 0 || pid == -1)
		return pid == -1 || th->tid == pid;
	return th->task->pgrp == (pid ? -pid : P->task->pgrp);
}

/* The end of a process that its parent shall hear of later, or of a thread. 1: *status is that. */
static int end_take(struct trace *t, int options, int *status)
{
	struct thread *th = t->thread;
	struct task *task = th->task;

	if (!(options & WEXITED) || (is_leader(th) && (task->state != TASK_ZOMBIE || task->parent == P->task)))
		return 0;
	*status = is_leader(th) ? task->exit_status : t->status;
	if (options & WNOWAIT)
		return 1;
	if (is_leader(th) || task->state == TASK_ZOMBIE)
		ptrace_end(t);
	else
		thread_drop(th);
	return 1;
}

int ptrace_wait(int pid, int options, int *any, int *status, struct usage *usage)
{
	struct trace *next;

	for (struct trace *t = P->task->traced; t; t = next) {
		int tid = t->thread->tid;

		next = t->next;
		if (!is_wanted(t, pid, options))
			continue;
		*any = 1;
		*usage = usage_of(t->thread->task);
		if (t->thread->state == THREAD_ENDED) {
			if (end_take(t, options, status))
				return tid;
		} else if (t->status) {
			*status = t->status;
			if (!(options & WNOWAIT))
				t->status = t->sig = 0;
			return tid;
		}
	}
	return 0;
}

/* ---- what a thread makes */
static int event_of(uint64_t flags, int exit_signal)
{
	if (flags & CLONE_VFORK)
		return PTRACE_EVENT_VFORK;
	return exit_signal != SIGCHLD ? PTRACE_EVENT_CLONE : PTRACE_EVENT_FORK;
}

static struct trace *event_wanted(uint64_t flags, int exit_signal)
{
	struct trace *t = ptrace_of(P->thread);

	if (!t || flags & CLONE_UNTRACED || !(t->options & 1u << event_of(flags, exit_signal)))
		return NULL;
	return t;
}

int ptrace_child(struct thread *child, uint64_t flags, int exit_signal)
{
	struct trace *mine = ptrace_of(P->thread), *t;

	if (!mine || !(flags & CLONE_PTRACE || event_wanted(flags, exit_signal)))
		return 0;
	t = ptrace_begin(child, mine->tracer, mine->is_seized, mine->options);
	if (!t)
		return -ENOMEM;
	if (t->is_seized) {
		t->traps = TRAP_ASKED;
		child->signals.forced |= SIGNAL_BIT(SIGSTOP);
	} else {
		child->signals.pending |= SIGNAL_BIT(SIGSTOP);
	}
	return 0;
}

void ptrace_forked(uint64_t flags, int exit_signal, int pid)
{
	if (event_wanted(flags, exit_signal))
		ptrace_event(P->thread, event_of(flags, exit_signal), (uint64_t)pid);
}

void ptrace_vforked(int pid)
{
	ptrace_event(P->thread, PTRACE_EVENT_VFORK_DONE, (uint64_t)pid);
}

void ptrace_notify(struct task *task)
{
	for (struct thread *th = task->threads; th; th = th->next)
		if (ptrace_of(th) && th->trace->is_seized)
			ptrace_trap(th->trace, TRAP_NOTIFY);
}

void ptrace_trap(struct trace *t, int trap)
{
	struct thread *th = t->thread;

	if (th->state == THREAD_ENDED)
		return;
	t->traps |= trap;
	th->signals.forced |= SIGNAL_BIT(SIGSTOP);
	if (t->state == TRACE_LISTENS || th->state == THREAD_STOPPED)
		thread_run(th);
	else
		signal_poke(th, SIGSTOP);
}
