/* SPDX-License-Identifier: MIT */
/* Sleeping on a channel, and what ends it: a wake-up, a signal, the time. */
#include "library.h"

int sleep_on(void *channel, uint64_t deadline)
{
	struct task *t = P->task;

	if (signal_pending())
		return -EINTR;
	t->channel = channel;
	t->deadline = deadline;
	t->wake_result = 0;
	sched_block(TASK_SLEEPING);
	t->deadline = 0;
	return t->wake_result;
}

void wake_up(void *channel)
{
	for (struct task *t = F->tasks; t; t = t->next)
		if (t->state == TASK_SLEEPING && t->channel && (t->channel == channel || t->channel == POLL_CHANNEL))
			task_run(t);
}

void init_poke(void)
{
	if (!P->is_first)
		(void)gate_notify(F->first, 1);
}

void task_interrupt(struct task *t)
{
	if (t->state == TASK_SLEEPING && t->channel && !t->uninterruptible) {
		t->wake_result = -EINTR;
		task_run(t);
	} else if (t != P->task && t->env && t->env != P->self) {
		(void)gate_notify(t->env, 1);
	}
}

uint64_t sleepers_run(uint64_t now)
{
	uint64_t next = 0;

	for (struct task *t = F->tasks; t; t = t->next) {
		if (t->state != TASK_SLEEPING || !t->channel || !t->deadline)
			continue;
		if (t->deadline <= now) {
			t->wake_result = -ETIMEDOUT;
			task_run(t);
		} else if (!next || t->deadline < next) {
			next = t->deadline;
		}
	}
	return next;
}
