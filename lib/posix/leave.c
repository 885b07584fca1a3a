/* SPDX-License-Identifier: MIT */
/* Back to user code, from anywhere in the library: by way of the signals that are there, and without the lock. */
#include "library.h"
#include <posix/signal/signals.h>

/* What a QUICK call left in the exo page. */
void quick_complete(struct user_regs *r)
{
	r->rcx = r->rip = P->exo->foreign_rip;
	r->r11 = r->rflags = P->exo->foreign_flags;
	r->orig_rax = -1ul;
	r->full = 0;
}

/* A call that was interrupted where no handler ran is made again. */
static void call_restart(struct user_regs *r)
{
	if (r->orig_rax == -1ul || (int64_t)r->rax > -ERESTARTSYS || (int64_t)r->rax < -ERESTART_LAST)
		return;
	r->rax = r->orig_rax;
	r->rip -= 2;
	r->full = 1;
}

void user_return(void)
{
	struct process *p = P;

	for (;;) {
		while (signals_ready(p->thread)) {
			if (!family_locked())
				family_lock();
			signal_deliver(&p->regs);
		}
		call_restart(&p->regs);
		p->regs.orig_rax = -1ul;
		if (family_locked())
			family_unlock();
		user_leave(&p->regs, p->exo);
		sched_take_events(1);
	}
}
