/* SPDX-License-Identifier: MIT */
/* Hostile tests of time: envs that never let go, storms, bombs, ends at the wrong moment. The witness has slices of its own and must notice nothing. */
#include <base/string.h>
#include "gate.h"

#define SPINS shared[15]

static uint64_t give_time(exo_name name, uint64_t slices)
{
	uint64_t before = witness.passes, end = rt_tsc() + slices * rt_info->slice_ticks;

	while (rt_tsc() < end && env_state(name) != EXO_S_FREE)
		(void)gate_yield(name, 0);
	return witness.passes - before;
}

/* An env that keeps the CPU for long does not keep the witness's slices. */
#define CONTAINED(name) do { CHECK(give_time(name, 12) > 0 || rt_info->debug); CHECK(SPINS > 0); } while (0)

/* ---- inside a direct handler */

static void spin_here(void) { for (;;) SPINS++; }

static void raise_and_spin(uint64_t vector)
{
	static const uint16_t control = 0x37b; /* x87: zero divide is not masked */
	static const uint32_t mxcsr = 0x1d80;
	struct exo_direct *page = (struct exo_direct *)EXO_SELF_DIRECT;

	for (int v = 0; v < 32; v++)
		page->handler[v] = (uint64_t)spin_here;
	(void)gate_env_set(0, EXO_SET_DIRECT, 1, 0);
	switch (vector) {
	case 0: __asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; xor %%edx, %%edx; div %%ecx" ::: "rax", "rcx", "rdx"); break;
	case 3: __asm__ volatile("int3"); break;
	case 4: __asm__ volatile("int $4"); break;
	case 6: __asm__ volatile("ud2"); break;
	case 16: __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" :: "m"(control)); break;
	case 17: __asm__ volatile("pushfq; orq $0x40000, (%%rsp); popfq; mov 1(%%rsp), %%rax; pushfq; andq $~0x40000, (%%rsp); popfq" ::: "rax", "memory", "cc"); break;
	case 19: __asm__ volatile("ldmxcsr %0; pxor %%xmm0, %%xmm0; divss %%xmm0, %%xmm0" :: "m"(mxcsr)); break;
	}
	shared[14] = 1; /* this CPU has not raised it */
}

void hostile_direct_spin(void)
{
	/* 5 cannot be raised in 64-bit code; QEMU 7.2 raises neither 17 nor 19. */
	static const int vector[] = { 0, 3, 4, 6, 16, 17, 19 };

	for (unsigned i = 0; i < sizeof vector / sizeof vector[0]; i++) {
		exo_name name;

		SPINS = shared[14] = 0;
		name = actor_start(0, raise_and_spin, (uint64_t)vector[i]);
		CHECK(name);
		if (vector[i] < 17 || (give_time(name, 1), !shared[14]))
			CONTAINED(name);
		rt_env_end(name);
	}
}

/* What a handler of a direct vector can be: in nobody's memory, in the kernel's, on a stack that is none, one that raises its own exception for ever. */
static void raise_for_ever(void) { __asm__ volatile("incq %0; ud2" : "+m"(SPINS)); }

static void direct_to(uint64_t handler)
{
	struct exo_direct *page = (struct exo_direct *)EXO_SELF_DIRECT;

	memset(page, 0xff, sizeof *page);
	for (int v = 0; v < 32; v++)
		page->handler[v] = handler;
	(void)gate_env_set(0, EXO_SET_DIRECT, 1, 0);
	__asm__ volatile("ud2");
}

void hostile_direct_handlers(void)
{
	static const uint64_t handler[] = { 0, KERNEL_IMAGE, 1ul << 55, EXO_INFO, EXO_USER_END };
	exo_name name;

	for (unsigned i = 0; i < sizeof handler / sizeof handler[0]; i++) {
		IS(actor_prepare(0, direct_to, handler[i]), 0);
		actor[0].spec.entry[EXO_ENTRY_FAULT] = 0;
		actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
		IS(actor_run(actor[0].name), EXO_S_STUCK);
		rt_env_end(actor[0].name);
	}
	name = actor_start(0, direct_to, (uint64_t)raise_for_ever);
	CHECK(name);
	CONTAINED(name);
	rt_env_end(name);
}

