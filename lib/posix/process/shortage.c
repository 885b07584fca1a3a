/* SPDX-License-Identifier: MIT */
/* No frame is left, and the dead hold none either, nor has the caller a page that swap would take: others give up some
 * of theirs. Where there is no swap, or nobody has any, a process is killed that owns many frames, as Linux chooses it:
 * who merely asks for the next one is seldom to blame. The same when who made this family's box asks for memory back.
 * Before that, who forks and forks is refused. */
#include <posix/library.h>
#include <linux/signal.h>
#include <vm/swap.h>
#include "ask.h"
#include "usage.h"
#include <posix/parts.h>

int64_t task_weight(const struct task *t)
{
	return (int64_t)task_frames(t) + t->oom_adjust * (int64_t)SAID->frames / 1000;
}

static int may_be_killed(const struct task *t)
{
	return t->env && t->state == TASK_ALIVE && !t->is_init && t->oom_adjust > -1000;
}

/* ---- who is to blame: by process group, since a bomb's members are many and small, and whoever waits beside them for
 * his prompt is larger than each */

#define GROUPS 96 /* more are not added up: each of their processes counts for itself */
#define ALIKE  64 /* frames; who has so many fewer than another is as large as he is */

struct groups {
	struct { int pgrp; uint32_t frames; } of[GROUPS];
};

/* Its place, or an empty one; NULL: there is neither. */
static uint32_t *group_frames(struct groups *g, int pgrp)
{
	for (unsigned i = 0, at = (unsigned)pgrp % GROUPS; i < GROUPS; i++, at = (at + 1) % GROUPS)
		if (!g->of[at].pgrp || g->of[at].pgrp == pgrp) {
			g->of[at].pgrp = pgrp;
			return &g->of[at].frames;
		}
	return NULL;
}

static int64_t group_weight(struct groups *g, const struct task *t)
{
	const uint32_t *sum = group_frames(g, t->pgrp);

	return sum ? (int64_t)*sum : task_weight(t);
}

static void groups_add(struct groups *g)
{
	memset(g, 0, sizeof *g);
	for (const struct task *t = F->tasks; t; t = t->next) {
		uint32_t *sum = may_be_killed(t) ? group_frames(g, t->pgrp) : NULL;

		if (sum)
			*sum += (uint32_t)MAX_OF(task_weight(t), 0l);
	}
}

/* The largest of the largest group; the last of those that are as large. */
static struct task *largest(void)
{
	struct groups g;
	struct task *most = P->task;
	int64_t least;

	groups_add(&g);
	for (struct task *t = F->tasks; t; t = t->next) {
		int64_t more = may_be_killed(t) ? group_weight(&g, t) - group_weight(&g, most) : -1;

		if (more > 0 || (!more && task_weight(t) > task_weight(most)))
			most = t;
	}
	least = task_weight(most) - ALIKE;
	for (struct task *t = most->next; t; t = t->next)
		if (may_be_killed(t) && t->pgrp == most->pgrp && t->oom_adjust == most->oom_adjust && task_weight(t) >= least)
			most = t;
	return most;
}

/* What the last processes and frames are kept for: those of groups that have few. */
#define GROUP_FEW      64
#define PROCESSES_KEPT 64

int fork_is_refused(void)
{
	unsigned n = 0;

	if (F->task_count < PROC_MAX - PROCESSES_KEPT && frames_left() >= F->frame_reserve / 4 * 3)
		return 0;
	for (const struct task *t = F->tasks; t; t = t->next)
		n += t->pgrp == P->task->pgrp;
	return n > GROUP_FEW;
}

#define ASKED_MOST 8 /* of the largest */

/* The largest of the others that has fewer frames than that: what it has, 0: none. */
static uint64_t largest_below(uint64_t below, int *pid)
{
	uint64_t most = 0;

	for (const struct task *t = F->tasks; t; t = t->next) {
		uint64_t n = t->env && t->state == TASK_ALIVE && !t->is_init && t->env != P->self ? task_frames(t) : 0;

		if (n > most && n < below) {
			most = n;
			*pid = t->pid;
		}
	}
	return most;
}

static void give(void *with)
{
	uint64_t *n = with;

	*n = swap_out(*n);
}

/* Each in its own env, also one that sleeps: it gets a turn for it, and sleeps on. True: somebody gave some. */
static int others_give(void)
{
	uint64_t *n = F->swap ? fam_alloc(sizeof *n) : NULL, frames = ~0ul, gave = 0;
	int pid, e = 0;

	for (int i = 0; n && !gave && e != -EINTR && i < ASKED_MOST && (frames = largest_below(frames, &pid)); i++) {
		*n = F->frame_reserve / 8;
		e = task_ask(task_by_pid(pid), give, n);
		gave = e ? 0 : *n;
	}
	fam_free(n);
	return gave || e == -EINTR;
}

void memory_shortage(uint64_t addr)
{
	struct task *t;

	if (control_give_back() || data_give_back() || others_give())
		return;
	t = largest();
	if (!(t->signals.pending & SIGNAL_BIT(SIGKILL))) {
		rt_log("%s[%d]: killed: out of memory, wanted by %s[%d] at 0x%lx", t->name, t->pid, P->task->name, P->task->pid,
			addr);
		(void)signal_send(t->pid, SIGKILL);
	}
	if (t != P->task)
		sched_give_way();
}

/* Files may have more than all processes together: then nobody's end would help. */
static uint64_t killed_would_free(void)
{
	uint64_t n = 0;

	for (const struct task *t = F->tasks; t; t = t->next)
		if (may_be_killed(t))
			n += task_frames(t);
	return n;
}

/* Only each itself sees that it lost pages, also one that sleeps. */
static void taken_look(void)
{
	for (struct task *t = F->tasks; t; t = t->next)
		if (t->state == TASK_ALIVE && !t->is_init)
			ask_look(t);
}

/* What is to be given back is known by its deadline. One process at a time: what the last one had comes back first. */
void memory_return(void)
{
	const volatile struct exo_page *exo = P->exo;
	struct task *t = task_by_pid(F->returns.victim);
	uint64_t used = rt_envs[EXO_NAME_INDEX(P->self)].used[EXO_C_FRAMES];

	if (F->returns.frames > SAID->frames)
		taken_look();
	if (F->returns.frames != SAID->frames) {
		F->returns.frames = SAID->frames;
		reserves_set();
	}
	if (F->returns.deadline != exo->revoke_deadline) {
		F->returns.deadline = exo->revoke_deadline;
		F->returns.used = used - MIN_OF(used - 1, exo->revoke_count);
	}
	if (used <= F->returns.used || !F->returns.used) {
		F->returns.used = 0;
		return;
	}
	if (memory_recover() || data_give_back() || (t && t->state == TASK_ALIVE))
		return;
	t = largest();
	if (t == P->task || killed_would_free() < used - F->returns.used)
		return;
	F->returns.victim = t->pid;
	rt_log("%s[%d]: killed: memory was asked back", t->name, t->pid);
	(void)signal_send(t->pid, SIGKILL);
}
