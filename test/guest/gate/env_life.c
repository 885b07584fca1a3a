/* SPDX-License-Identifier: MIT */
/* Tests of an env's life: names, env_set, being stuck, env_kill and the teardown of trees (rules 14, 15, 18, 20). */
#include "gate.h"

static void nothing(uint64_t argument) { shared[0] += argument; }
static void spin(uint64_t argument) { (void)argument; for (;;) shared[15]++; }
static void park(uint64_t argument) { shared[14] = (uint64_t)gate_wait((uint32_t)argument, 0); }
static void undefined(uint64_t argument) { (void)argument; __asm__ volatile("ud2"); }

#define MADE(i) ({ int64_t r_ = gate_env_make(&actor[i].spec); actor[i].name = r_ > 0 ? (exo_name)r_ : 0; r_; })

void env_name_stale(void)
{
	exo_name old = actor_start(0, nothing, 1), again;

	CHECK(old && actor_finish(old));
	IS(gate_env_kill(old), -EXO_ESTALE);
	IS(gate_yield(old, 0), -EXO_ESTALE);
	IS(gate_notify(old, 1), -EXO_ESTALE);
	IS(gate_slice_set(EXO_SLICE_COUNT - 1, old), -EXO_ESTALE);
	IS(gate_env_set(old, EXO_SET_LIMIT, 0, 0), -EXO_ESTALE);
	IS(gate_yield(0xfffff001, 0), -EXO_ESTALE);
	IS(gate_yield(EXO_NAME_INDEX(old), 0), -EXO_ESTALE);
	for (int i = 0; i < 20; i++) {
		again = actor_start(0, nothing, 1);
		CHECK(again && again != old);
		IS(gate_yield(old, 0), -EXO_ESTALE);
		CHECK(actor_finish(again));
	}
}

static void kill_others(uint64_t first)
{
	shared[0] = (uint64_t)gate_env_kill((exo_name)first);
	shared[1] = (uint64_t)gate_env_kill(rt_creator(&rt_envs[ME]));
	shared[2] = (uint64_t)gate_env_set(rt_creator(&rt_envs[ME]), EXO_SET_ALARM, 1, 0);
	shared[3] = (uint64_t)gate_env_set(rt_creator(&rt_envs[ME]), EXO_SET_REGS, (uint64_t)&door_in, 0);
	shared[4] = (uint64_t)gate_env_set(0, EXO_SET_MACHINE, EXO_MACHINE_OFF, 0);
	shared[5] = (uint64_t)gate_env_set(0, 99, 0, 0);
}

void env_kill_refused(void)
{
	exo_name name = actor_start(0, kill_others, rt_info->first);

	CHECK(name && actor_finish(name));
	IS(shared[0], -EXO_EPERM);
	IS(shared[1], -EXO_EPERM);
	REFUSED(shared[2]);
	REFUSED(shared[3]);
	IS(shared[4], -EXO_EPERM);
	IS(shared[5], -EXO_EINVAL);
}

static void make_child(uint64_t depth)
{
	if (depth > 1) {
		/* actor[2] is the deepest one's; it spins until the tree goes. */
		shared[1] = actor_start((int)(4 - depth), depth > 2 ? make_child : spin, depth - 1);
		shared[2 + depth] = FRAME(page_new(T, RW | NX)).owner;
	}
	spin(0);
}

void env_kill_tree(void)
{
	exo_name name = actor_start(0, make_child, 3), one, two;

	CHECK(name);
	for (int i = 0; i < 3; i++)
		(void)gate_yield(name, 0);
	one = actor[1].name;
	CHECK(one && env_state(one) == EXO_S_READY);
	for (int i = 0; i < 3; i++)
		(void)gate_yield(one, 0);
	two = actor[2].name;
	CHECK(two && env_state(two) == EXO_S_READY);
	IS(rt_creator(&rt_envs[EXO_NAME_INDEX(two)]), one);
	IS(gate_env_kill(one), -EXO_EPERM);
	IS(gate_env_kill(two), -EXO_EPERM);
	/* The end of each leaves its child to the next above. */
	rt_env_end(name);
	IS(env_state(name), EXO_S_FREE);
	IS(rt_creator(&rt_envs[EXO_NAME_INDEX(one)]), rt_self());
	IS(rt_creator(&rt_envs[EXO_NAME_INDEX(two)]), one);
	rt_env_end(one);
	IS(env_state(one), EXO_S_FREE);
	IS(rt_creator(&rt_envs[EXO_NAME_INDEX(two)]), rt_self());
	IS(env_state(two), EXO_S_READY);
	rt_env_end(two);
	IS(env_state(two), EXO_S_FREE);
}

void env_kill_disowns(void)
{
	uint64_t pfn = page_new(T, RW | NX);
	exo_name name = actor_start(0, spin, 0);

	CHECK(pfn && name);
	WORD(T) = 6;
	IS(gate_frame_give(pfn, 1, name), 1);
	rt_env_end(name);
	IS(FRAME(pfn).owner, 0);
	IS(FRAME(pfn).type, EXO_DATA);
	IS(FRAME(pfn).account, rt_envs[ME].account);
	IS(WORD(T), 6);
	IS(rt_unmap(0, T, 1, 0), 0);
	IS(FRAME(pfn).type, EXO_FREE);
}