/* By number they are not to be had, whoever took them. */
void direct_int_refused(void)
{
	struct exo_direct *page = (struct exo_direct *)EXO_SELF_DIRECT;

	CHECK(page_new(T, RW));
	for (int v = 0; v < 32; v++)
		page->handler[v] = (uint64_t)spin_here;
	IS(gate_env_set(0, EXO_SET_DIRECT, 1, 0), 0);
	for (uint64_t n = 0; n < 6; n++) {
		static const uint8_t number[] = { 0, 5, 6, 16, 17, 19 };

		((volatile uint8_t *)T)[0] = 0xcd;
		((volatile uint8_t *)T)[1] = number[n];
		((volatile uint8_t *)T)[2] = 0xc3;
		IS(guarded((void (*)(uint64_t))T, 0), 1);
		IS(caught.vector, 13);
		CHECK(caught.error == number[n] * 8u + 2 || caught.error == number[n] * 16u + 2); /* QEMU 7.2 says the latter */
	}
	IS(gate_env_set(0, EXO_SET_DIRECT, 0, 0), 0);
}

/* ---- who will not give time back */

static void overrun(uint64_t argument)
{
	(void)argument;
	rt_page()->disabled = 1;
	for (;;) {
		rt_page()->pending = 0;
		SPINS++;
	}
}

void hostile_overrun(void)
{
	exo_name name = actor_start(0, overrun, 0);

	CHECK(name);
	CONTAINED(name);
	/* With a slice of its own it has that one, and no other. */
	IS(gate_slice_set(FREE_SLICE, name), 0);
	CONTAINED(name);
	rt_env_end(name);
	IS(rt_slices->env[FREE_SLICE], 0);
}

/* Gives the rest of its slice to the witness when next to nothing is left of it. */
static void donate_late(uint64_t argument)
{
	(void)argument;
	rt_page()->disabled = 1;
	for (;;) {
		uint64_t end = rt_page()->slice_end;

		while (rt_tsc() + rt_ticks(1000) < end)
			__asm__ volatile("pause");
		(void)gate_yield(witness.name, 0);
		SPINS++;
	}
}

void hostile_last_microsecond(void)
{
	exo_name name = actor_start(0, donate_late, 0);

	CHECK(name);
	IS(gate_slice_set(FREE_SLICE, name), 0);
	IS(gate_slice_set(FREE_SLICE + 1, name), 0);
	CONTAINED(name);
	CHECK(give_time(name, 64) > 0 || rt_info->debug);
	rt_env_end(name);
}

/* Asked for frames back it goes on as if nothing were; then they are taken, one by one, and it is stuck at the first that it misses. */
static void deaf(uint64_t argument)
{
	(void)argument;
	rt_page()->disabled = 1;
	for (uint64_t i = 0; i < 4; i++)
		shared[i] = page_new(T + i * PAGE, RW | NX);
	for (shared[4] = 1;;) {
		(void)rt_frame(); /* refused as soon as it owes */
		rt_page()->pending = 0;
		rt_page()->revoke_count = 0;
		rt_page()->revoke_deadline = ~0ul;
		WORD(T + (SPINS % 4) * PAGE)++;
		SPINS++;
	}
}

void hostile_revocation_ignored(void)
{
	uint32_t held;
	uint64_t free;

	IS(actor_prepare(0, deaf, 0), 0);
	actor[0].spec.entry[EXO_ENTRY_FAULT] = 0;
	actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[0].spec.limit[EXO_C_FRAMES] = 60;
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(give_time(actor[0].name, 8) || 1);
	IS(shared[4], 1);
	held = rt_envs[EXO_NAME_INDEX(actor[0].name)].frames;
	IS(held, 60); /* it took all that its account has */
	IS(gate_revoke(actor[0].name, EXO_REVOKE_ASK, 4, rt_tsc() + 1), 0);
	free = rt_info->frames_free;
	(void)give_time(actor[0].name, 4);
	IS(rt_envs[EXO_NAME_INDEX(actor[0].name)].frames, held);
	for (uint64_t i = 0; i < 4; i++) {
		IS(gate_revoke(actor[0].name, EXO_REVOKE_TAKE, T + i * PAGE, 0), 1);
		IS(FRAME(shared[i]).type, EXO_FREE);
	}
	IS(rt_info->frames_free, free + 4);
	IS(gate_revoke(actor[0].name, EXO_REVOKE_TAKE, T, 0), -EXO_EBUSY);
	IS(actor_run(actor[0].name), EXO_S_STUCK);
	rt_env_end(actor[0].name);
}

