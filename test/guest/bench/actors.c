/* SPDX-License-Identifier: MIT */
/* Figures between envs: switch, protected control transfer, notify, life and death. */
#include <base/string.h>
#include "bench.h"

static struct exo_env_spec spec;
static uint8_t stack[8192] __attribute__((aligned(16)));

/* An env on the caller's own home and a stack of its own: its name, 0 = failed. */
static exo_name actor_start(void (*run)(uint64_t), uint64_t argument)
{
	int64_t r = rt_env_prepare(&spec);

	if (r < 0 || rt_env_home(&spec, (uint64_t)stack, EXO_AT_RW | EXO_AT_REMAP) < 0)
		return 0;
	spec.rip = (uint64_t)run;
	spec.rsp = (uint64_t)(stack + sizeof stack - 8);
	spec.rdi = argument;
	r = gate_env_make(&spec);
	return r < 0 ? 0 : (exo_name)r;
}

static void yielder(uint64_t to)
{
	for (;;)
		(void)gate_yield((exo_name)to, 0);
}

static int64_t accept(uint64_t what)
{
	int64_t r;
	__asm__ volatile("syscall" : "=a"(r) : "a"(EXO_GATE_BASE + EXO_GATE_pct_reply), "D"(what), "S"(0)
		: "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
	return r;
}

static void server(uint64_t argument)
{
	(void)argument;
	(void)accept(EXO_PCT_ACCEPT);
	for (;;)
		(void)accept(EXO_PCT_REPLY | EXO_PCT_ACCEPT);
}

static void pct(exo_name env)
{
	int64_t r;
	__asm__ volatile("syscall" : "=a"(r) : "a"(EXO_GATE_BASE + EXO_GATE_pct), "D"((uint64_t)env), "S"(0)
		: "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
}

static void idle(uint64_t argument)
{
	(void)argument;
	for (;;)
		;
}

void figures_actors(void)
{
	exo_name self = rt_self(), name = actor_start(yielder, self);

	if (!name)
		return;
	(void)gate_yield(name, 0);
	EACH(, (void)gate_yield(name, 0));
	figure("yield to an env, one switch", 2);
	rt_env_end(name);
	name = actor_start(server, 0);
	if (!name)
		return;
	for (unsigned i = 0; i < 100 && rt_envs[EXO_NAME_INDEX(name)].state != EXO_S_ACCEPTING; i++)
		(void)gate_yield(name, 0);
	EACH(, pct(name));
	figure("PCT: call and reply, two switches", 1);
	rt_env_end(name);
	EACH(, { name = actor_start(idle, 0); rt_env_end(name); });
	figure("env: made of frames, ended, torn down", 1);
}
