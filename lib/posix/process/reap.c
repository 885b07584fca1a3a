/* SPDX-License-Identifier: MIT */
/* Processes that cannot end by themselves: the kernel stopped their env (no room for an upcall), it was ended from
 * outside, it waits in the kernel, as no member does, or it never takes a SIGKILL: it runs with upcalls switched off,
 * or has called an env that does not answer. Only an env's creator may kill it, and who made the account that it draws
 * on: the monitor does it for all others. Here end also children that are not made after all. */
#include <posix/library.h>
#include <linux/signal.h>
#include <fs/files.h>
#include <vm/swap.h>
#include "pidfd.h"
#include "seccomp.h"
#include "share.h"
#include "wish.h"

#define STRAYS_NS 1000000000u
#define KILL_PATIENCE_NS 500000000ul /* of CPU time since the SIGKILL, outside of the library's lock */

static const volatile struct exo_env *env_of(const struct task *t)
{
	const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(t->env)];

	return t->env && e->name == t->env ? e : 0;
}

static int may_have_died(const struct task *t)
{
	return t->env && t->state == TASK_ALIVE && !t->is_init;
}

static void stuck_say(const struct task *t, const volatile struct exo_env *e)
{
	if (e && e->state == EXO_S_STUCK)
		rt_log("%s[%d]: Segmentation fault: stuck at vector %u, address 0x%lx, rip 0x%lx", t->name, t->pid, e->stuck_vector,
			(unsigned long)e->stuck_addr, (unsigned long)e->stuck_rip);
	else if (e && e->state != EXO_S_DYING)
		rt_log("%s[%d]: ended: it waits in the kernel, where nobody would wake it", t->name, t->pid);
	else
		rt_log("%s[%d]: its environment is gone", t->name, t->pid);
}

/* All that sleep do so in the family's lists; their envs are ready, but for those that have called another one (PCT):
 * who gives them time gives it to that one. */
static int is_lost(const volatile struct exo_env *e)
{
	return e->state != EXO_S_READY && e->state != EXO_S_CALLING;
}

void child_undo(struct task *child)
{
	pidfd_undo(child);
	seccomp_drop(child->threads);
	share_end(child->threads);
	sem_undo_all(child);
	files_free(child->files);
	if (child->places)
		places_free(child->places);
	task_drop_image(child);
	task_free(child);
}

/* A maker may die with the lock in its hands, between a task and its env, or an env and its task: who has the lock now
 * sees what such a one left. */
static void unborn_undo(void)
{
	struct task *next;

	for (struct task *t = F->tasks; t; t = next) {
		next = t->next;
		if (t->state != TASK_NEW)
			continue;
		rt_log("%s[%d]: its maker died before it began", t->name, t->pid);
		if (t->files)
			child_undo(t);
		else
			task_free(t);
	}
}

/* An env of the family that is nobody's, 0 = there is none. */
static exo_name stray_find(void)
{
	const uint32_t account = rt_envs[EXO_NAME_INDEX(SAID->keeper)].account;
	uint64_t named[EXO_ENV_MAX / 64] = { 0 };

	for (const struct task *t = F->tasks; t; t = t->next)
		if (env_of(t))
			named[EXO_NAME_INDEX(t->env) / 64] |= 1ul << t->env % 64;
	for (uint64_t i = 0; i < EXO_ENV_MAX; i++) {
		const volatile struct exo_env *e = &rt_envs[i];

		if (e->state == EXO_S_FREE || e->state == EXO_S_DYING || e->account != account || named[i / 64] >> i % 64 & 1)
			continue;
		if (e->name != SAID->keeper && e->name != SAID->monitor)
			return e->name;
	}
	return 0;
}

/* Once a second. What an exec leaves is nobody's, too, until the new image ends it: only who is found twice is
 * ended. */
static void strays_end(void)
{
	uint64_t now = clock_ns();
	exo_name stray;

	if (now - F->strays_at < STRAYS_NS)
		return;
	F->strays_at = now;
	unborn_undo();
	stray = stray_find();
	if (stray && stray == F->stray) {
		rt_log("env %lx, which no process has, is ended", stray);
		(void)member_end(stray);
	}
	F->stray = stray;
}

void reap_stuck(void)
{
	int locked = family_locked();

	if (!locked)
		family_lock();
	F->reaped_at = clock_ns();
	/* Several processes may live in one env (vfork): the loop comes by all of them. */
	for (struct task *t = F->tasks; t; t = t->next) {
		const volatile struct exo_env *e = may_have_died(t) ? env_of(t) : 0;
		int overdue = t->kill_overdue;

		if (!may_have_died(t) || (e && !is_lost(e) && !overdue))
			continue;
		if (!overdue)
			stuck_say(t, e);
		/* From here on anyone can push its teardown. */
		if (e && !member_end(t->env))
			continue;
		vfork_release(t);
		task_bury(t, overdue ? SIGKILL : SIGSEGV);
	}
	swap_dead();
	if (P->is_keeper)
		strays_end();
	if (!locked)
		family_unlock();
}

/* True: one of the threads from there on is overdue. */
static int kill_look(struct thread *from)
{
	int any = 0;

	for (struct thread *th = from; th; th = th->run_next) {
		struct task *t = th->task;
		uint64_t ticks;

		if (!(t->signals.pending & SIGNAL_BIT(SIGKILL)) || F->told.lock == t->env)
			continue;
		ticks = task_ticks(t);
		if (!t->kill_ticks)
			t->kill_ticks = ticks | 1;
		else if (rt_calls(t->env) || (ticks > t->kill_ticks && ticks - t->kill_ticks > rt_ticks(KILL_PATIENCE_NS)))
			any = t->kill_overdue = 1;
	}
	return any;
}

void kill_enforce(void)
{
	if (kill_look(F->run_head) | kill_look(F->realtime.head))
		reap_stuck();
}
