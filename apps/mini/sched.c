/* SPDX-License-Identifier: MIT */
/* The scheduler: the first env owns the slices, a member's turn ends by its own alarm, and its upcall yields to the next. */
#include "mini.h"

void turn_begin(void)
{
	(void)gate_env_set(0, EXO_SET_ALARM, rt_tsc() + rt_ticks(1000000), 0); /* 1 ms */
}

void rt_on_async(struct rt_regs *regs, uint32_t bits)
{
	(void)regs;
	if (!(bits & EXO_PEND_TIMER) || rt_self() != mini.member[mini.running])
		return;
	/* A turn in which the program got nowhere (the slice ended first) does not count. */
	if (*mini.counter > mini.counted[mini.running]) {
		mini.counted[mini.running] = *mini.counter;
		mini.running ^= 1;
		mini.turns_left--;
		(void)gate_yield(mini.turns_left ? mini.member[mini.running] : 0, 0);
	}
	turn_begin();
}

/* The program's one system call, whatever its number: fork. Its argument is where it counts. */
void rt_on_foreign(struct rt_regs *regs)
{
	mini.counter = (const volatile uint64_t *)regs->rdi;
	mini.counted[0] = mini.counted[1] = *mini.counter;
	mini.member[1] = (exo_name)must(program_fork(regs), "fork");
	(void)gate_yield(0, 0);
	turn_begin();
	regs->rax = mini.member[1];
}

void schedule(uint64_t turns)
{
	mini.turns_left = turns;
	while (mini.turns_left)
		must(gate_yield(mini.member[mini.running], 0), "yield");
}
