/* SPDX-License-Identifier: MIT */
/* The stage of a test: pages, homes, actors, the guard that catches faults, and what upcalls bring. */
#include <base/string.h>
#include "gate.h"

uint64_t test_patience(uint64_t seconds)
{
	/* A kernel that recounts and watches takes tens of milliseconds for each op. */
	return seconds * rt_info->tsc_hz * (rt_info->debug ? 64 : 1);
}

struct caught caught;
struct actor actor[ACTORS];
struct seen seen;
volatile uint64_t shared[16];
uint64_t door_in[15], door_out[15];

uint64_t page_new(uint64_t va, uint64_t rights)
{
	int64_t pfn;

	if (rt_tables(0, va, 0, 0) < 0 || (pfn = rt_frame()) < 0)
		return 0;
	return rt_map(0, va, (uint64_t)pfn, 1, rights) < 0 ? 0 : (uint64_t)pfn;
}

uint64_t home_new(uint64_t va)
{
	return gate_home_set(0, EXO_HOME_CLAIM, va & -EXO_HOME_SIZE, 1) != 1 ? 0 : page_new(va, RW | NX);
}

uint64_t frame_free(void)
{
	for (uint64_t pfn = rt_info->frame_count - 1; pfn; pfn--)
		if (rt_frames[pfn].type == EXO_FREE)
			return pfn;
	return 0;
}

/* ---- guard and upcalls */

void guard_arm(void);
void guard_disarm(void);
void guard_arm(void) { caught.env = rt_self(); }
void guard_disarm(void) { caught.env = 0; }

void rt_on_fault(struct rt_regs *regs)
{
	caught.cs = regs->at.cs;
	caught.ss = regs->at.ss;
	caught.disabled = regs->at.disabled;
	caught.frame = (uint64_t)&regs->at;
	if (regs->at.vector == 6 && seen.nested) {
		if (--seen.nested)
			__asm__ volatile("ud2");
		regs->at.rip += 2;
		return;
	}
	if (regs->at.vector == 1 && seen.stepping) {
		seen.steps++;
		return;
	}
	caught.vector = regs->at.vector;
	caught.error = regs->at.error;
	caught.addr = regs->at.addr;
	caught.rip = regs->at.rip;
	caught.rflags = regs->at.rflags;
	caught.count++;
	if (caught.env == rt_self()) {
		caught.env = 0;
		regs->at.rip = (uint64_t)guard_landing;
		regs->at.rsp = caught.rsp;
		regs->at.rflags = 2;
		return;
	}
	test_fail(0, "fault that nobody expected, rip", 1, (int64_t)regs->at.rip, (int64_t)regs->at.vector);
	for (;;)
		(void)gate_env_kill(0);
}

void rt_on_async(struct rt_regs *regs, uint32_t bits)
{
	(void)regs;
	if (rt_self() == witness.name) {
		witness.upcalls++;
		return;
	}
	seen.async_tsc = rt_tsc();
	seen.slice_end = rt_page()->slice_end;
	seen.async_count++;
	seen.timer_count += (bits & EXO_PEND_TIMER) != 0;
	seen.notify_count += (bits & EXO_PEND_NOTIFY) != 0;
	seen.irq_count += (bits & EXO_PEND_IRQ) != 0;
	seen.child_count += (bits & EXO_PEND_CHILD) != 0;
}

void rt_on_foreign(struct rt_regs *regs)
{
	seen.foreign_count++;
	seen.foreign = *regs;
	seen.foreign_disabled = rt_page()->disabled;
	regs->rax = seen.foreign_result;
}

/* ---- actors */

static void actor_exit(void)
{
	for (;;)
		(void)gate_env_kill(0);
}

int64_t actor_prepare(int i, actor_function *run, uint64_t argument)
{
	struct actor *a = &actor[i];
	int64_t r = rt_env_prepare(&a->spec);

	if (r < 0 || (r = rt_env_home(&a->spec, (uint64_t)actor, EXO_AT_RW | EXO_AT_REMAP)) < 0)
		return r;
	a->spec.rip = (uint64_t)run;
	a->spec.rsp = (uint64_t)(a->stack + sizeof a->stack - 8);
	*(uint64_t *)a->spec.rsp = (uint64_t)actor_exit;
	a->spec.rdi = argument;
	return 0;
}

exo_name actor_start(int i, actor_function *run, uint64_t argument)
{
	int64_t r = actor_prepare(i, run, argument);

	if (r >= 0)
		r = gate_env_make(&actor[i].spec);
	actor[i].name = r < 0 ? 0 : (exo_name)r;
	return actor[i].name;
}

int env_state(exo_name name)
{
	const volatile struct exo_env *env = &rt_envs[EXO_NAME_INDEX(name)];

	return env->name == name ? env->state : EXO_S_FREE;
}

int actor_run(exo_name name)
{
	uint64_t end = rt_tsc() + test_patience(1);

	while (env_state(name) == EXO_S_READY && rt_tsc() < end)
		(void)gate_yield(name, 0);
	return env_state(name);
}

int actor_finish(exo_name name)
{
	int state = actor_run(name);

	rt_env_end(name);
	return state == EXO_S_FREE || state == EXO_S_DYING;
}