/* ---- storms */

static void notify_storm(uint64_t argument)
{
	(void)argument;
	for (;;) {
		(void)gate_notify(witness.name, ~0ul);
		(void)gate_notify(rt_creator(&rt_envs[ME]), ~0ul);
		SPINS++;
	}
}

void hostile_notify_storm(void)
{
	exo_name name = actor_start(0, notify_storm, 0);

	CHECK(name);
	IS(gate_env_set(0, EXO_SET_OPEN, ~0ul, 0), 0);
	IS(gate_slice_set(FREE_SLICE, name), 0);
	CONTAINED(name);
	CHECK(seen.notify_count > 0 && witness.upcalls > 0);
	rt_env_end(name);
}

static void port_out(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" :: "a"(value), "d"(port)); }

/* The serial port's line comes again as soon as it may. */
static void irq_storm(uint64_t argument)
{
	(void)argument;
	rt_page()->disabled = 1;
	shared[0] = (uint64_t)gate_dev_bind(EXO_DEV_PORTS, 0x2f8, 8) | (uint64_t)gate_dev_bind(EXO_DEV_IRQ, 3, 1);
	port_out(0x2fc, 8);
	for (;;) {
		port_out(0x2f9, 0);
		port_out(0x2f9, 2);
		shared[1] += __atomic_exchange_n(&rt_page()->irq_bits, 0, __ATOMIC_SEQ_CST) != 0;
		(void)gate_dev_ack(3);
		SPINS++;
	}
}

void hostile_irq_storm(void)
{
	exo_name name = actor_start(0, irq_storm, 0);

	CHECK(name);
	CONTAINED(name);
	IS(shared[0], 0);
	CHECK(shared[1] > 1);
	rt_env_end(name);
}

/* ---- the fork bomb: envs that make envs until nothing is left of their account, and then try on */

static void bomb(uint64_t argument)
{
	struct exo_env_spec spec;

	for (;;) {
		SPINS++;
		if (rt_env_prepare(&spec) >= 0 && rt_env_home(&spec, (uint64_t)&witness, EXO_AT_RW) >= 0 && rt_env_pages(&spec, T, 2, RW | NX, 0) >= 0) {
			spec.rip = (uint64_t)bomb;
			spec.rsp = T + 2 * PAGE - 8;
			spec.rdi = argument + 1;
			(void)gate_env_make(&spec);
		}
		(void)gate_yield(0, 0);
	}
}

void hostile_fork_bomb(void)
{
	uint32_t count = 0, left;
	exo_name name;

	IS(actor_prepare(0, bomb, 0), 0);
	actor[0].spec.flags = EXO_SPEC_NEW_ACCOUNT;
	actor[0].spec.limit[EXO_C_FRAMES] = 400;
	actor[0].spec.limit[EXO_C_ENVS] = 12;
	actor[0].name = name = (exo_name)gate_env_make(&actor[0].spec);
	CHECK(env_state(name) == EXO_S_READY);
	for (uint64_t end = rt_tsc() + 40 * rt_info->slice_ticks * (rt_info->debug ? 16 : 1); rt_tsc() < end;)
		for (uint32_t i = 1; i < 64; i++)
			if (rt_envs[i].name && rt_envs[i].state == EXO_S_READY && rt_envs[i].account == EXO_NAME_INDEX(name))
				(void)gate_yield(rt_envs[i].name, 0);
	for (uint32_t i = 1; i < EXO_ENV_MAX; i++)
		count += rt_envs[i].name && rt_envs[i].account == EXO_NAME_INDEX(name);
	CHECK(count > 3 && count <= 13);
	CHECK(rt_envs[EXO_NAME_INDEX(name)].used[EXO_C_FRAMES] <= 400);
	/* As the eldest goes its children become ours; each end frees all that it had. */
	do {
		left = 0;
		for (uint32_t i = 1; i < EXO_ENV_MAX; i++)
			if (rt_envs[i].name && rt_creator(&rt_envs[i]) == rt_self()) {
				rt_env_end(rt_envs[i].name);
				left++;
			}
	} while (left);
}
