/* SPDX-License-Identifier: MIT */
/* Tests of upcalls: frames, nesting, overflow, the two doors of the foreign system call, vector state (rules 15 to 17). */
#include <base/string.h>
#include "gate.h"

#define FOREIGN_ENOSYS (-38)

static void undefined(uint64_t argument) { (void)argument; __asm__ volatile("ud2"); }

void upcall_frame(void)
{
	uint64_t top = EXO_GROUPS + ME * EXO_GROUP_SIZE + EXO_GROUP_STACK + EXO_STACK_SIZE;

	IS(guarded(undefined, 0), 1);
	IS(caught.vector, 6);
	IS(caught.error, 0);
	IS(caught.rip, (uint64_t)undefined);
	IS(caught.cs, EXO_USER_CS);
	IS(caught.ss, EXO_USER_SS);
	IS(caught.rflags & 0x3200, 0x200);
	IS(caught.disabled, 0);
	CHECK(caught.frame < top && caught.frame >= top - 128);
	IS(rt_page()->disabled, 0);
}

void upcall_nested(void)
{
	uint64_t top = EXO_GROUPS + ME * EXO_GROUP_SIZE + EXO_GROUP_STACK + EXO_STACK_SIZE;

	seen.nested = 3;
	undefined(0);
	IS(seen.nested, 0);
	IS(caught.disabled, 1);
	CHECK(caught.frame < top - 2 * (sizeof(struct rt_regs) + 128));
	CHECK(caught.frame > top - EXO_STACK_SIZE);
	IS(rt_page()->disabled, 0);
}

static void overflow(uint64_t argument)
{
	(void)argument;
	seen.nested = 1000000;
	undefined(0);
}

void upcall_overflow(void)
{
	exo_name name = actor_start(0, overflow, 0);

	CHECK(name);
	IS(actor_run(name), EXO_S_STUCK);
	CHECK(1000000 - seen.nested > 5);
	CHECK(1000000 - seen.nested < 100);
	seen.nested = 0;
	rt_env_end(name);
}

static void stray_stack(uint64_t argument)
{
	(void)argument;
	/* rsp just above the lowest word of the upcall stack: there is no room below it. */
	__asm__ volatile("mov %0, %%rsp; ud2" :: "r"(EXO_GROUPS + ME * EXO_GROUP_SIZE + EXO_GROUP_STACK + 64));
}

void upcall_no_room(void)
{
	exo_name name = actor_start(0, stray_stack, 0);

	CHECK(name);
	IS(actor_run(name), EXO_S_STUCK);
	IS(rt_envs[EXO_NAME_INDEX(name)].stuck_vector, 6);
	rt_env_end(name);
}

static int door_try(void (*door)(void), uint64_t number, uint64_t result, int all)
{
	for (uint64_t i = 0; i < 15; i++)
		door_in[i] = 0x1111111111111111ul * (i + 1) ^ i << 40;
	door_in[0] = number;
	seen.foreign_result = result;
	memset(&seen.foreign, 0, sizeof seen.foreign);
	door();
	for (int i = 1; i < 15; i++)
		if ((all || (i != 2 && i != 10)) && door_out[i] != door_in[i])
			return i;
	if (seen.foreign.rax != number || seen.foreign.rdi != door_in[5] || seen.foreign.rsi != door_in[4] || seen.foreign.rdx != door_in[3])
		return 20;
	if (seen.foreign.rbx != door_in[1] || seen.foreign.rbp != door_in[6] || seen.foreign.r8 != door_in[7] || seen.foreign.r9 != door_in[8])
		return 21;
	if (seen.foreign.r10 != door_in[9] || seen.foreign.r12 != door_in[11] || seen.foreign.r13 != door_in[12] || seen.foreign.r14 != door_in[13])
		return 22;
	if (seen.foreign.r15 != door_in[14] || (all && (seen.foreign.rcx != door_in[2] || seen.foreign.r11 != door_in[10])))
		return 23;
	return door_out[0] == result ? 0 : 24;
}

void foreign_syscall(void)
{
	IS(door_try(door_syscall, 39, 0xabcdef0123456789, 0), 0);
	IS(seen.foreign_count, 1);
	IS(seen.foreign.at.vector, RT_VECTOR_FOREIGN);
	IS(seen.foreign_disabled, 1);
	IS(rt_page()->disabled, 0);
	CHECK(seen.foreign.at.rip > (uint64_t)door_syscall && seen.foreign.at.rip < (uint64_t)door_syscall + 512);
	IS(seen.foreign.at.rflags & 0x202, 0x202);
}

void foreign_int80(void)
{
	IS(door_try(door_int80, 4, 0x123456789abcdef0, 1), 0);
	IS(seen.foreign_count, 1);
	IS(seen.foreign.at.vector, RT_VECTOR_INT80);
	IS(seen.foreign_disabled, 1);
	IS(rt_page()->disabled, 0);
	CHECK(seen.foreign.at.rip > (uint64_t)door_int80 && seen.foreign.at.rip < (uint64_t)door_int80 + 512);
}

void foreign_numbers(void)
{
	static const uint64_t number[] = { 0, 1, 57, 435, 1023, 0x40000001, EXO_GATE_BASE - 1, EXO_GATE_BASE + EXO_GATE_SPAN, 0x7fffffff, 0xffffffff };

	for (unsigned i = 0; i < sizeof number / sizeof number[0]; i++)
		IS(door_try(door_syscall, number[i], i, 0), 0);
	IS(seen.foreign_count, sizeof number / sizeof number[0]);
}

void gate_unassigned(void)
{
	for (long op = EXO_GATE_log + 1; op < EXO_GATE_SPAN; op++)
		IS(gate3(op, 1, 2, 3), -EXO_ENOSYS);
	IS(seen.foreign_count, 0);
	IS(gate_nop(), 0);
}

void foreign_disabled(void)
{
	int64_t r;

	rt_page()->disabled = 1;
	__asm__ volatile("syscall" : "=a"(r) : "a"(39) : "rcx", "r11", "memory");
	IS(r, FOREIGN_ENOSYS);
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
	IS(r, FOREIGN_ENOSYS);
	IS(gate_nop(), 0);
	rt_page()->disabled = 0;
	IS(seen.foreign_count, 0);
}

static void foreign_call(uint64_t door)
{
	int64_t r;

	if (door)
		__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
	else
		__asm__ volatile("syscall" : "=a"(r) : "a"(39) : "rcx", "r11", "memory");
	shared[0] = 1;
}

void foreign_no_entry(void)
{
	for (uint64_t door = 0; door < 2; door++) {
		IS(actor_prepare(0, foreign_call, door), 0);
		memset(actor[0].spec.entry, 0, sizeof actor[0].spec.entry);
		actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
		IS(actor_run(actor[0].name), EXO_S_STUCK);
		IS(shared[0], 0);
		rt_env_end(actor[0].name);
	}
}

void gate_keeps_registers(void)
{
	for (uint64_t i = 0; i < 15; i++)
		door_in[i] = 0x0101010101010101ul * (i + 3);
	door_in[0] = EXO_GATE_BASE + EXO_GATE_nop;
	door_syscall();
	IS(door_out[0], 0);
	for (int i = 1; i < 15; i++)
		if (i != 2 && i != 10)
			IS(door_out[i], door_in[i]);
}

/* ---- vector state */

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
