/* SPDX-License-Identifier: MIT */
/* Who of the family runs: the run queue of threads, passing the CPU on, and process 1's loop. Sleeping and waking is
 * sleep.c's. All slices are the monitor's; it gives the CPU to the env that told.running names, that of the thread
 * with the least virtual run time, and members pass it on among themselves: within an env by thread.c, else by yield.
 * A woken thread starts no earlier than the queue's minimum less half a latency. */
#include <family/family.h>
#include <rt/log.h>
#include <rt/page.h>
#include <posix/process/task.h>
#include "realtime.h"
#include "run.h"
#include <linux/sched.h>
#include "needs.h"

#define CHECK_NS 1000000000u /* so seldom the lists are looked through */
#define SOON_NS  10000000u
#define FEW_TASKS 64         /* a look at which costs nothing beside the end of one */

/* Ticks that an env ran; only the caller's own runs now. */
static uint64_t env_clock(exo_name env)
{
	const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(env)];

	return e->name != env ? 0 : env == P->self ? e->run_time + rt_tsc() : e->run_time;
}

/* What nice makes of time, in 1/1024: each step changes the share of the CPU by a quarter. */
static const uint32_t nice_factor[40] = {
	12, 14, 18, 22, 28, 35, 44, 55, 69, 86, 107, 134, 168, 210, 262, 328, 410, 512, 640, 800,
	1024, 1280, 1600, 2000, 2500, 3125, 3906, 4883, 6104, 7629, 9537, 11921, 14901, 18626, 23283, 29104, 36380, 45475,
		56843, 71054,
};

/* Who is idle by choice weighs 3 where others weigh 1024. */
#define IDLE_PACE (1024 * 1024 / 3)

static uint32_t pace_of(const struct thread *th)
{
	uint32_t pace = th->policy == SCHED_IDLE ? IDLE_PACE : nice_factor[th->nice + 20];

	if (th->rank)
		return PACE_REALTIME;
	return pace == 1024 ? 0 : pace;
}

static void queue_remove(struct thread *th) { queue_take(&F->run_head, &F->run_tail, th); }

/* Out of whichever it stands in. */
static void queues_remove(struct thread *th)
{
	if (th->queued == QUEUED_REALTIME)
		queue_take(&F->realtime.head, &F->realtime.tail, th);
	else
		queue_remove(th);
}

/* Mostly to one of the ends: who was woken to the head, who has run to the tail. */
static void queue_insert(struct thread *th)
{
	struct thread *before = F->run_tail;

	if (F->run_head && (int64_t)(th->virtual - F->run_head->virtual) < 0)
		before = 0;
	while (before && (int64_t)(th->virtual - before->virtual) < 0)
		before = before->run_prev;
	queue_put(&F->run_head, &F->run_tail, th, before);
}

/* A woken thread, or one that was no usual one: it begins near the others. */
static void virtual_raise(struct thread *th)
{
	uint64_t floor = F->min_virtual - rt_ticks(F->latency_ns / 2);

	if ((int64_t)(th->virtual - floor) < 0)
		th->virtual = floor;
}

void sched_look(void)
{
	/* A notice without bits: it is no sample of where the CPU's time goes, as a timer's would be. */
	F->realtime.came = 1;
	__atomic_fetch_or(&P->exo->pending, EXO_PEND_NOTIFY, __ATOMIC_RELAXED);
}

/* Who has the CPU may have to give it to th, or is th. Process 1 looks at that in each round. */
static void rank_look(const struct thread *th)
{
	if (!P->is_keeper && F->running && (th == F->running || th->rank > F->running->rank))
		sched_look();
}

/* Of its own class, or for another's sake. One that falls stands first among those of its new rank, one that rises
 * last. */
static void rank_set(struct thread *th)
{
	int was = th->rank, in_queue = th->queued == QUEUED_RUN || th->queued == QUEUED_REALTIME;

	th->rank = MAX_OF(th->priority, th->inherits);
	th->pace = pace_of(th);
	if (th->rank == was)
		return;
	if (in_queue)
		queues_remove(th);
	if (!th->rank)
		virtual_raise(th);
	if (!in_queue)
		return;
	if (th->rank) {
		realtime_put(th, th->rank < was);
	} else {
		queue_insert(th);
		th->queued = QUEUED_RUN;
	}
	rank_look(th);
}

void sched_class_set(struct thread *th, int policy, int nice, int priority)
{
	sched_settle(); /* what ran until now ran by the old one */
	if (policy != th->policy)
		th->turn_ns = 0;
	th->policy = policy;
	th->nice = nice;
	th->priority = priority;
	rank_set(th);
}

