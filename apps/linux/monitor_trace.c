/* SPDX-License-Identifier: MIT */
/* The gate's trace for the host: the monitor binds the ring before COMMAND starts and sends what stands in it when
 * COMMAND has ended. */
#include <base/string.h>
#include <exo/trace.h>
#include <rt/gate.h>
#include <family/family.h>
#include "monitor.h"

/* In the first env alone: the last 2 MiB of the private area's GiB. */
#define RING_VA (PRIVATE_BASE + EXO_HOME_SIZE - EXO_RUN_FRAMES * EXO_PAGE_SIZE)
#define RING    ((const volatile struct exo_trace *)RING_VA)

void trace_begin(struct monitor *m)
{
	int64_t head, r;

	if (!CONFIG->trace)
		return;
	r = head = run_claim();
	if (r >= 0)
		r = gate_pte_write(0, RING_VA | 2, 1, (uint64_t)head << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_NX, 0, 0);
	if (r >= 0)
		r = gate_dev_bind(EXO_DEV_TRACE, (uint64_t)head, EXO_RUN_FRAMES);
	m->tracing = r >= 0;
	if (r < 0)
		rt_log("init: no trace: gate error %ld", -r);
}

/* One record without its arguments that are zero: TSC, env, kind and number as they stand (16 bytes), a mask of the
 * arguments that follow (one byte). */
static size_t record_pack(uint8_t *to, const volatile struct exo_trace *r)
{
	struct exo_trace copy = *r;
	size_t n = 17;

	to[16] = 0;
	for (int i = 0; i < 6; i++) {
		if (!copy.arg[i])
			continue;
		to[16] |= (uint8_t)(1u << i);
		memcpy(to + n, &copy.arg[i], 8);
		n += 8;
	}
	memcpy(to, &copy, 16);
	return n;
}

/* Which process had which env since when (P). */
static void names_send(struct monitor *m)
{
	const uint64_t names = (uint64_t)F->env_names;
	struct env_name name;
	uint64_t count = 0;
	size_t n = 0;

	if (!names || family_read(&count, names, sizeof count))
		return;
	for (uint64_t i = 0; i < MIN_OF(count, ENV_NAMES_MOST); i++) {
		if (family_read(&name, names + offsetof(struct env_names, of) + i * sizeof name, sizeof name))
			return;
		if (n + sizeof name > sizeof m->buffer) {
			io_frame(m, 'P', m->buffer, n);
			n = 0;
		}
		memcpy(m->buffer + n, &name, sizeof name);
		n += sizeof name;
	}
	if (n)
		io_frame(m, 'P', m->buffer, n);
}

void trace_end(struct monitor *m)
{
	uint64_t head[3] = { rt_info->tsc_hz };
	size_t n = 0;

	if (!m->tracing)
		return;
	(void)gate_dev_bind(EXO_DEV_TRACE, 0, 0);
	head[1] = rt_info->trace_count;
	head[2] = head[1] > EXO_TRACE_RECORDS ? head[1] - EXO_TRACE_RECORDS : 0;
	names_send(m);
	io_frame(m, 'R', head, sizeof head);
	for (uint64_t i = head[2]; i < head[1]; i++) {
		if (n > sizeof m->buffer - sizeof(struct exo_trace) - 1) {
			io_frame(m, 'R', m->buffer, n);
			n = 0;
		}
		n += record_pack(m->buffer + n, &RING[i % EXO_TRACE_RECORDS]);
	}
	if (n)
		io_frame(m, 'R', m->buffer, n);
}
