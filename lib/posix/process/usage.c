/* SPDX-License-Identifier: MIT */
/* What processes use. Of CPU time the total is exact; how much of it is the library's ("system") is known by
 * samples: each timer upcall counts for where it found the thread
 * (sched_take_events), as a Linux without virtual CPU accounting counts its ticks. */
#include <linux/time.h>
#include <posix/library.h>
#include <posix/signal/signals.h>
#include "usage.h"

#define RLIMIT_CPU   0
#define RLIMIT_RTTIME 15          /* us */
#define LOOK_NS      1000000ul   /* between looks at a clock of who runs, */
#define LOOK_IDLE_NS 10000000ul  /* and of who does not */

/* Clocks of other processes and threads: their number inverted, and three bits (Linux's
 * include/linux/posix-timers_types.h). */
#define CLOCK_THREAD 4
#define CLOCK_KIND   3
#define KIND_USER    1
#define KIND_FD      3
static int32_t clock_of(int id, int bits) { return (int32_t)((uint32_t)~id << 3) | bits; }
static int clock_id(int32_t clock) { return ~(clock >> 3); }

/* Neither part falls from one look to the next. */
static struct times split(struct cpu_split *s, uint64_t user, uint64_t system, uint64_t total)
{
	uint64_t part = system ? mul_div(total, system, user + system) : 0;

	part = MAX_OF(part, s->system_ns);
	if (total < part + s->user_ns)
		part = total > s->user_ns ? total - s->user_ns : 0;
	if (part < s->system_ns)
		return (struct times){ s->user_ns, s->system_ns };
	s->system_ns = part;
	s->user_ns = total - part;
	return (struct times){ s->user_ns, s->system_ns };
}

struct times task_times(struct task *t)
{
	uint64_t user = t->split.user, system = t->split.system;

	for (const struct thread *th = t->threads; th; th = th->next) {
		user += th->split.user;
		system += th->split.system;
	}
	return split(&t->split, user, system, rt_ns(task_ticks(t)));
}

struct times thread_times(struct thread *th)
{
	return split(&th->split, th->split.user, th->split.system, rt_ns(thread_ticks(th)));
}

int32_t cpu_clock(int32_t clock)
{
	int id = clock_id(clock);
	struct thread *th;

	if (clock == CLOCK_PROCESS_CPUTIME_ID)
		return clock_of(P->task->pid, 2);
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return clock_of(P->thread->tid, CLOCK_THREAD | 2);
	if (clock >= 0 || (clock & CLOCK_KIND) == KIND_FD)
		return 0;
	if (!id)
		id = clock & CLOCK_THREAD ? P->thread->tid : P->task->pid;
	th = thread_by_tid(id);
	if (!th || (clock & CLOCK_THREAD ? th->task != P->task : th != P->thread && th->task->pid != id))
		return 0;
	return clock_of(clock & CLOCK_THREAD ? id : th->task->pid, clock & 7);
}

int cpu_clock_is_process(int32_t clock) { return !(clock & CLOCK_THREAD); }

int cpu_clock_read(int32_t clock, uint64_t *ns)
{
	struct thread *th = thread_by_tid(clock_id(clock));
	int is_user = (clock & CLOCK_KIND) == KIND_USER;

	if (!th)
		return -EINVAL;
	if (clock & CLOCK_THREAD)
		*ns = is_user ? thread_times(th).user : rt_ns(thread_ticks(th));
	else
		*ns = is_user ? task_times(th->task).user : rt_ns(task_ticks(th->task));
	return 0;
}

uint64_t cpu_clock_look(const struct task *t, uint64_t left)
{
	uint64_t least = LOOK_IDLE_NS;

	for (const struct thread *th = t->threads; th; th = th->next)
		if (th->state == THREAD_RUNNABLE)
			least = LOOK_NS;
	return clock_after(MAX_OF(left, least));
}

uint64_t task_frames(const struct task *t)
{
	const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(t->env)];

	return t->env && e->name == t->env ? e->frames : 0;
}

static void rss_note(struct task *t)
{
	uint64_t now = task_frames(t);

	if (now > t->own.rss_most)
		t->own.rss_most = now;
}

void io_note(int writes, long n)
{
	P->task->io[writes].calls++;
	if (n > 0)
		P->task->io[writes].bytes += (uint64_t)n;
}

void usage_note(void) { rss_note(P->task); }

struct usage usage_of(struct task *t)
{
	struct times times = task_times(t);
	struct usage u;

	rss_note(t);
	u = t->own;
	for (const struct thread *th = t->threads; th; th = th->next) {
		u.waits += th->waits;
		u.preempted += th->preempted;
	}
	u.user_ns = times.user;
	u.system_ns = times.system;
	return u;
}

