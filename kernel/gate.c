/* SPDX-License-Identifier: MIT */
/* The gate's dispatch tables, expanded from gate.def, and batch. */
#include "kernel.h"

static int64_t op_nop(void) { return 0; }
static int64_t op_unassigned(void) { return -EXO_ENOSYS; }
void gate_switches(void); /* entry.S */

enum { B = 1, S = 2 };
_Static_assert(EXO_GATE_SPAN == 0x100 && EXO_GATE_BASE % 0x100 == 0, "entry.S takes the number's low byte");

/* Each op takes a prefix of the six argument registers (System V ABI), so a call through the full type is sound. */
#define OP(function) ((op_function *)(void (*)(void))(function))

/* What entry.S calls: the ops themselves with the whole state kept (gate_ops), or, of those that may switch, gate_switches, which leads there. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#define GATE(number, name, count, flags, arguments, effect) [number] = OP(op_##name),
op_function *const gate_ops[EXO_GATE_SPAN] = {
	[0 ... EXO_GATE_SPAN - 1] = OP(op_unassigned),
#include <exo/gate.def>
};
#undef GATE

#define GATE(number, name, count, flags, arguments, effect) [number] = (flags) & S ? OP(gate_switches) : OP(op_##name),
op_function *const gate_table[EXO_GATE_SPAN] = {
	[0 ... EXO_GATE_SPAN - 1] = OP(op_unassigned),
#include <exo/gate.def>
};
#undef GATE
#pragma GCC diagnostic pop

#define GATE(number, name, count, flags, arguments, effect) [number] = (flags) & B,
static const uint8_t batchable[EXO_GATE_SPAN] = {
#include <exo/gate.def>
};
#undef GATE

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
		uint64_t op = index_of(b.op, EXO_GATE_SPAN);
		if (op != b.op || gate_ops[op] == OP(op_unassigned))
			b.result = -EXO_ENOSYS;
		else if (!batchable[op])
			b.result = -EXO_EINVAL;
		else {
			TRACE(EXO_T_CALL, (unsigned)b.op, current_env()->name, b.arg[0], b.arg[1], b.arg[2], b.arg[3], b.arg[4], b.arg[5]);
			b.result = gate_perform(op, b.arg[0], b.arg[1], b.arg[2], b.arg[3], b.arg[4], b.arg[5]);
			TRACE(EXO_T_RETURN, (unsigned)b.op, current_env()->name, (uint64_t)b.result);
		}
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
