/* SPDX-License-Identifier: MIT */
/* Hostile tests of ends: an env is killed in the midst of whatever it does, and its name is used after it. */
#include <base/string.h>
#include "gate.h"

static void nothing(uint64_t argument) { (void)argument; }
static void accept(void) { __asm__ volatile("syscall" :: "a"(EXO_GATE_BASE + EXO_GATE_pct_reply), "D"(EXO_PCT_ACCEPT)
	: "rcx", "r11", "rdx", "r10", "r8", "r9", "r12", "r13", "r14", "r15", "memory"); }

/* ---- PCT to an env that is going */

static void accept_and_end(uint64_t way)
{
	accept();
	shared[0]++;
	if (way == 1)
		__asm__ volatile("ud2"); /* stuck: it has no entry */
	if (way == 2)
		(void)gate_env_kill(rt_creator(&rt_envs[ME])); /* refused */
	if (way == 3)
		for (;;)
			shared[1]++;
}

static void call(uint64_t server)
{
	shared[2] = (uint64_t)gate_pct((exo_name)server, 0);
	shared[3]++;
}

void hostile_pct_dying(void)
{
	for (uint64_t way = 0; way < 4; way++) {
		exo_name server, caller;

		shared[1] = shared[3] = 0;
		IS(actor_prepare(0, accept_and_end, way), 0);
		actor[0].spec.entry[EXO_ENTRY_FAULT] = 0;
		server = actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
		IS(actor_run(server), EXO_S_ACCEPTING);
		caller = actor_start(1, call, server);
		CHECK(caller);
		for (int i = 0; i < 200 && !shared[3] && !shared[1]; i++)
			(void)gate_yield(env_state(caller) == EXO_S_READY ? caller : server, 0);
		if (way == 3) {
			IS(env_state(caller), EXO_S_CALLING);
			rt_env_end(server);
		}
		CHECK(actor_finish(caller));
		IS(shared[2], -EXO_EDIED);
		IS(shared[3], 1);
		if (env_state(server) != EXO_S_FREE) {
			REFUSED(gate_pct(server, 0));
			rt_env_end(server);
		}
		IS(gate_pct(server, 0), -EXO_ESTALE);
	}
}

/* ---- killed during everything */

static void act_spin(uint64_t a) { (void)a; for (;;) shared[15]++; }
static void act_yield(uint64_t a) { (void)a; for (;;) (void)gate_yield(0, 0); }
static void act_wait(uint64_t a) { (void)a; for (;;) (void)gate_wait(EXO_PEND_NOTIFY, 0); }
static void act_accept(uint64_t a) { (void)a; for (;;) accept(); }
static void act_stuck(uint64_t a) { static uint64_t none[EXO_ENTRY_COUNT]; (void)a; (void)gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)none, 0); __asm__ volatile("ud2"); }
static void act_end(uint64_t a) { (void)a; (void)gate_env_kill(0); }

static void act_alarm(uint64_t a)
{
	(void)a;
	for (;;) {
		(void)gate_env_set(0, EXO_SET_ALARM, rt_tsc() + rt_ticks(100000), 0);
		__asm__ volatile("pause");
	}
}

static void act_device(uint64_t a)
{
	(void)a;
	(void)gate_dev_bind(EXO_DEV_PORTS, 0x2e8, 8);
	(void)gate_dev_bind(EXO_DEV_IRQ, 3, 1);
	for (;;)
		(void)gate_dev_ack(3);
}

static void act_direct(uint64_t a)
{
	(void)a;
	for (int v = 0; v < 32; v++)
		((struct exo_direct *)EXO_SELF_DIRECT)->handler[v] = (uint64_t)act_spin;
	(void)gate_env_set(0, EXO_SET_DIRECT, 1, 0);
	__asm__ volatile("ud2");
}

static void act_frames(uint64_t a)
{
	(void)a;
	for (;;)
		for (uint64_t i = 0; i < 64; i++)
			if (!page_new(T + i * 0x21000, RW | NX))
				(void)rt_unmap(0, T, 0x21 * 64, 1);
}

static void act_home(uint64_t a)
{
	(void)a;
	(void)home_new(H3);
	for (;;)
		(void)page_new(H3 + (rt_tsc() % 2000) * PAGE, RW | NX);
}