struct usage usage_of_thread(struct thread *th)
{
	struct times times = thread_times(th);

	rss_note(th->task);
	return (struct usage){ times.user, times.system, th->task->own.rss_most, th->task->own.faults, th->waits,
		th->preempted };
}

void usage_add(struct usage *to, const struct usage *more)
{
	to->user_ns += more->user_ns;
	to->system_ns += more->system_ns;
	to->rss_most = MAX_OF(to->rss_most, more->rss_most);
	to->faults += more->faults;
	to->waits += more->waits;
	to->preempted += more->preempted;
}

void usage_keep(struct task *t, const struct thread *th)
{
	t->run_before += th->ran;
	t->split.user += th->split.user;
	t->split.system += th->split.system;
	t->own.waits += th->waits;
	t->own.preempted += th->preempted;
}

void usage_put(int64_t to[18], const struct usage *u)
{
	memset(to, 0, 18 * sizeof *to);
	to[0] = (int64_t)(u->user_ns / NS);
	to[1] = (int64_t)(u->user_ns % NS / 1000);
	to[2] = (int64_t)(u->system_ns / NS);
	to[3] = (int64_t)(u->system_ns % NS / 1000);
	to[4] = (int64_t)(u->rss_most * PAGE / 1024);
	to[8] = (int64_t)u->faults;
	to[16] = (int64_t)u->waits;
	to[17] = (int64_t)u->preempted;
}

static void limit_fire(struct timer *timer)
{
	const struct signal_cause cause = { .code = SI_KERNEL };
	struct task *t = timer->owner;
	uint64_t used = rt_ns(task_ticks(t)), *limit = t->limit[RLIMIT_CPU];

	if (t->state != TASK_ALIVE)
		return;
	if (used >= time_of((int64_t)MIN_OF(limit[1], (uint64_t)INT64_MAX), 0)) {
		(void)signal_send_info(t, SIGKILL, &cause);
		return;
	}
	if (used >= time_of((int64_t)MIN_OF(limit[0], (uint64_t)INT64_MAX), 0)) {
		(void)signal_send_info(t, SIGXCPU, &cause);
		limit[0]++; /* told again after another second */
	}
	cpu_limit_watch(t);
}

void cpu_limit_watch(struct task *t)
{
	uint64_t least = MIN_OF(t->limit[RLIMIT_CPU][0], t->limit[RLIMIT_CPU][1]), used = rt_ns(task_ticks(t)), at;

	t->cpu_limit.fire = limit_fire;
	t->cpu_limit.owner = t;
	if (least == ~0ul) {
		timer_stop(&t->cpu_limit);
		return;
	}
	at = time_of((int64_t)MIN_OF(least, (uint64_t)INT64_MAX), 0);
	timer_start(&t->cpu_limit, cpu_clock_look(t, at > used ? at - used : 0));
}

/* The real-time thread of t that has gone on without sleep for longest, in ns; -1: it has none. */
static int64_t unslept(const struct task *t)
{
	int64_t most = -1;

	sched_settle();
	for (const struct thread *th = t->threads; th; th = th->next)
		if (th->rank)
			most = MAX_OF(most, (int64_t)th->unslept_ns);
	return most;
}

static void realtime_limit_fire(struct timer *timer)
{
	const struct signal_cause cause = { .code = SI_KERNEL };
	struct task *t = timer->owner;
	uint64_t *limit = t->limit[RLIMIT_RTTIME];
	int64_t us = unslept(t) / 1000;

	if (t->state != TASK_ALIVE)
		return;
	if (us >= 0 && (uint64_t)us >= limit[1]) {
		(void)signal_send_info(t, SIGKILL, &cause);
		return;
	}
	if (us >= 0 && (uint64_t)us >= limit[0]) {
		(void)signal_send_info(t, SIGXCPU, &cause);
		limit[0] += 1000000; /* told again after another second */
	}
	realtime_limit_watch(t);
}

void realtime_limit_watch(struct task *t)
{
	const uint64_t *limit = t->limit[RLIMIT_RTTIME];
	int64_t used, least = (int64_t)MIN_OF(limit[0], (uint64_t)INT64_MAX / 1000) * 1000;

	t->realtime_limit.fire = realtime_limit_fire;
	t->realtime_limit.owner = t;
	used = limit[0] == ~0ul ? -1 : unslept(t);
	if (used < 0)
		timer_stop(&t->realtime_limit);
	else
		timer_start(&t->realtime_limit, cpu_clock_look(t, least > used ? (uint64_t)(least - used) : 0));
}
