/* SPDX-License-Identifier: MIT */
/* Tests of slices, alarms, yield, wait and notify (rules 17, 21, 22, 24). */
#include "gate.h"

static void spin(uint64_t argument) { (void)argument; for (;;) shared[15]++; }

static int wait_for(volatile uint64_t *count, uint64_t ms)
{
	uint64_t end = rt_tsc() + rt_ticks(ms * 1000000);

	while (!*count && rt_tsc() < end)
		__asm__ volatile("pause");
	return *count != 0;
}

void alarm_upcall(void)
{
	uint64_t at = rt_tsc() + rt_ticks(2000000);

	IS(gate_env_set(0, EXO_SET_ALARM, at, 0), 0);
	/* The slice's own timer upcall may come before it. */
	while (seen.async_tsc < at && rt_tsc() < at + rt_ticks(1000000000))
		__asm__ volatile("pause");
	CHECK(seen.async_tsc >= at);
	CHECK(seen.async_tsc < at + rt_ticks(500000000));
}

void alarm_past(void)
{
	IS(gate_env_set(0, EXO_SET_ALARM, rt_tsc() - 1000, 0), 0);
	CHECK(wait_for(&seen.timer_count, 1000));
}

void alarm_disabled(void)
{
	uint64_t before;

	rt_page()->disabled = 1;
	before = seen.async_count; /* the end of a slice may have come until here */
	seen.timer_count = 0;
	IS(gate_env_set(0, EXO_SET_ALARM, rt_tsc() + rt_ticks(1000000), 0), 0);
	for (uint64_t end = rt_tsc() + rt_ticks(200000000); rt_tsc() < end && !(rt_page()->pending & EXO_PEND_TIMER);)
		__asm__ volatile("pause");
	IS(rt_page()->pending & EXO_PEND_TIMER, EXO_PEND_TIMER);
	IS(seen.async_count, before);
	rt_page()->disabled = 0;
	(void)gate_nop();
	CHECK(wait_for(&seen.timer_count, 1000)); /* by the next entry into the kernel at the latest */
	IS(rt_page()->pending, 0);
}

/* As above, and the entry is not lib/rt's, which would itself hold back. */
static volatile uint64_t raw_count;
extern const uint8_t async_raw[];
__asm__(".text\n.globl async_raw\n.hidden async_raw\nasync_raw:\n	incq raw_count(%rip)\n	add (%rsp), %rsp\n	iretq\n");

void upcall_disabled_held(void)
{
	uint64_t entry[EXO_ENTRY_COUNT];

	rt_entries_fill(entry);
	entry[EXO_ENTRY_ASYNC] = (uint64_t)async_raw;
	raw_count = 0;
	rt_page()->disabled = 1;
	IS(gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)entry, 0), 0);
	IS(gate_env_set(0, EXO_SET_ALARM, rt_tsc() + rt_ticks(1000000), 0), 0);
	for (uint64_t end = rt_tsc() + test_patience(1); rt_tsc() < end && !(rt_page()->pending & EXO_PEND_TIMER);)
		__asm__ volatile("pause");
	IS(rt_page()->pending & EXO_PEND_TIMER, EXO_PEND_TIMER);
	(void)gate_yield(0, 0);
	IS(raw_count, 0);
	rt_page()->pending = 0;
	rt_page()->disabled = 0;
}

/* First env: parked it gets no timer upcall for a slice. One may come before it is: three tries. */
void alarm_cancelled(void)
{
	int64_t came = 1;

	rt_page()->disabled = 1;
	for (int i = 0; i < 3 && came; i++) {
		uint64_t at = rt_tsc() + rt_ticks(100000000);

		IS(gate_env_set(0, EXO_SET_ALARM, at, 0), 0);
		IS(gate_env_set(0, EXO_SET_ALARM, 0, 0), 0);
		(void)__atomic_and_fetch(&rt_page()->pending, ~(uint32_t)EXO_PEND_TIMER, __ATOMIC_SEQ_CST);
		came = gate_wait(EXO_PEND_TIMER, at + rt_ticks(20000000));
	}
	rt_page()->disabled = 0;
	IS(came, 0);
}

