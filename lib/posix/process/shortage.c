/* SPDX-License-Identifier: MIT */
/* No frame is left, and the dead hold none either: the process that owns the most frames is killed, as Linux chooses
 * it. Who merely asks for the next one is seldom to blame. */
#include <posix/library.h>
#include <linux/signal.h>
#include "usage.h"

int64_t task_weight(const struct task *t)
{
	return (int64_t)task_frames(t) + t->oom_adjust * (int64_t)SAID->frames / 1000;
}

static struct task *largest(void)
{
	struct task *most = P->task;

	for (struct task *t = F->tasks; t; t = t->next)
		if (t->env && t->state == TASK_ALIVE && !t->is_init && t->oom_adjust > -1000
			&& task_weight(t) > task_weight(most))
			most = t;
	return most;
}

void memory_shortage(uint64_t addr)
{
	struct task *t;

	if (control_give_back() || data_give_back())
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
