/* SPDX-License-Identifier: MIT */
/* A fuzzer's life: calls until its time is over or something ends it, in between a touch of what it mapped. Upcalls come at any time. */
#include <base/string.h>
#include "fuzz.h"

struct fuzzer fuzzer[SLOTS];
struct fuzz_total total;

extern uint8_t fuzz_touch_end[], fuzz_port_end[];
__asm__(
	".text\n"
	".globl fuzz_touch\n.hidden fuzz_touch\nfuzz_touch:\n"
	"	test %rsi, %rsi\n	jnz 1f\n	mov (%rdi), %rax\n	ret\n"
	"1:	mov %rsi, (%rdi)\n"
	".globl fuzz_touch_end\n.hidden fuzz_touch_end\nfuzz_touch_end:\n	ret\n"
	".globl fuzz_port\n.hidden fuzz_port\nfuzz_port:\n"
	"	mov %edi, %edx\n	in %dx, %al\n"
	".globl fuzz_port_end\n.hidden fuzz_port_end\nfuzz_port_end:\n	ret\n");

/* All registers that a PCT message may change are given up. */
static int64_t gate_any(uint64_t op, const uint64_t a[6])
{
	int64_t result;
	uint64_t d = a[2];
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];

	__asm__ volatile("syscall" : "=a"(result), "+d"(d), "+r"(r10), "+r"(r8), "+r"(r9) : "a"(EXO_GATE_BASE + op), "D"(a[0]), "S"(a[1])
		: "rcx", "r11", "r12", "r13", "r14", "r15", "memory");
	return result;
}

void fuzz_count(int op, int64_t result)
{
	int64_t error = EXO_IS_ERROR(result) ? -result : 0;

	if (error >= FUZZ_ERRORS) {
		__atomic_fetch_add(&total.strange, 1, __ATOMIC_RELAXED);
		return;
	}
	__atomic_fetch_add(&total.count[op][error], 1, __ATOMIC_RELAXED);
}

int64_t fuzz_call(struct fuzzer *f, int op, uint64_t a[6])
{
	int64_t r;

	f->calls++;
	__atomic_fetch_add(&total.calls, 1, __ATOMIC_RELAXED);
	if (op == EXO_GATE_env_kill && a[0] == 0)
		fuzz_count(op, 0); /* does not return */
	r = gate_any(op == FUZZ_UNASSIGNED ? FUZZ_UNASSIGNED + a[0] % (EXO_GATE_SPAN - FUZZ_UNASSIGNED) : (uint64_t)op, a);
	fuzz_count(op, r);
	fuzz_learn(f, op, a, r);
	if (op == EXO_GATE_batch && a[0] == (uint64_t)f->batch && !EXO_IS_ERROR(r) && a[1] <= 8)
		for (uint64_t i = 0; i < a[1] && i <= (uint64_t)r; i++) {
			if (f->batch[i].result == INT64_MIN || f->batch[i].op >= FUZZ_UNASSIGNED)
				break;
			fuzz_count((int)f->batch[i].op, f->batch[i].result);
			fuzz_learn(f, (int)f->batch[i].op, f->batch[i].arg, f->batch[i].result);
		}
	return r;
}

static struct fuzzer *mine(void)
{
	uint32_t index = EXO_NAME_INDEX(rt_self());

	for (int i = 0; i < SLOTS; i++)
		if (fuzzer[i].index == index)
			return &fuzzer[i];
	return NULL;
}

void rt_on_async(struct rt_regs *regs, uint32_t bits)
{
	struct fuzzer *f = mine();

	(void)regs;
	__atomic_fetch_add(&total.upcalls, 1, __ATOMIC_RELAXED);
	if (f && bits & EXO_PEND_TIMER && total.upcalls % 4 == 0)
		(void)gate_yield(0, 0);
}

void rt_on_fault(struct rt_regs *regs)
{
	__atomic_fetch_add(&total.faults, 1, __ATOMIC_RELAXED);
	if (regs->at.rip >= (uint64_t)fuzz_touch && regs->at.rip < (uint64_t)fuzz_touch_end) {
		regs->at.rip = (uint64_t)fuzz_touch_end;
		return;
	}
	if (regs->at.rip >= (uint64_t)fuzz_port && regs->at.rip < (uint64_t)fuzz_port_end) {
		regs->at.rip = (uint64_t)fuzz_port_end;
		return;
	}
	rt_off(1);
}

void rt_on_foreign(struct rt_regs *regs) { regs->rax = 0; }

/* Three ways to go: by its own call, stuck for want of an entry, or by whoever kills it. */
static void life_end(struct fuzzer *f)
{
	uint64_t a[6] = { 0 };

	if (fuzz_below(f, 3) == 0) {
		memset(f->entry, 0, sizeof f->entry);
		a[1] = EXO_SET_ENTRIES;
		a[2] = (uint64_t)f->entry;
		(void)fuzz_call(f, EXO_GATE_env_set, a);
		__asm__ volatile("ud2");
	}
	(void)fuzz_call(f, EXO_GATE_env_kill, (uint64_t[6]){ 0 });
	for (;;)
		(void)gate_env_kill(0);
}

void fuzz_start(struct fuzzer *f, uint64_t seed)
{
	uint32_t slot = (uint32_t)(f - fuzzer);

	memset(f, 0, offsetof(struct fuzzer, stack));
	f->random = seed * 0x9e3779b97f4a7c15ul ^ (slot + 1) * 0xbf58476d1ce4e5b9ul;
	f->random |= 1;
	f->slot = slot;
	f->life = slot < FUZZERS ? 4000 + fuzz_below(f, 8000) : 40 + fuzz_below(f, 400);
}

void fuzz_main(uint64_t slot)
{
	struct fuzzer *f = &fuzzer[slot];
	uint64_t a[6] = { 0, EXO_SET_OPEN, ~0ul };

	f->index = EXO_NAME_INDEX(rt_self());
	(void)fuzz_call(f, EXO_GATE_env_set, a);
	while (total.calls < total.target) {
		if (f->calls >= f->life)
			life_end(f);
		(void)fuzz_call(f, fuzz_choose(f, a), a);
		if (fuzz_below(f, 8) == 0)
			fuzz_touch(fuzz_place(f, (uint32_t)fuzz_below(f, PLACES)) + 8 * fuzz_below(f, 512), fuzz_below(f, 2));
		if (f->caller && fuzz_below(f, 16) == 0)
			for (uint64_t end = rt_tsc() + rt_ticks(200000); rt_tsc() < end;)
				__asm__ volatile("pause");
		if (f->calls < 60 ? fuzz_below(f, 8) == 0 : fuzz_below(f, 100) == 0)
			fuzz_tables(f);
		if (fuzz_below(f, 24) == 0)
			fuzz_large(f);
		if (fuzz_below(f, 60) == 0)
			fuzz_act(f);
		if (slot >= FUZZERS)
			continue;
		if (fuzz_below(f, 100) == 0)
			fuzz_fork(f);
		if (fuzz_below(f, 40) == 0)
			fuzz_child_make(f);
		if (fuzz_below(f, fuzz_env_state(f->child) == EXO_S_STUCK ? 20 : 200) == 0)
			fuzz_child_end(f);
	}
	for (;;)
		(void)gate_env_kill(0);
}