/* True when not one of 20 alarms comes as punctually as the early timer upcall would have to: a busy host, on which there is nothing to see. */
static int host_is_late(void)
{
	for (int i = 0; i < 20; i++) {
		uint64_t at = rt_tsc() + rt_ticks(300000);

		(void)gate_env_set(0, EXO_SET_ALARM, at, 0);
		while (rt_tsc() < at || seen.async_tsc < at)
			if (rt_tsc() > at + rt_info->tsc_hz)
				return 0;
		if (seen.async_tsc - at < rt_info->early_ticks / 2)
			return 0;
	}
	return 1;
}

void slice_timer(void)
{
	uint64_t in_time = 0, end = rt_tsc() + rt_ticks(2000000000);

	CHECK(rt_slices->env[rt_slices->position] == rt_self());
	CHECK(rt_info->early_ticks < rt_info->slice_ticks);
	while (in_time < 3 && rt_tsc() < end) {
		seen.timer_count = 0;
		in_time += wait_for(&seen.timer_count, 1000) && seen.async_tsc < seen.slice_end;
	}
	CHECK(in_time == 3 || (seen.timer_count && host_is_late()));
}

void slice_forced(void)
{
	uint64_t start, end;

	IS(actor_prepare(0, spin, 0), 0);
	actor[0].spec.disabled = 1;
	actor[0].name = (exo_name)gate_env_make(&actor[0].spec);
	start = rt_tsc();
	IS(gate_yield(actor[0].name, 0), 0);
	end = rt_tsc();
	CHECK(shared[15] > 0);
	IS(env_state(actor[0].name), EXO_S_READY);
	CHECK(end - start < 20 * rt_info->slice_ticks);
	CHECK(rt_envs[EXO_NAME_INDEX(actor[0].name)].run_time > 0);
	rt_env_end(actor[0].name);
}

void slice_own(void)
{
	exo_name name = actor_start(0, spin, 0);
	uint64_t free = EXO_SLICE_COUNT, position;

	CHECK(name);
	for (uint64_t i = 0; i < EXO_SLICE_COUNT; i++)
		if (!rt_slices->env[i])
			free = i;
	/* The first env may hold them all: it may give any of its own away. */
	position = free < EXO_SLICE_COUNT ? free : (rt_slices->position + 1) % EXO_SLICE_COUNT;
	IS(gate_slice_set(position, name), 0);
	IS(rt_slices->env[position], name);
	CHECK(wait_for(&shared[15], 3000));
	rt_env_end(name);
	CHECK(rt_slices->env[position] != name);
	if (free == EXO_SLICE_COUNT)
		IS(gate_slice_set(position, rt_self()), 0);
}

void slice_refused(void)
{
	uint64_t taken = EXO_SLICE_COUNT;

	for (uint64_t i = 0; i < EXO_SLICE_COUNT; i++)
		if (rt_slices->env[i] == rt_info->first)
			taken = i;
	CHECK(taken < EXO_SLICE_COUNT);
	IS(gate_slice_set(taken, rt_self()), -EXO_EPERM);
	IS(gate_slice_set(taken, 0), -EXO_EPERM);
	IS(gate_slice_set(EXO_SLICE_COUNT, rt_self()), -EXO_EINVAL);
	IS(gate_slice_set(1ul << 40, rt_self()), -EXO_EINVAL);
}

static void count_and_yield(uint64_t times)
{
	while (times--) {
		shared[0]++;
		(void)gate_yield(0, 0);
	}
}

void yield_to_and_back(void)
{
	exo_name name = actor_start(0, count_and_yield, 10);

	CHECK(name);
	CHECK(actor_finish(name));
	IS(shared[0], 10);
	IS(gate_yield(rt_self(), 0), 0);
}

static void notify_first(uint64_t bits)
{
	shared[1] = (uint64_t)gate_notify(rt_info->first, bits);
	for (;;)
		shared[15]++;
}

