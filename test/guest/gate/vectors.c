/* SPDX-License-Identifier: MIT */
/* Tests that FPU, vector and segment-base state is each env's own, over yields, preemption and env_make (rule 16). */
#include <base/string.h>
#include "gate.h"

static uint8_t vector_in[ACTORS][16 * 32], vector_out[ACTORS][16 * 32];

static int vector_avx(void) { return (rt_info->xcr0 & 4) != 0; }

static void vector_fill(int i)
{
	for (unsigned b = 0; b < sizeof vector_in[i]; b++)
		vector_in[i][b] = (uint8_t)(b * 7 + 31 * (unsigned)i + 1);
	vector_load(vector_in[i], vector_avx());
}

static int vector_same(int i)
{
	vector_store(vector_out[i], vector_avx());
	for (int n = 0; n < 16; n++)
		if (memcmp(vector_in[i] + 32 * n, vector_out[i] + 32 * n, vector_avx() ? 32 : 16))
			return 0;
	return 1;
}

static void vector_actor(uint64_t i)
{
	uint16_t control = (uint16_t)(0x037f ^ i << 10), word;

	vector_fill((int)i);
	__asm__ volatile("fldcw %0" :: "m"(control));
	for (int n = 0; n < 50; n++) {
		(void)gate_yield(i == 1 ? actor[2].name : actor[1].name, 0);
		__asm__ volatile("fnstcw %0" : "=m"(word));
		if (!vector_same((int)i) || word != control)
			shared[0]++;
		shared[i]++;
	}
}

void vector_kept_apart(void)
{
	CHECK(actor_prepare(1, vector_actor, 1) == 0 && actor_prepare(2, vector_actor, 2) == 0);
	actor[1].name = (exo_name)gate_env_make(&actor[1].spec);
	actor[2].name = (exo_name)gate_env_make(&actor[2].spec);
	vector_fill(0);
	for (int n = 0; n < 200 && (env_state(actor[1].name) == EXO_S_READY || env_state(actor[2].name) == EXO_S_READY); n++) {
		(void)gate_yield(actor[1].name, 0);
		(void)gate_yield(actor[2].name, 0);
		CHECK(vector_same(0));
	}
	IS(shared[0], 0);
	IS(shared[1], 50);
	IS(shared[2], 50);
	CHECK(actor_finish(actor[1].name));
	CHECK(actor_finish(actor[2].name));
}

static void vector_first(uint64_t argument)
{
	uint32_t mxcsr;
	uint16_t control;

	(void)argument;
	vector_store(vector_out[1], vector_avx());
	__asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(mxcsr), "=m"(control));
	shared[0] = mxcsr;
	shared[1] = control;
	for (unsigned b = 0; b < sizeof vector_out[1]; b++)
		shared[2] |= vector_out[1][b];
}

void vector_initial(void)
{
	exo_name name = actor_start(0, vector_first, 0);
	uint32_t mxcsr = 0x1fa0;

	CHECK(name);
	vector_fill(0);
	__asm__ volatile("ldmxcsr %0; fninit; fld1" :: "m"(mxcsr));
	CHECK(actor_finish(name));
	IS(shared[0], 0x1f80);
	IS(shared[1], 0x37f);
	IS(shared[2], 0);
	CHECK(vector_same(0));
}

static void vector_mess(uint64_t argument)
{
	(void)argument;
	for (uint64_t end = rt_tsc() + 3 * rt_info->slice_ticks; rt_tsc() < end;)
		vector_fill(2);
}

void vector_preempted(void)
{
	exo_name name;

	name = actor_start(0, vector_mess, 0);
	CHECK(name);
	vector_fill(0);
	while (env_state(name) == EXO_S_READY) {
		(void)gate_yield(name, 0);
		CHECK(vector_same(0));
	}
	CHECK(actor_finish(name));
}

static void segment_bases(uint64_t base)
{
	uint64_t fs, gs;

	__asm__ volatile("wrfsbase %0; wrgsbase %1" :: "r"(base), "r"(base + 64));
	for (int n = 0; n < 5; n++)
		(void)gate_yield(0, 0);
	__asm__ volatile("rdfsbase %0; rdgsbase %1" : "=r"(fs), "=r"(gs));
	shared[0] = fs;
	shared[1] = gs;
}

void base_kept_apart(void)
{
	uint64_t fs, gs;
	exo_name name;

	if (!(rt_info->cpu_features & EXO_CPU_FSGSBASE))
		return;
	name = actor_start(0, segment_bases, 0x7000);
	CHECK(name);
	__asm__ volatile("wrfsbase %0; wrgsbase %1" :: "r"(0x1000ul), "r"(0x2000ul));
	CHECK(actor_finish(name));
	__asm__ volatile("rdfsbase %0; rdgsbase %1" : "=r"(fs), "=r"(gs));
	IS(shared[0], 0x7000);
	IS(shared[1], 0x7040);
	IS(fs, 0x1000);
	IS(gs, 0x2000);
}
