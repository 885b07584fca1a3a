/* SPDX-License-Identifier: MIT */
/* Tests of fault upcalls: frames, nesting, and what happens when there is no room (rules 15, 17). */
#include "gate.h"

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
