/* SPDX-License-Identifier: MIT */
/* Upcalls: entering an env at an entry point that it registered, with a frame on its upcall stack. */
#include "kernel.h"

/* Why e cannot be entered goes into the public table; its creator decides. */
static void stuck(struct env *e, uint64_t vector, uint64_t addr)
{
	const struct trap *t = env_trap(e);
	struct exo_env *p = &envs[e->index];
	p->stuck_vector = (uint16_t)vector;
	p->stuck_addr = addr;
	p->stuck_rip = t->rip;
	if (e == first_env()) {
		klog("the first env is stuck: vector %u, address %#lx, rip %#lx", (unsigned)vector, addr, t->rip);
		machine_off(0, 255);
	}
	p->state = EXO_S_STUCK;
	pct_forget(e);
	if (e->creator)
		sched_event(e->creator, EXO_PEND_CHILD);
	sched_leave();
}

/* Writes the frame and turns the trap into an entry. False: no room. */
static bool push(struct env *e, uint64_t entry, uint64_t vector, uint64_t error, uint64_t addr)
{
	struct trap *t = env_trap(e);
	uint64_t base = e->group_va + EXO_GROUP_STACK, top = base + EXO_STACK_SIZE;
	uint64_t rsp = t->rsp;
	for (uint64_t i = 0; i < 2; i++)
		if (rsp - (uint64_t)e->stack[i] <= EXO_PAGE_SIZE) /* about to iretq by an alias */
			rsp = rsp - (uint64_t)e->stack[i] + base + i * EXO_PAGE_SIZE;
	/* The absent page below counts too: who faulted there has run out of stack. */
	bool inside = rsp >= base - EXO_PAGE_SIZE && rsp <= top;
	/* 128: the red zone of whoever runs there. */
	uint64_t at = ((inside ? rsp - 128 : top) - sizeof(struct exo_upcall)) & ~15ul;
	if ((at & (EXO_PAGE_SIZE - 1)) > EXO_PAGE_SIZE - sizeof(struct exo_upcall))
		at = (at | (EXO_PAGE_SIZE - 1)) + 1 - sizeof(struct exo_upcall); /* not across two frames */
	if (at < base || at >= top)
		return false;
	struct exo_upcall *u = (struct exo_upcall *)(e->stack[(at - base) >> EXO_PAGE_SHIFT] + (at & (EXO_PAGE_SIZE - 1)));
	u->resume = EXO_UPCALL_RESUME + (this_cpu()->iret_alias ? (uint64_t)u - at : 0);
	u->vector = vector;
	u->error = error;
	u->addr = addr;
	u->pending = e->exo->pending;
	u->disabled = e->exo->disabled;
	u->rip = t->rip;
	u->cs = EXO_USER_CS;
	u->rflags = t->rflags;
	u->rsp = t->rsp;
	u->ss = EXO_USER_SS;
	if (TRACED)
		trace_upcall(u);
	e->exo->disabled = 1;
	t->rip = entry;
	t->rsp = at;
	t->rflags = RFLAGS_IF | RFLAGS_FIX;
	return true;
}

void upcall_fault(uint64_t vector, uint64_t error, uint64_t addr)
{
	struct env *e = current_env();
	if (!e->entry[EXO_ENTRY_FAULT] || !push(e, e->entry[EXO_ENTRY_FAULT], vector, error, addr))
		stuck(e, vector, addr);
}

void upcall_async(void)
{
	struct env *e = current_env();
	uint32_t pending = e->exo->pending;
	if (!pending || e->exo->disabled || !e->entry[EXO_ENTRY_ASYNC])
		return;
	if (!push(e, e->entry[EXO_ENTRY_ASYNC], EXO_VECTOR_ASYNC, pending, 0))
		stuck(e, EXO_VECTOR_ASYNC, 0);
}

static void reflect(struct env *e, uint64_t entry)
{
	struct trap *t = env_trap(e);
	e->exo->disabled = 1;
	e->exo->foreign_rip = t->rip;
	e->exo->foreign_flags = t->rflags;
	t->rip = entry;
	t->rflags = RFLAGS_IF | RFLAGS_FIX;
}

/* While upcalls are disabled, a foreign call is refused as Linux refuses an unknown one. */
static bool refused(struct env *e)
{
	if (e->exo->disabled)
		env_trap(e)->rax = (uint64_t)-38l;
	return e->exo->disabled;
}

void upcall_foreign(void)
{
	struct env *e = current_env();
	if (!refused(e))
		reflect(e, env_trap(e)->rcx = e->entry[EXO_ENTRY_FOREIGN]);
}

void upcall_int80(void)
{
	if (TRACED)
		trace_foreign(1);
	struct env *e = current_env();
	if (refused(e))
		return;
	if (e->entry[EXO_ENTRY_INT80])
		reflect(e, e->entry[EXO_ENTRY_INT80]);
	else
		upcall_fault(13, 0x80 * 8 + 2, 0); /* what the CPU does for a gate that ring 3 may not use */
}