void sched_inherit(struct thread *th, int rank)
{
	if (rank == th->inherits)
		return;
	sched_settle();
	th->inherits = rank;
	rank_set(th);
}

void sched_class_copy(struct thread *to, const struct thread *from)
{
	to->policy = from->policy;
	to->nice = from->nice;
	to->priority = from->priority;
	to->slack_ns = to->slack_usual_ns = from->slack_ns;
	to->no_new_privs = from->no_new_privs;
	to->personality = from->personality;
	if (from->resets && from->priority) {
		to->policy = SCHED_NORMAL;
		to->nice = to->priority = 0;
	}
	if (from->resets && from->nice < 0)
		to->nice = 0;
	to->rank = to->priority;
	to->pace = from->resets || from->inherits ? pace_of(to) : from->pace;
}

/* How many stand in a queue, each marked so, if it is whole; else more than most. */
static uint32_t queue_count(struct thread *head, const struct thread *tail, int queued, uint32_t most)
{
	const struct thread *last = NULL;
	uint32_t n = 0;

	for (struct thread *th = head; th && n <= most; last = th, th = th->run_next)
		n += th->run_prev == last && th->queued == queued ? 1 : most + 1;
	return last == tail ? n : most + 1;
}

/* Who is marked as standing in a queue stands in it, unless somebody wrote into it: true when they were made anew. */
static int queue_check(void)
{
	uint32_t count = 0, found;

	for (struct task *t = F->tasks; t; t = t->next)
		for (struct thread *th = t->threads; th; th = th->next)
			count += th->queued == QUEUED_RUN || th->queued == QUEUED_REALTIME;
	found = queue_count(F->run_head, F->run_tail, QUEUED_RUN, count) +
		queue_count(F->realtime.head, F->realtime.tail, QUEUED_REALTIME, count);
	if (found == count && F->told.run_count == count)
		return 0;
	F->run_head = F->run_tail = F->realtime.head = F->realtime.tail = NULL;
	for (struct task *t = F->tasks; t; t = t->next)
		for (struct thread *th = t->threads; th; th = th->next)
			if (th->queued == QUEUED_REALTIME)
				realtime_put(th, 0);
			else if (th->queued == QUEUED_RUN)
				queue_insert(th);
	F->told.run_count = count;
	return 1;
}

/* An env of the caller's has ended, nearly always by itself: one that is stuck is looked for at once among few, else
 * seldom; once a second it is found anyway. */
static void reap_soon(void)
{
	if (F->task_count < FEW_TASKS || clock_ns() - F->reaped_at > SOON_NS)
		reap_stuck();
}

/* Nobody may be forgotten for ever because somebody wrote where he should not. */
static void lists_check(uint64_t now)
{
	const struct task *ran = F->tasks;
	const char *what = NULL;

	if (now < F->checked_at + CHECK_NS && now >= F->checked_at)
		return;
	F->checked_at = now;
	reap_stuck(); /* the kernel tells who made an env of its end, and that one may sleep */
	if (sleepers_check(now))
		what = "sleepers";
	if (queue_check())
		what = "who wants the CPU";
	if (!what)
		return;
	while (ran && ran->env != F->told.ran)
		ran = ran->next;
	rt_log("family: the list of %s was damaged and is made anew; last had the CPU: %s[%d] (env %lx)", what,
		ran ? ran->name : "", ran ? ran->pid : 0, F->told.ran);
}

/* The virtual time of who does not run at the usual pace. */
static __attribute__((noinline)) uint64_t virtual_of(struct thread *th, uint64_t ran)
{
	if (th->pace != PACE_REALTIME)
		return ran * th->pace / 1024;
	realtime_ran(th, ran);
	return 0;
}

/* Counts what the one that has the CPU ran since the last time, and puts it where it belongs now. */
void sched_settle(void)
{
	struct thread *th = F->running;
	uint64_t clock, ran;

	if (!th)
		return;
	clock = env_clock(th->task->env);
	ran = clock - th->mark;
	if (!clock || (int64_t)ran <= 0)
		return;
	th->mark = clock;
	th->ran += ran;
	th->virtual += th->pace ? virtual_of(th, ran) : ran;
	if (th->queued == QUEUED_RUN && th->run_next && (int64_t)(th->virtual - th->run_next->virtual) > 0) {
		queue_remove(th);
		queue_insert(th);
	}
}