void env_kill_dying(void)
{
	exo_name name = actor_start(0, spin, 0);
	int64_t r;

	CHECK(name);
	(void)gate_yield(name, 0);
	r = gate_env_kill(name);
	CHECK(r == 0 || r == -EXO_EAGAIN);
	CHECK(env_state(name) == EXO_S_DYING || env_state(name) == EXO_S_FREE);
	REFUSED(gate_yield(name, 0));
	rt_env_end(name);
	IS(gate_env_kill(name), -EXO_ESTALE);
}

void env_child_ended(void)
{
	uint32_t count = rt_page()->ended_count;
	exo_name name = actor_start(0, nothing, 1);

	CHECK(name && actor_finish(name));
	(void)gate_nop();
	IS(seen.child_count, 1);
	IS(rt_page()->ended, name);
	IS(rt_page()->ended_count, count + 1);
}

void env_stuck(void)
{
	struct exo_regs regs = { 0 };
	exo_name name;
	const volatile struct exo_env *env;

	IS(actor_prepare(0, undefined, 0), 0);
	actor[0].spec.entry[EXO_ENTRY_FAULT] = 0;
	name = (exo_name)MADE(0);
	env = &rt_envs[EXO_NAME_INDEX(name)];
	IS(gate_env_set(name, EXO_SET_REGS, 16, 0), -EXO_EFAULT);
	IS(actor_run(name), EXO_S_STUCK);
	IS(env->stuck_vector, 6);
	(void)gate_nop();
	CHECK(seen.child_count >= 1);
	IS(gate_yield(name, 0), -EXO_EAGAIN);
	/* Its creator may set it going again. */
	regs.rip = (uint64_t)nothing;
	regs.rdi = 3;
	regs.rsp = actor[0].spec.rsp;
	*(uint64_t *)(regs.rsp - 8) = 0;
	IS(gate_env_set(name, EXO_SET_REGS, (uint64_t)&regs, 0), 0);
	CHECK(actor_finish(name));
	IS(shared[0], 3);
}

static void yield_for_ever(uint64_t argument)
{
	(void)argument;
	for (;;)
		(void)gate_yield(0, 0);
}

void env_regs_refused(void)
{
	struct exo_regs regs = { 0 };
	exo_name name = actor_start(1, yield_for_ever, 0);

	/* One that runs is not set back. */
	CHECK(name);
	(void)gate_yield(name, 0);
	regs.rip = (uint64_t)nothing;
	IS(gate_env_set(name, EXO_SET_REGS, (uint64_t)&regs, 0), -EXO_EBUSY);
	rt_env_end(name);
	IS(actor_prepare(0, undefined, 0), 0);
	actor[0].spec.entry[EXO_ENTRY_FAULT] = 0;
	name = (exo_name)MADE(0);
	IS(actor_run(name), EXO_S_STUCK);
	regs.rip = KERNEL_IMAGE;
	REFUSED(gate_env_set(name, EXO_SET_REGS, (uint64_t)&regs, 0));
	regs.rip = 1ul << 47;
	REFUSED(gate_env_set(name, EXO_SET_REGS, (uint64_t)&regs, 0));
	regs.rip = (uint64_t)nothing;
	regs.fs_base = 1ul << 47;
	REFUSED(gate_env_set(name, EXO_SET_REGS, (uint64_t)&regs, 0));
	regs.fs_base = 0;
	regs.gs_base = 1ul << 63;
	REFUSED(gate_env_set(name, EXO_SET_REGS, (uint64_t)&regs, 0));
	regs.gs_base = 0;
	IS(env_state(name), EXO_S_STUCK);
	/* The flags are masked, not trusted: IOPL, IF, VM ... */
	regs.rflags = ~0ul & ~0x100ul;
	regs.rsp = actor[0].spec.rsp;
	regs.rdi = 4;
	IS(gate_env_set(name, EXO_SET_REGS, (uint64_t)&regs, 0), 0);
	CHECK(actor_finish(name));
	IS(shared[0], 4);
}

void env_entries(void)
{
	uint64_t entry[EXO_ENTRY_COUNT] = { 1ul << 47 };

	IS(gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)entry, 0), -EXO_EINVAL);
	entry[0] = KERNEL_IMAGE;
	IS(gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)entry, 0), -EXO_EINVAL);
	IS(gate_env_set(0, EXO_SET_ENTRIES, 8, 0), -EXO_EFAULT);
	IS(rt_entries_set(), 0);
	IS(guarded(undefined, 0), 1);
	IS(caught.vector, 6);
}

void env_parked(void)
{
	exo_name name = actor_start(0, park, EXO_PEND_NOTIFY);

	CHECK(name);
	IS(actor_run(name), EXO_S_PARKED);
	IS(gate_yield(name, 0), -EXO_EAGAIN);
	rt_env_end(name);
	IS(env_state(name), EXO_S_FREE);
}

void env_many(void)
{
	uint64_t before = rt_info->frames_free;

	for (int i = 0; i < 200; i++) {
		exo_name name = actor_start(0, nothing, 1);

		CHECK(name && actor_finish(name));
	}
	IS(shared[0], 200);
	IS(rt_info->frames_free, before);
}
