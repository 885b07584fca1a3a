/* SPDX-License-Identifier: MIT */
/* Tests of the tracer's ring: what stands in it while it is bound, that nothing does when it is not, and who may bind it (rules 12, 26). */
#include <exo/trace.h>
#include "gate.h"

#define RING T2
#define SPAN 0x200000ul
#define COUNT (rt_info->trace_count)
#define RECORD(i) (((const volatile struct exo_trace *)RING)[(i) % EXO_TRACE_RECORDS])

/* A whole run of the caller's, 0 = failed. */
static uint64_t run_claim(void)
{
	uint64_t head = rt_info->frame_count & -(uint64_t)EXO_RUN_FRAMES, n = 0;

	while (head && n < EXO_RUN_FRAMES)
		for (n = 0, head -= EXO_RUN_FRAMES; n < EXO_RUN_FRAMES && FRAME(head + n).type == EXO_FREE; n++)
			;
	for (uint64_t done = 0; head && done < 2 * EXO_RUN_FRAMES;) {
		uint64_t at = done % EXO_RUN_FRAMES;
		int64_t r = done < EXO_RUN_FRAMES ? gate_frame_claim(head + at, EXO_RUN_FRAMES - at) : gate_frame_type(head + at, EXO_RUN_FRAMES - at, EXO_RUN, 0);

		if (r < 0)
			return 0;
		done += (uint64_t)r;
	}
	return head;
}

static void run_drop(uint64_t head)
{
	(void)gate_pte_write(0, RING | 2, 1, 0, 0, 0);
	(void)gate_frame_give(head, EXO_RUN_FRAMES, 0);
}

/* Index of the first record of that kind, number and env from `from` on; COUNT = none. */
static uint64_t find(uint64_t from, int kind, unsigned number, exo_name env)
{
	for (; from < COUNT; from++)
		if (RECORD(from).kind == kind && (kind == EXO_T_SWITCH || kind == EXO_T_SLICE || RECORD(from).number == number) && (!env || RECORD(from).env == env))
			break;
	return from;
}

static void foreign_and_fault(uint64_t argument)
{
	(void)argument;
	seen.nested = 1;
	door_in[0] = 4321;
	door_in[5] = 77;
	door_syscall();
	shared[0] = door_out[0];
	shared[1] = door_out[3]; /* rdx: kept */
	__asm__ volatile("ud2");
}

void trace_records(void)
{
	uint64_t head = run_claim(), at, back, before;
	exo_name name = 0;

	CHECK(head);
	IS(gate_pte_write(0, RING | 2, 1, PTE(head, NX), 0, 0), 1);
	before = COUNT;
	IS(gate_nop(), 0);
	IS(COUNT, before);                                         /* unbound: nothing is recorded */
	IS(gate_dev_bind(EXO_DEV_TRACE, head, EXO_RUN_FRAMES), 0);
	IS(gate_notify(0x7ffff123, 5), -EXO_ESTALE);
	at = find(0, EXO_T_CALL, EXO_GATE_notify, rt_self());
	CHECK(at < COUNT);
	IS(RECORD(at).arg[0], 0x7ffff123);
	IS(RECORD(at).arg[1], 5);
	IS(RECORD(at + 1).kind, EXO_T_RETURN);
	IS(RECORD(at + 1).arg[0], -EXO_ESTALE);
	CHECK(RECORD(at + 1).tsc > RECORD(at).tsc);
	door_in[2] = 99; /* rcx and r11 are lost, all else is kept: as without a tracer */
	door_in[3] = 42;
	seen.foreign_result = 6;
	CHECK((name = actor_start(0, foreign_and_fault, 0)));
	CHECK(actor_finish(name));
	IS(shared[0], 6);
	IS(shared[1], 42);
	at = find(0, EXO_T_SWITCH, 0, name);
	CHECK(at < COUNT);
	IS(RECORD(at).arg[0], rt_self());
	at = find(at, EXO_T_FOREIGN, 0, name);
	CHECK(at < COUNT);
	IS(RECORD(at).arg[0], 4321);
	at = find(at, EXO_T_UPCALL, 6, name);
	CHECK(at < COUNT);
	IS(RECORD(at).arg[0], 6);
	back = find(at, EXO_T_SWITCH, 0, rt_self());
	CHECK(back < COUNT);
	IS(RECORD(back).arg[0], name);
	/* Bound: pinned, whole, and one. */
	IS(gate_frame_give(head, EXO_RUN_FRAMES, 0), -EXO_EBUSY);
	IS(gate_frame_type(head, 1, EXO_DATA, 0), -EXO_EBUSY);
	IS(gate_dev_bind(EXO_DEV_TRACE, head, EXO_RUN_FRAMES), -EXO_EBUSY);
	IS(gate_dev_bind(EXO_DEV_TRACE, 0, 0), 0);
	before = COUNT;
	IS(gate_nop(), 0);
	IS(COUNT, before);
	run_drop(head);
}

void trace_slices(void)
{
	uint64_t head = run_claim(), end = rt_tsc() + 3 * rt_info->slice_ticks, at;

	CHECK(head);
	IS(gate_pte_write(0, RING | 2, 1, PTE(head, NX), 0, 0), 1);
	IS(gate_dev_bind(EXO_DEV_TRACE, head, EXO_RUN_FRAMES), 0);
	while (rt_tsc() < end)
		;
	for (int i = 0; i < 20000; i++)
		(void)gate_nop(); /* more than the ring holds */
	IS(gate_dev_bind(EXO_DEV_TRACE, 0, 0), 0);
	CHECK(COUNT > EXO_TRACE_RECORDS);
	at = COUNT - 1;
	IS(RECORD(at).kind, EXO_T_CALL); /* the one that unbound: it did not return into the ring */
	IS(RECORD(at).number, EXO_GATE_dev_bind);
	for (uint64_t i = COUNT - EXO_TRACE_RECORDS + 1; i < COUNT; i++)
		CHECK(RECORD(i).tsc >= RECORD(i - 1).tsc);
	at = find(COUNT - EXO_TRACE_RECORDS, EXO_T_SLICE, 0, rt_self());
	CHECK(at < COUNT);
	CHECK(RECORD(at).arg[0] > RECORD(at).tsc && RECORD(at).arg[0] <= RECORD(at).tsc + rt_info->slice_ticks);
	run_drop(head);
}

void trace_refused(void)
{
	uint64_t head = run_claim();

	CHECK(head);
	IS(gate_dev_bind(EXO_DEV_TRACE, head, EXO_RUN_FRAMES), -EXO_EPERM);
	IS(gate_dev_bind(EXO_DEV_TRACE, 0, 0), -EXO_EPERM);
}

void trace_refused_first(void)
{
	uint64_t head = run_claim();

	CHECK(head);
	IS(gate_dev_bind(EXO_DEV_TRACE, head, 0), -EXO_EINVAL);
	IS(gate_dev_bind(EXO_DEV_TRACE, head, 1), -EXO_EINVAL);
	REFUSED(gate_dev_bind(EXO_DEV_TRACE, head + 1, EXO_RUN_FRAMES));
	REFUSED(gate_dev_bind(EXO_DEV_TRACE, rt_envs[ME].root, EXO_RUN_FRAMES));
	REFUSED(gate_dev_bind(EXO_DEV_TRACE, rt_info->frame_count, EXO_RUN_FRAMES));
	REFUSED(gate_dev_bind(EXO_DEV_TRACE, 1ul << 40, EXO_RUN_FRAMES));
	IS(gate_frame_give(head, EXO_RUN_FRAMES, 0), EXO_RUN_FRAMES);
}
