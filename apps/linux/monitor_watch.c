/* SPDX-License-Identifier: MIT */
/* What the monitor knows of its family without trusting it: whether an env that was named can run, who keeps the
 * lock and does not get on, and what a process is called. Whatever lies in the family's segment is copied and looked
 * at before it is used, and a search in it has an end. */
#include <base/fmt.h>
#include "monitor.h"

/* So long a holder may run without a sign of progress. Between two looks no more than a slice counts: who seems to have
 * run for longer was on a host that stood still; one with ten other things to do makes this a tenth of it. */
#define HOLD_NS   1000000000ul
#define LOOKS_MAX 2000 /* turns of the monitor with one holder that does not even run */

static const volatile struct exo_env *record(exo_name env)
{
	const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(env)];

	return env && e->name == env ? e : NULL;
}

int member_runs(const struct monitor *m, exo_name env)
{
	const volatile struct exo_env *e = record(env);

	return e && env != P->self && env != m->keeper && (e->state == EXO_S_READY || e->state == EXO_S_CALLING);
}

exo_name lock_watch(struct monitor *m)
{
	const volatile struct exo_env *e = record(m->told.lock);

	/* Who waits for the lock finds out by itself that nobody of that name is left. */
	if (!e || m->told.lock == P->self || e->state == EXO_S_DYING || e->state == EXO_S_STUCK)
		return m->watch.holder = 0;
	if (m->watch.holder != m->told.lock || m->watch.progress != m->told.progress) {
		m->watch.holder = m->told.lock;
		m->watch.progress = m->told.progress;
		m->watch.seen = e->run_time;
		m->watch.held = m->watch.looks = 0;
		return 0;
	}
	m->watch.looks++;
	m->watch.held += MIN_OF(e->run_time - m->watch.seen, rt_info->slice_ticks);
	m->watch.seen = e->run_time;
	if (e->state != EXO_S_READY ? m->watch.looks < LOOKS_MAX : m->watch.held <= rt_ticks(HOLD_NS))
		return 0;
	m->watch.holder = 0;
	return e->name;
}

int family_read(void *to, uint64_t from, size_t n)
{
	const uint64_t last = FAMILY_BASE + EXO_HOME_SIZE - n, step = n < 8 ? n : 8;

	return from < FAMILY_BASE || from > last || from % step || user_copy(to, (const void *)from, n);
}

void member_name(exo_name env, char *to, size_t max)
{
	struct { int pid, pgrp, session; char name[16]; } id;
	uint64_t at = (uint64_t)F->tasks;
	exo_name its = 0;

	(void)fmt(to, max, "env %lx", env);
	if (!env)
		return;
	for (int i = 0; at && i < PROC_MAX * 8; i++) {
		const struct task *t = (const struct task *)at;

		if (family_read(&its, (uint64_t)&t->env, sizeof its) || family_read(&id, at, sizeof id))
			return;
		if (its == env) {
			for (size_t k = 0; k < sizeof id.name; k++)
				if (id.name[k] && (id.name[k] < ' ' || id.name[k] > '~'))
					id.name[k] = '?';
			(void)fmt(to, max, "%.*s[%d]", (int)strnlen(id.name, sizeof id.name), id.name, id.pid);
			return;
		}
		if (family_read(&at, (uint64_t)&t->next, sizeof at))
			return;
	}
}
