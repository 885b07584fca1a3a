/* SPDX-License-Identifier: MIT */
/* Asking another process: a request in its record, seen where it leaves the library or comes back from a sleep. */
#include <fs/files.h>
#include <posix/file/aio.h>
#include <posix/library.h>
#include <linux/signal.h>
#include "ask.h"

#define PATIENCE (2 * NS) /* it may wait for a vfork child, or never get the CPU */

struct ask { void (*serve)(void *); void *with; int done, result; };

/* Somebody of t's env looks soon: a sleeper by a wake-up, after which it looks at its condition anew. */
static int poke(struct task *t)
{
	for (struct thread *th = t->threads; th; th = th->next) {
		if (th->state == THREAD_STOPPED || (th->state == THREAD_SLEEPING && th->channel)) {
			thread_run(th);
			return 1;
		}
		if (th->state == THREAD_RUNNABLE) {
			(void)gate_notify(t->env, 1);
			return 1;
		}
	}
	return 0;
}

static void done(struct task *t, int result)
{
	struct ask *a = t->asked;

	t->asked = 0;
	if (a == ASK_LOOK)
		return;
	a->result = result;
	a->done = 1;
	wake_up(a);
	wake_up(&t->asked);
}

/* Of files that lost pages since the last look, this space shows none of those any more: faults bring what is there. */
static void cuts_take(void)
{
	uint32_t before = SPACE->cuts;

	if (before == F->cuts)
		return;
	SPACE->cuts = F->cuts;
	for (struct region *r = region_first(); r; r = region_next(r))
		if (r->inode && (int32_t)(inode_cuts(r->inode) - before) > 0)
			mapping_renew(r, inode_size(r->inode));
}

/* Pages were taken by force: what comes of a process without them is wrong. */
static void taken_see(struct task *t)
{
	if (!P->exo->repossessed || t->signals.pending & SIGNAL_BIT(SIGKILL))
		return;
	rt_log("%s[%d]: killed: its memory was taken", t->name, t->pid);
	(void)signal_send(t->pid, SIGKILL);
}

void ask_serve(void)
{
	struct task *t = P->task;

	taken_see(t);
	cuts_take();
	if (!t->asked || t->is_answering) /* an answer may sleep */
		return;
	t->is_answering = 1;
	if (t->aio)
		aio_serve(t);
	if (t->asked != ASK_LOOK)
		t->asked->serve(t->asked->with);
	t->is_answering = 0;
	done(t, 0);
}

void stopped_rest(void)
{
	if (P->task->asked && !P->task->is_answering)
		ask_serve();
	else
		sched_block(THREAD_STOPPED);
}

void ask_look(struct task *t)
{
	if (!t->asked)
		t->asked = ASK_LOOK;
	(void)poke(t);
}

void ask_refuse(struct task *t)
{
	if (t->asked)
		done(t, -ESRCH);
}

int task_ask(struct task *t, void (*serve)(void *), void *with)
{
	uint64_t deadline = clock_after(PATIENCE);
	int pid = t->pid, e = 0;
	struct ask *a;

	if (t->env == P->self) {
		serve(with);
		return 0;
	}
	while (t->asked && t->asked != ASK_LOOK && !e) {
		e = sleep_on(&t->asked, deadline);
		t = task_by_pid(pid);
		if (!t)
			return -ESRCH;
	}
	if (e || t->state != TASK_ALIVE || t->is_init)
		return e == -EINTR ? e : -ESRCH;
	if (!(a = fam_alloc(sizeof *a)))
		return -ENOMEM;
	*a = (struct ask){ serve, with, 0, 0 };
	t->asked = a;
	e = poke(t) ? 0 : -ESRCH;
	while (!e && !a->done)
		e = sleep_on(a, deadline);
	/* Who did not come to it has not ended either: that would have been told. */
	if (!a->done)
		t->asked = ASK_LOOK;
	else
		e = a->result;
	fam_free(a);
	return e == -ETIMEDOUT ? -ESRCH : e;
}