/* The one before is settled. */
static void running_set(struct thread *th)
{
	if (th == F->running)
		return;
	F->running = th;
	F->told.running = th ? th->task->env : 0;
	if (th) {
		F->told.ran = th->task->env;
		th->mark = env_clock(th->task->env);
	}
}

void sched_moves(struct thread *th)
{
	sched_settle();
	th->mark = 0;
}

uint64_t thread_ticks(const struct thread *th)
{
	return th->ran + (th == F->running ? env_clock(th->task->env) - th->mark : 0);
}

static uint64_t turn_ns(void)
{
	uint64_t share = F->latency_ns / (F->told.run_count ? F->told.run_count : 1);

	return share > F->granularity_ns ? share : F->granularity_ns;
}

/* This env's alarm comes at that time, or earlier and then again. */
static void alarm_by(uint64_t now, uint64_t tsc)
{
	if (P->alarm_at > now && P->alarm_at <= tsc)
		return;
	P->alarm_at = tsc;
	(void)gate_env_set(0, EXO_SET_ALARM, tsc, 0);
}

void sched_start_turn(void)
{
	uint64_t now = rt_tsc(), left;

	if (F->told.run_count <= 1) {
		/* A real-time thread has no more than the share of all of them, though nobody else wants the CPU. */
		left = F->realtime.head ? realtime_left() : 0;
		F->turn_end = left ? now + rt_ticks(left) : 0;
		if (left)
			alarm_by(now, F->turn_end);
		return;
	}
	F->turn_end = now + rt_ticks(turn_ns());
	alarm_by(now, F->turn_end);
}

void sched_remove(struct thread *th)
{
	if (th->queued != QUEUED_RUN && th->queued != QUEUED_REALTIME)
		return;
	F->told.run_count--;
	queues_remove(th);
	th->queued = QUEUED_NOT;
}

uint64_t sched_runnable(void)
{
	return F->told.run_count;
}

void thread_run(struct thread *th)
{
	if (th->queued || th->task->is_init)
		return;
	if (th->channel)
		sleep_end(th);
	th->state = THREAD_RUNNABLE;
	if (th->pace == PACE_REALTIME) {
		th->unslept_ns = 0;
		realtime_put(th, 0);
		rank_look(th);
	} else {
		virtual_raise(th);
		queue_insert(th);
		th->queued = QUEUED_RUN;
	}
	/* Who ran alone until now has no turn that could end. */
	if (++F->told.run_count == 2 && !P->is_keeper)
		sched_start_turn();
}

/* No better off than who made it: else there would always be another new one before who has run a little. */
void thread_run_new(struct thread *th)
{
	const struct thread *maker = P->thread;

	sched_settle();
	th->virtual = F->min_virtual;
	if (maker->queued == QUEUED_RUN && (int64_t)(maker->virtual - th->virtual) > 0)
		th->virtual = maker->virtual;
	thread_run(th);
}

static struct thread *next_pick(const struct thread *other)
{
	sched_settle();
	return sched_pick(other);
}

/* Whose turn it would be cannot run: the CPU goes to the monitor, or to others while one waits that it called. */
static __attribute__((noinline)) void yield_failed(struct thread *th, exo_name env)
{
	if (!rt_calls(env)) {
		(void)gate_yield(0, 0);
		return;
	}
	family_lock();
	if (th == F->running && rt_calls(env))
		sleep_of_call(th);
	family_unlock();
}

/* To another env (NULL: the monitor), until this one gets the CPU again. Lock held; it is dropped meanwhile. */
static void env_yield(struct thread *th)
{
	exo_name env = th ? th->task->env : 0;
	int must_look = th && !th->on; /* another thread has that env, perhaps in user code */

	family_unlock();
	if (must_look)
		(void)gate_notify(env, 1);
	if (gate_yield(env, 0) < 0)
		yield_failed(th, env);
	family_lock();
	if (P->exo->pending & EXO_PEND_CHILD) {
		__atomic_fetch_and(&P->exo->pending, ~(uint32_t)EXO_PEND_CHILD, __ATOMIC_RELAXED);
		reap_stuck();
	}
}

/* Gives the CPU to next (NULL: the monitor), and comes back when it is the caller's turn. The caller may be no thread
 * any more: then never. */
static void cpu_give(struct thread *next)
{
	struct thread *me = P->thread;

	running_set(next);
	while (!me || F->running != me) {
		struct thread *th = F->running;

		if (th && th->task->env == P->self) {
			thread_switch(th);
			continue;
		}
		env_yield(th);
		th = F->running;
		if (th && th->task->env == P->self)
			continue;
		/* The CPU came without a choice: that env cannot run. */
		running_set(me && me->queued == QUEUED_RUN ? me : next_pick(0));
	}
	sched_start_turn();
}

