/* SPDX-License-Identifier: MIT */
/* The tracer's ring: written here, read by the env that bound it. While none is bound, gate calls take the way that knows nothing of it. */
#include "kernel.h"

struct exo_trace *trace_ring;

int64_t trace_bind(uint64_t pfn, uint64_t n)
{
	static uint32_t bound;
	struct env *me = current_env();
	if (me != first_env())
		return -EXO_EPERM; /* whoever reads this sees what all others do */
	if (n == 0 && bound) {
		trace_ring = NULL;
		frames[bound].pins--;
		bound = 0;
		this_cpu()->upcall_limit = EXO_GROUPS;
		machine_syscall_entry(syscall_entry);
		return 0;
	}
	if (n != EXO_RUN_FRAMES || !pfn_is_ram(pfn))
		return -EXO_EINVAL;
	if (bound)
		return -EXO_EBUSY;
	if (frames[pfn].type != EXO_RUN || frames[pfn].used != n)
		return -EXO_ETYPE;
	if (frames[pfn].owner != me->index)
		return -EXO_EPERM;
	bound = (uint32_t)pfn;
	frames[pfn].pins++;
	frames[pfn].spare = 0; /* no driver's */
	info->trace_count = 0;
	trace_ring = pfn_ptr(pfn);
	this_cpu()->upcall_limit = 0;
	machine_syscall_entry(syscall_traced);
	return 0;
}

void trace_write(int kind, unsigned number, exo_name env, const uint64_t arg[6])
{
	volatile struct exo_trace *r = &trace_ring[info->trace_count % EXO_TRACE_RECORDS];
	r->tsc = rdtsc();
	r->env = env & ((1ul << 48) - 1);
	r->kind = (uint8_t)kind;
	r->number = (uint8_t)number;
	for (int i = 0; i < 6; i++)
		r->arg[i] = arg[i];
	__atomic_store_n(&info->trace_count, info->trace_count + 1, __ATOMIC_RELEASE);
}

void trace_foreign(unsigned number)
{
	const struct trap *t = env_trap(current_env());
	TRACE(EXO_T_FOREIGN, number, current_env()->name, t->rax, t->rdi, t->rsi, t->rdx, t->r10, t->r8);
}

void trace_upcall(const struct exo_upcall *u)
{
	TRACE(EXO_T_UPCALL, (uint8_t)u->vector, current_env()->name, u->vector, u->error, u->addr, u->rip);
}

/* As gate_slow (entry.S) does it. */
static void perform(struct trap *t, uint64_t number, exo_name me)
{
	int64_t result = gate_perform(index_of(number, EXO_GATE_SPAN), t->rdi, t->rsi, t->rdx, t->r10, t->r8, t->r9);
	if (!this_cpu()->switched)
		t->rax = (uint64_t)result;
	if (current_env()->name == me)
		TRACE(EXO_T_RETURN, (unsigned)number, me, t->rax, t->rip);
	sched_check();
}

void trace_enter(void)
{
	struct trap *t = env_trap(current_env());
	exo_name me = current_env()->name;
	uint64_t number = t->rax - EXO_GATE_BASE;
	if (number < EXO_GATE_SPAN) {
		TRACE(EXO_T_CALL, (unsigned)number, me, t->rdi, t->rsi, t->rdx, t->r10, t->r8, t->r9);
		perform(t, number, me);
	} else {
		trace_foreign(0);
		upcall_foreign();
	}
}
