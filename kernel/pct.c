/* SPDX-License-Identifier: MIT */
/* Protected control transfer: one env enters another that waits to be entered; registers are the message, time goes along. */
#include "kernel.h"

/* The message: rdx r10 r8 r9 r12 r13 r14 r15. Nothing else crosses. */
#define MESSAGE_COPY(to, from) ((to)->rdx = (from)->rdx, (to)->r10 = (from)->r10, (to)->r8 = (from)->r8, (to)->r9 = (from)->r9, \
	(to)->r12 = (from)->r12, (to)->r13 = (from)->r13, (to)->r14 = (from)->r14, (to)->r15 = (from)->r15)

/* The call that `caller` waits for is over, with this result; it runs when given time. */
void pct_release(struct env *caller, int64_t result)
{
	caller->callee->caller = NULL;
	caller->callee = NULL;
	caller->wait_deadline = 0;
	caller->save->regs.rax = (uint64_t)result;
	caller->public->state = EXO_S_READY;
}

void pct_forget(struct env *e)
{
	if (e->caller)
		pct_release(e->caller, -EXO_EDIED);
	if (e->callee) {
		e->callee->caller = NULL;
		e->callee = NULL;
	}
}

int64_t op_pct(uint64_t name, uint64_t deadline)
{
	struct env *me = current_env(), *to = env_by_name(name);
	if (!to)
		return -EXO_ESTALE;
	if (to->public->state != EXO_S_ACCEPTING)
		return -EXO_EAGAIN;
	if (deadline && !me->slice_count)
		return -EXO_EPERM;
	me->callee = to;
	to->caller = me;
	me->wait_deadline = deadline;
	me->public->state = EXO_S_CALLING;
	to->public->state = EXO_S_READY;
	MESSAGE_COPY(&to->save->regs, &me->save->regs);
	to->save->regs.rax = me->name;
	sched_switch(to);
	return 0;
}

int64_t op_pct_reply(uint64_t what)
{
	struct env *me = current_env(), *caller = me->caller;
	if (what & ~(uint64_t)(EXO_PCT_REPLY | EXO_PCT_ACCEPT) || !what)
		return -EXO_EINVAL;
	if (what & EXO_PCT_ACCEPT && !(what & EXO_PCT_REPLY) && caller)
		return -EXO_EBUSY; /* one caller at a time */
	if (what == EXO_PCT_REPLY && !caller)
		return -EXO_ENOENT;
	if (caller) {
		pct_release(caller, 0);
		MESSAGE_COPY(&caller->save->regs, &me->save->regs);
		if (what == EXO_PCT_REPLY)
			return 0;
	}
	me->public->state = EXO_S_ACCEPTING;
	if (caller)
		sched_switch(caller);
	else
		sched_leave();
	return 0;
}
