/* SPDX-License-Identifier: MIT */
/* The gate's dispatch tables, expanded from gate.def, and batch. */
#include "kernel.h"

typedef int64_t op_function(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

static int64_t op_nop(void) { return 0; }
static int64_t op_unassigned(void) { return -EXO_ENOSYS; }
void gate_switches(void); /* entry.S */

enum { B = 1, S = 2 };

/* Each op takes a prefix of the six argument registers (System V ABI), so a call through the full type is sound. */
#define OP(function) ((op_function *)(void (*)(void))(function))

#define GATE(number, name, count, flags, arguments, effect) [number] = OP(op_##name),
static op_function *const ops[EXO_GATE_SPAN] = {
#include <exo/gate.def>
};
#undef GATE

/* What entry.S calls: ops that may switch take the long way to gate_enter. */
#define GATE(number, name, count, flags, arguments, effect) [number] = (flags) & S ? OP(gate_switches) : OP(op_##name),
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
op_function *const gate_table[EXO_GATE_SPAN] = {
	[0 ... EXO_GATE_SPAN - 1] = OP(op_unassigned),
#include <exo/gate.def>
};
#pragma GCC diagnostic pop
#undef GATE

#define GATE(number, name, count, flags, arguments, effect) [number] = (flags) & B,
static const uint8_t batchable[EXO_GATE_SPAN] = {
#include <exo/gate.def>
};
#undef GATE

void gate_enter(struct trap *t)
{
	struct cpu *cpu = this_cpu();
	struct env *me = cpu->current;
	cpu->trap = t;
	uint64_t number = t->rax;
	op_function *op = ops[number - EXO_GATE_BASE];
	int64_t r = !op ? -EXO_ENOSYS : op(t->rdi, t->rsi, t->rdx, t->r10, t->r8, t->r9);
	/* An op that switched has put its result into the env that it left. */
	if (cpu->current == me && !cpu->switched)
		t->rax = (uint64_t)r;
	cpu->switched = false;
#ifdef KERNEL_DEBUG
	recount_changed(number);
#endif
	sched_check(t);
}

int64_t op_batch(uint64_t array, uint64_t n)
{
	if (n > 512)
		return -EXO_EINVAL;
	for (uint64_t done = 0; done < n; done++) {
		struct exo_batch b;
		uint64_t at = array + done * sizeof(b);
		/* Readable, and its result writable, before the op is performed. The op may unmap the array: no address outlives it. */
		const volatile uint64_t *p = at % sizeof(b) ? NULL : user_page(at, true);
		if (!p)
			return done ? (int64_t)done : -EXO_EFAULT;
		b.op = p[0];
		for (int i = 0; i < 6; i++)
			b.arg[i] = p[1 + i];
		if (b.op >= EXO_GATE_SPAN || !ops[b.op])
			b.result = -EXO_ENOSYS;
		else if (!batchable[b.op])
			b.result = -EXO_EINVAL;
		else
			b.result = ops[b.op](b.arg[0], b.arg[1], b.arg[2], b.arg[3], b.arg[4], b.arg[5]);
		volatile uint64_t *q = user_page(at + offsetof(struct exo_batch, result), true);
		if (q)
			*q = (uint64_t)b.result;
		if (!q || EXO_IS_ERROR(b.result))
			return (int64_t)done;
		if (interrupt_waits())
			return (int64_t)done + 1;
	}
	return (int64_t)n;
}
