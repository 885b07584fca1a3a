/* SPDX-License-Identifier: MIT */
/* Tests of the two doors of the foreign system call, SYSCALL and int 0x80, and of what a gate call keeps (rules 15 to 17). */
#include <base/string.h>
#include "gate.h"

#define FOREIGN_ENOSYS (-38)

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
	static const char assigned[EXO_GATE_SPAN] = {
#define GATE(number, name, count, flags, arguments, effect) [number] = 1,
#include <exo/gate.def>
#undef GATE
	};

	for (long op = 0; op < EXO_GATE_SPAN; op++)
		if (!assigned[op])
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