/* First env: a pending bit of the mask ends the donation at once. */
void yield_mask(void)
{
	exo_name name = actor_start(0, notify_first, 4);

	CHECK(name);
	IS(gate_env_set(0, EXO_SET_OPEN, 4, 0), 0);
	for (int i = 0; i < 3 && !seen.notify_count; i++)
		(void)gate_yield(name, EXO_PEND_NOTIFY);
	IS(gate_env_set(0, EXO_SET_OPEN, 0, 0), 0);
	IS(seen.notify_count, 1);
	IS(shared[15], 0);
	IS(rt_page()->notify_bits, 4);
	rt_page()->notify_bits = 0;
	rt_env_end(name);
}

void wait_deadline(void)
{
	uint64_t at = rt_tsc() + rt_ticks(5000000);
	int64_t r = gate_wait(EXO_PEND_IRQ, at);

	IS(r, 0);
	CHECK(rt_tsc() >= at);
	CHECK(rt_tsc() < at + rt_ticks(1000000000));
	IS(gate_wait(EXO_PEND_IRQ, 1), 0); /* past */
}

void wait_pending(void)
{
	int64_t r;

	rt_page()->disabled = 1;
	(void)gate_env_set(0, EXO_SET_ALARM, rt_tsc() + rt_ticks(3000000), 0);
	r = gate_wait(EXO_PEND_TIMER, 0);
	IS(r & EXO_PEND_TIMER, EXO_PEND_TIMER);
	IS(gate_wait(EXO_PEND_TIMER, 0) & EXO_PEND_TIMER, EXO_PEND_TIMER); /* still set: at once */
	(void)__atomic_and_fetch(&rt_page()->pending, ~(uint32_t)EXO_PEND_TIMER, __ATOMIC_SEQ_CST);
	rt_page()->disabled = 0;
}

static void nothing(uint64_t argument) { (void)argument; }

/* While nobody can run, the kernel takes down who has ended: its creator need not push. */
void wait_takes_down(void)
{
	exo_name name = actor_start(0, nothing, 0);

	CHECK(name);
	rt_page()->disabled = 1;
	while (env_state(name) == EXO_S_READY)
		(void)gate_yield(name, 0);
	IS(env_state(name), EXO_S_DYING);
	int64_t r = gate_wait(EXO_PEND_CHILD, rt_tsc() + rt_ticks(1000000000));
	rt_page()->disabled = 0;
	IS(r & EXO_PEND_CHILD, EXO_PEND_CHILD);
	IS(env_state(name), EXO_S_FREE);
}

void wait_deadline_refused(void)
{
	IS(gate_wait(EXO_PEND_NOTIFY, rt_tsc() + 1000000), -EXO_EPERM);
}

static void listen(uint64_t open)
{
	rt_page()->disabled = 1;
	shared[1] = (uint64_t)gate_env_set(0, EXO_SET_OPEN, open, 0);
	shared[0] = 1;
	shared[2] = (uint64_t)gate_wait(EXO_PEND_NOTIFY, 0);
	shared[3] = rt_page()->notify_bits;
}

void notify_wakes(void)
{
	exo_name name = actor_start(0, listen, 0xf0);

	CHECK(name);
	IS(gate_notify(name, 0x10), -EXO_EPERM); /* nothing is open yet */
	IS(actor_run(name), EXO_S_PARKED);
	IS(shared[1], 0);
	IS(gate_notify(name, 0x0f), -EXO_EPERM);
	IS(env_state(name), EXO_S_PARKED);
	IS(gate_notify(name, 0x11), 0);
	IS(env_state(name), EXO_S_READY);
	CHECK(actor_finish(name));
	IS(shared[2] & EXO_PEND_NOTIFY, EXO_PEND_NOTIFY);
	IS(shared[3], 0x10);
}

void notify_upcall(void)
{
	IS(gate_env_set(0, EXO_SET_OPEN, 1, 0), 0);
	IS(gate_notify(rt_self(), 1), 0);
	CHECK(wait_for(&seen.notify_count, 1000));
	IS(rt_page()->notify_bits, 1);
}

void notify_before_wait(void)
{
	exo_name name = actor_start(0, listen, 2);

	CHECK(name);
	/* Runs it as far as opening; it may be parked by then: either way the wake-up must not be lost. */
	while (!shared[0])
		(void)gate_yield(name, 0);
	IS(gate_notify(name, 2), 0);
	CHECK(actor_finish(name));
	IS(shared[3], 2);
}