void sched_block(int state)
{
	struct thread *me = P->thread;

	me->state = state;
	me->waits++;
	sched_remove(me);
	if (me->deadline)
		wakes_by(me->deadline);
	cpu_give(next_pick(0));
	if (me->task->asked)
		ask_serve();
}

void sched_leave(void)
{
	cpu_give(next_pick(0));
	__builtin_unreachable();
}

void sched_pass(void)
{
	running_set(next_pick(0));
	/* The thread that leaves may be the one that goes on, in another env. */
	F->told.running = F->running ? F->running->task->env : 0;
}

void sched_give_way(void)
{
	struct thread *next = next_pick(P->thread);

	if (next)
		cpu_give(next);
}

/* By a real-time thread. */
static __attribute__((noinline)) void rank_yield(void)
{
	struct thread *next;

	sched_settle();
	realtime_rotate(P->thread);
	next = next_pick(0);
	if (next != P->thread)
		cpu_give(next);
}

void sched_yield_turn(void)
{
	if (P->thread->queued == QUEUED_REALTIME)
		rank_yield();
	else
		sched_give_way();
}

/* The alarm, or the slice's end: another one's turn, unless this thread still is the one that has run least, or the
 * alarm was meant for a turn that is long over. */
static void turn_end(void)
{
	int came = F->realtime.came;
	struct thread *next;

	F->realtime.came = 0;
	if (!came && F->turn_end && rt_tsc() < F->turn_end) {
		alarm_by(rt_tsc(), F->turn_end);
		return;
	}
	next = next_pick(0);
	if (next ? next != P->thread : P->thread->queued == QUEUED_REALTIME) {
		P->thread->preempted++;
		cpu_give(next);
	} else {
		sched_start_turn();
	}
}

/* Another thread of this env was chosen while this one was in user code. */
static int is_passed_over(void)
{
	return F->running != P->thread && F->running && F->running->task->env == P->self;
}

void sched_take_events(int in_library)
{
	uint32_t bits = __atomic_exchange_n(&P->exo->pending, 0, __ATOMIC_ACQUIRE);

	if (bits & EXO_PEND_NOTIFY)
		__atomic_store_n(&P->exo->notify_bits, 0, __ATOMIC_RELAXED);
	if (bits & EXO_PEND_TIMER) {
		if (P->alarm_at <= rt_tsc())
			P->alarm_at = 0;
		*(in_library ? &P->thread->split.system : &P->thread->split.user) += 1;
	}
	if (!(bits & (EXO_PEND_CHILD | EXO_PEND_TIMER | EXO_PEND_REVOKE)) && !is_passed_over() && !P->task->asked
		&& !F->realtime.came)
		return;
	family_lock();
	if (bits & EXO_PEND_CHILD)
		reap_soon();
	if (is_passed_over())
		cpu_give(F->running);
	else if (bits & EXO_PEND_TIMER || F->realtime.came)
		turn_end();
	if (P->task->asked || bits & EXO_PEND_REVOKE)
		ask_serve();
	family_unlock();
}

void sched_keep(void (*work)(void))
{
	for (;;) {
		uint64_t bits = __atomic_exchange_n(&P->exo->pending, 0, __ATOMIC_ACQUIRE), news = 0, deadline,
			now = clock_ns();
		struct thread *next;

		if (bits & EXO_PEND_NOTIFY)
			news = __atomic_exchange_n(&P->exo->notify_bits, 0, __ATOMIC_ACQUIRE);
		family_lock();
		if (bits & EXO_PEND_CHILD)
			reap_soon();
		if (news & KEEPER_REAP)
			reap_stuck();
		deadline = earlier(sleepers_run(now), realtime_resume(now));
		timers_run(now);
		work();
		lists_check(now);
		F->told.wakes = earlier(deadline, timers_next());
		/* Nobody's alarm ends the turn of one that waits in a call, whose time is another's. */
		if (F->running && (news & KEEPER_STALLED || F->told.run_count > 1) && rt_calls(F->running->task->env))
			sleep_of_call(F->running);
		next = next_pick(0);
		running_set(next);
		if (next && !next->on)
			(void)gate_notify(next->task->env, 1);
		family_unlock();
		(void)gate_wait(TURN_OVER, 0);
	}
}
