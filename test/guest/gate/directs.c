/* SPDX-License-Identifier: MIT */
/* Tests of the direct vectors: exceptions that enter ring 3 without the kernel (rules 29, 31). */
#include "gate.h"

volatile uint64_t direct_count, direct_flags;
void direct_step2(void), direct_step0(void);

/* Handlers count, step over the instruction and return; the first thing they do is to leave the exception page. They keep rax in their own data. */
__asm__(
	".data\n.balign 16\ndirect_rax: .quad 0\ndirect_rsp: .quad 0\n.skip 4096\ndirect_stack:\n"
	".text\n"
	".macro direct_handler name, step, error\n"
	".globl \\name\n.hidden \\name\n\\name:\n"
	"	mov %rax, direct_rax(%rip)\n"
	".if \\error\n	lea 8(%rsp), %rax\n	mov %rax, %rsp\n.endif\n"
	"	mov (%rsp), %rax\n	mov %rax, direct_frame(%rip)\n"
	"	mov 16(%rsp), %rax\n	mov %rax, direct_frame+16(%rip)\n"
	"	mov 24(%rsp), %rax\n	mov %rax, direct_frame+24(%rip)\n"
	"	lea direct_stack(%rip), %rsp\n"
	"	pushq $0x2b\n	push direct_frame+24(%rip)\n	push direct_frame+16(%rip)\n	pushq $0x33\n"
	"	mov direct_frame(%rip), %rax\n	add $\\step, %rax\n	push %rax\n"
	"	incq direct_count(%rip)\n"
	"	mov 16(%rsp), %rax\n	mov %rax, direct_flags(%rip)\n"
	"	mov direct_rax(%rip), %rax\n"
	"	iretq\n"
	".endm\n"
	"direct_handler direct_step2, 2, 0\n"
	"direct_handler direct_step0, 0, 0\n"
	".data\n.balign 16\ndirect_frame: .quad 0, 0, 0, 0, 0\n.text\n");

static int64_t direct_on(void)
{
	struct exo_direct *page = (struct exo_direct *)EXO_SELF_DIRECT;

	for (int v = 0; v < 32; v++)
		page->handler[v] = (uint64_t)(v == 3 ? direct_step0 : direct_step2);
	return gate_env_set(0, EXO_SET_DIRECT, 1, 0);
}

static void undefined(uint64_t argument) { (void)argument; __asm__ volatile("ud2"); }

void direct_undefined(void)
{
	IS(direct_on(), 0);
	direct_count = 0;
	for (int i = 0; i < 100; i++)
		__asm__ volatile("ud2");
	IS(direct_count, 100);
	IS(caught.count, 0);
	IS(direct_flags & 0x3200, 0x200);
	IS(gate_env_set(0, EXO_SET_DIRECT, 0, 0), 0);
	IS(guarded(undefined, 0), 1); /* an upcall again */
	IS(direct_count, 100);
	IS(caught.vector, 6);
}

void direct_others(void)
{
	uint64_t count;

	IS(direct_on(), 0);
	direct_count = 0;
	__asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; xor %%edx, %%edx; div %%ecx" ::: "rax", "rcx", "rdx");
	IS(direct_count, 1);
	__asm__ volatile("int3");
	IS(direct_count, 2);
	/* Page faults still come through the kernel. */
	count = caught.count;
	IS(guarded((void (*)(uint64_t))8, 0), 1);
	IS(caught.count, count + 1);
	IS(caught.vector, 14);
	IS(direct_count, 2);
}

/* Timer ticks inside and around direct handlers change nothing. */
void direct_ticks(void)
{
	uint64_t n = 0, end = rt_tsc() + rt_ticks(60000000);

	IS(direct_on(), 0);
	direct_count = 0;
	while (rt_tsc() < end) {
		for (int i = 0; i < 50; i++)
			__asm__ volatile("ud2");
		n += 50;
		if (n % 1000 == 0)
			(void)gate_env_set(0, EXO_SET_ALARM, rt_tsc() + rt_ticks(50000), 0);
	}
	IS(direct_count, n);
	CHECK(seen.timer_count > 0);
}

static void direct_actor(uint64_t argument)
{
	(void)argument;
	for (int i = 0; i < 5; i++) {
		shared[0] += (uint64_t)guarded(undefined, 0);
		(void)gate_yield(0, 0);
	}
}

/* One env's choice is not another's. */
void direct_own(void)
{
	exo_name name = actor_start(0, direct_actor, 0);

	CHECK(name);
	IS(direct_on(), 0);
	direct_count = 0;
	for (int i = 0; i < 5; i++) {
		__asm__ volatile("ud2");
		(void)gate_yield(name, 0);
	}
	CHECK(actor_finish(name));
	IS(shared[0], 5);
	IS(direct_count, 5);
}