/* Half of a copy, over and over. */
static void act_copy(uint64_t a)
{
	struct exo_env_spec spec;
	uint64_t copy, root;

	(void)a;
	(void)page_new(T, RW | NX);
	for (;;) {
		if (rt_env_prepare(&spec) < 0)
			continue;
		root = spec.frames[EXO_EF_ROOT];
		(void)rt_table(root, T, 4);
		(void)rt_table(root, T, 3);
		(void)gate_pt_link(root, T | EXO_AT_SEALED | 2, 1, 0);
		copy = (uint64_t)rt_frame();
		(void)gate_frame_type(copy, 1, EXO_PT1, 0);
		(void)gate_pt_copy(0, T | 2, copy, 0, 100);
		(void)gate_yield(0, 0);
	}
}

static void act_parent(uint64_t a)
{
	struct exo_env_spec spec;

	(void)a;
	for (;;) {
		if (rt_env_prepare(&spec) == 0 && rt_env_home(&spec, (uint64_t)shared, EXO_AT_RW) == 0) {
			spec.rip = (uint64_t)act_spin;
			spec.rsp = T;
			(void)gate_yield((exo_name)gate_env_make(&spec), 0);
		}
		(void)gate_yield(0, 0);
	}
}

void hostile_killed_during(void)
{
	static actor_function *const act[] = { nothing, act_spin, act_yield, act_wait, act_accept, act_stuck, act_end, act_alarm, act_device, act_direct, act_frames, act_home, act_copy,
		act_parent };

	for (unsigned i = 0; i < sizeof act / sizeof act[0]; i++)
		for (int turns = rt_info->debug ? 1 : 0; turns < (rt_info->debug ? 2 : 4); turns++) {
			exo_name name, mate;
			uint64_t free = rt_info->frames_free;

			IS(actor_prepare(0, act[i], 0), 0);
			actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
			actor[0].spec.limit[EXO_C_FRAMES] = 120;
			actor[0].spec.limit[EXO_C_ENVS] = 3;
			actor[0].spec.limit[EXO_C_HOMES] = 2;
			actor[0].spec.limit[EXO_C_DEVICES] = 2;
			name = actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
			CHECK(env_state(name) == EXO_S_READY);
			if (turns == 3)
				(void)gate_slice_set(FREE_SLICE, name);
			for (int t = 0; t < turns; t++)
				(void)gate_yield(name, 0);
			/* Somebody else in the midst of a call to it. */
			mate = act[i] == act_accept ? actor_start(1, call, name) : 0;
			if (mate)
				(void)gate_yield(mate, 0);
			rt_env_end(name);
			IS(env_state(name), EXO_S_FREE);
			if (mate)
				rt_env_end(mate);
			for (uint32_t e = 1; e < EXO_ENV_MAX; e++)
				if (rt_envs[e].name && rt_creator(&rt_envs[e]) == rt_self())
					rt_env_end(rt_envs[e].name);
			IS(rt_slices->env[FREE_SLICE], 0);
			/* Tables that our own root shares with nobody: all is back. */
			IS(rt_info->frames_free, free);
		}
}

/* ---- a name after its env's end: the index comes again, the name does not */

void hostile_name_reused(void)
{
	static struct exo_regs regs;
	exo_name old = actor_start(0, act_spin, 0), name = 0;

	CHECK(old && page_new(T, RW | NX));
	rt_env_end(old);
	for (int i = 0; i < 10 && (!name || EXO_NAME_INDEX(name) != EXO_NAME_INDEX(old)); i++) {
		if (name)
			rt_env_end(name);
		name = actor_start(0, act_spin, 0);
		CHECK(name);
	}
	IS(EXO_NAME_INDEX(name), EXO_NAME_INDEX(old));
	CHECK(name != old);
	regs.rip = (uint64_t)act_spin;
	IS(gate_yield(old, 0), -EXO_ESTALE);
	IS(gate_notify(old, 1), -EXO_ESTALE);
	IS(gate_pct(old, 0), -EXO_ESTALE);
	IS(gate_env_kill(old), -EXO_ESTALE);
	IS(gate_env_set(old, EXO_SET_REGS, (uint64_t)&regs, 0), -EXO_ESTALE);
	IS(gate_env_set(old, EXO_SET_LIMIT, 0, 1), -EXO_ESTALE);
	IS(gate_frame_give(PFN(rt_entry(T, 1)), 1, old), -EXO_ESTALE);
	IS(gate_slice_set(FREE_SLICE, old), -EXO_ESTALE);
	IS(gate_revoke(old, EXO_REVOKE_ASK, 1, 1), -EXO_ESTALE);
	IS(gate_revoke(old, EXO_REVOKE_SLICE, 0, 0), -EXO_ESTALE);
	IS(env_state(name), EXO_S_READY);
	IS(gate_env_set(name, EXO_SET_REGS, (uint64_t)&regs, 0), 0);
	rt_env_end(name);
}
