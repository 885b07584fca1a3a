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

/* Come back from ring 0 with a stamp each time. */
static void yielder(uint64_t to)
{
	uint64_t op;
	for (;;)
		__asm__ volatile("syscall\n\t" AFTER : "=a"(op) : "a"(EXO_GATE_BASE + EXO_GATE_yield), "D"(to), "S"(0) : "rdx", "rcx", "r11", "memory");
}

static void server(uint64_t accept)
{
	uint64_t op;
	for (;; accept = EXO_PCT_REPLY | EXO_PCT_ACCEPT)
		__asm__ volatile("syscall\n\t" AFTER : "=a"(op) : "a"(EXO_GATE_BASE + EXO_GATE_pct_reply), "D"(accept)
			: "rdx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
}

/* Stamped as it comes back, not as it leaves. */
static void back_server(uint64_t accept)
{
	for (;; accept = EXO_PCT_REPLY | EXO_PCT_ACCEPT) {
		stamp.rax = EXO_GATE_BASE + EXO_GATE_pct_reply;
		__asm__ volatile(BEFORE "syscall" : : "D"(accept)
			: "rax", "rdx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
	}
}

static void pct(exo_name env)
{
	stamp.rax = EXO_GATE_BASE + EXO_GATE_pct;
	__asm__ volatile(BEFORE "syscall" : : "D"((uint64_t)env), "S"(0)
		: "rax", "rdx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
}

static void pct_back(exo_name env)
{
	uint64_t op;
	__asm__ volatile("syscall\n\t" AFTER : "=a"(op) : "a"(EXO_GATE_BASE + EXO_GATE_pct), "D"((uint64_t)env), "S"(0)
		: "rdx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
}

static exo_name server_start(void (*run)(uint64_t))
{
	exo_name name = actor_start(run, EXO_PCT_ACCEPT);

	for (unsigned i = 0; name && i < 100 && rt_envs[EXO_NAME_INDEX(name)].state != EXO_S_ACCEPTING; i++)
		(void)gate_yield(name, 0);
	return name;
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
	stamp.rax = EXO_GATE_BASE + EXO_GATE_yield;
	stamp.rdx = 0;
	EXACT(, __asm__ volatile(BEFORE "syscall" : : "D"((uint64_t)name), "S"(0) : "rax", "rdx", "rcx", "r11", "memory"));
	exact("yield to an env", 1);
	rt_env_end(name);
	if (!(name = server_start(server)))
		return;
	EXACT(, pct(name));
	exact("PCT: call, one way", 1);
	rt_env_end(name);
	if (!(name = server_start(back_server)))
		return;
	EXACT(, pct_back(name));
	exact("PCT: reply, one way", 1);
	rt_env_end(name);
	EACH(, { name = actor_start(idle, 0); rt_env_end(name); });
	figure("env: made of frames, ended, torn down", 1);
}
