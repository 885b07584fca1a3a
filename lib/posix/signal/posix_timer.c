/* SPDX-License-Identifier: MIT */
/* timer_create and its kin: a process's timers by number, each of which sends a signal to the process or one of its threads. */
#include <linux/time.h>
#include <linux/time_types.h>
#include <posix/call/calls.h>
#include <posix/library.h>
#include <posix/process/usage.h>
#include "signals.h"
#include <run/timer.h>

#define TIMERS_FIRST 8
#define IGNORED_NS  4000000ul /* between looks at a timer whose signal is ignored */

/* at: when it last came or will come next, of its clock; 0: it does not run. A signal of its that was not taken yet
 * is `queued`, and the next is sent when it was. */
struct posix_timer {
	struct timer timer;
	int id, notify, sig, tid;
	int32_t cpu;                 /* a clock of CPU time by its number, else 0 */
	uint8_t is_real, is_tai;     /* of CLOCK_REALTIME: absolute times are of 1970; of CLOCK_TAI: beside that */
	uint8_t queued, waits;       /* waits: it goes on when the signal was taken */
	uint64_t at, interval, overrun, told; /* overrun: since the last signal that was taken; told: of that one */
	uint64_t value;
};

/* struct sigevent. */
struct event { uint64_t value; int32_t sig, notify, tid, pad[11]; };
struct setting { struct __kernel_timespec interval, value; };
_Static_assert(sizeof(struct event) == 64, "sigevent");

/* Those of a process by number, with room for `size`. What is free says, in place of an address, which is free next:
 * twice its number and one. */
struct posix_timers {
	uint32_t size, free;
	union { struct posix_timer *timer; uint64_t next; } at[];
};

static int is_free(const struct posix_timers *all, uint64_t id) { return all->at[id].next & 1; }

static struct posix_timer *timer_of(const struct task *t, int id)
{
	const struct posix_timers *all = t->signals.posix_timers;

	return all && id >= 0 && (uint32_t)id < all->size && !is_free(all, (uint64_t)id) ? all->at[id].timer : NULL;
}

static struct posix_timer *find(uint64_t id) { return timer_of(current_task(), (int)id); }

/* Room for twice as many, or the first: 0 or -EAGAIN. */
static int timers_grow(struct task *t)
{
	struct posix_timers *had = t->signals.posix_timers, *all;
	uint32_t before = had ? had->size : 0, size = before ? before * 2 : TIMERS_FIRST;

	all = fam_alloc(sizeof *all + size * sizeof all->at[0]);
	if (!all)
		return -EAGAIN;
	if (had)
		memcpy(all->at, had->at, before * sizeof all->at[0]);
	for (uint32_t i = before; i < size; i++)
		all->at[i].next = (i + 1) * 2ul + 1;
	all->size = size;
	all->free = before;
	fam_free(had);
	t->signals.posix_timers = all;
	return 0;
}

/* A number for another one, or -EAGAIN. */
static int number_take(struct task *t)
{
	struct posix_timers *all = t->signals.posix_timers;
	int id;

	if (!signal_room(t) || ((!all || all->free == all->size) && timers_grow(t)))
		return -EAGAIN;
	all = t->signals.posix_timers;
	id = (int)all->free;
	all->free = (uint32_t)(all->at[id].next / 2);
	F->signals_queued++;
	return id;
}

static void number_give(struct task *t, int id)
{
	struct posix_timers *all = t->signals.posix_timers;

	all->at[id].next = all->free * 2ul + 1;
	all->free = (uint32_t)id;
	F->signals_queued--;
}

static int now_of(const struct posix_timer *p, uint64_t *now)
{
	if (p->cpu)
		return cpu_clock_read(p->cpu, now);
	*now = clock_ns();
	return 0;
}

/* Nobody is to be told of one that says nothing: it is counted when it is looked at. */
static void go(struct posix_timer *p, uint64_t now)
{
	uint64_t at = p->notify == SIGEV_NONE ? 0 : p->at;

	if (at && p->cpu)
		at = cpu_clock_look(p->timer.owner, at > now ? at - now : 0);
	timer_start(&p->timer, at);
}

/* Behind now, where it goes on from. */
static void forward(struct posix_timer *p, uint64_t now)
{
	p->overrun += time_forward(&p->at, p->interval, now) - 1;
	go(p, now);
}

static void send(struct posix_timer *p, struct thread *th, uint64_t now)
{
	struct signal_cause cause = { .code = SI_TIMER, .pid = p->id, .value = p->value };
	struct task *t = p->timer.owner;

	if (signal_is_dropped(t, th, p->sig)) {
		/* Nobody will take it. What would come more often than that is not needed so often. */
		if (p->interval) {
			forward(p, now);
			timer_start(&p->timer, time_after(MAX_OF(p->timer.at, clock_ns()), p->interval < IGNORED_NS ? IGNORED_NS
				: 0));
		}
		return;
	}
	p->waits = p->interval != 0;
	if (p->queued) {
		p->overrun++;
		return;
	}
	p->queued = 1;
	p->overrun = 0;
	if (!(th ? signal_send_thread(th, p->sig, &cause) : signal_send_info(t, p->sig, &cause)))
		return;
	p->queued = p->waits = 0; /* no memory: it is the next one's turn */
	if (p->interval)
		forward(p, now);
}

static void fire(struct timer *timer)
{
	struct posix_timer *p = (struct posix_timer *)timer;
	struct thread *th = p->tid ? thread_by_tid(p->tid) : 0;
	uint64_t now;

	if (now_of(p, &now) || (p->tid && (!th || th->task != timer->owner)))
		return;
	if (p->at > now)
		go(p, now);
	else
		send(p, th, now);
}

void posix_timer_taken(struct task *t, struct signal_cause *cause)
{
	struct posix_timer *p = timer_of(t, cause->pid);
	uint64_t now;

	if (!p || !p->queued)
		return;
	p->queued = 0;
	if (p->waits && !now_of(p, &now))
		forward(p, now);
	if (!p->interval)
		p->at = 0;
	p->waits = 0;
	p->told = MIN_OF(p->overrun, (uint64_t)INT32_MAX);
	cause->uid = (int)p->told;
}

CALL3(timer_create, clock, event, id)
{
	struct task *t = current_task();
	struct event e = { .sig = SIGALRM, .notify = SIGEV_SIGNAL };
	int32_t cpu = cpu_clock((int32_t)clock);
	struct posix_timer *p;
	int number;

	switch (clock) {
	case CLOCK_REALTIME: case CLOCK_MONOTONIC: case CLOCK_BOOTTIME: case CLOCK_TAI:
		break;
	case CLOCK_MONOTONIC_RAW: case CLOCK_REALTIME_COARSE: case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	default:
		if (!cpu)
			return -EINVAL;
	}
	if (event && user_read(&e, event, sizeof e))
		return -EFAULT;
	/* A C library makes a thread of a signal's thread itself: SIGEV_THREAD is a signal as any other here. */
	if (e.notify != SIGEV_NONE && e.notify != SIGEV_SIGNAL && e.notify != SIGEV_THREAD &&
		e.notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID))
		return -EINVAL;
	if (e.notify != SIGEV_NONE && (e.sig < 1 || e.sig > SIGNAL_COUNT))
		return -EINVAL;
	if (e.notify & SIGEV_THREAD_ID) {
		struct thread *th = thread_by_tid(e.tid);

		if (!th || th->task != t)
			return -EINVAL;
	}
	number = number_take(t);
	p = number < 0 ? NULL : fam_alloc(sizeof *p);
	if (!p || user_write(id, &number, sizeof number)) {
		if (number >= 0)
			number_give(t, number);
		fam_free(p);
		return p ? -EFAULT : -EAGAIN;
	}
	p->timer.fire = fire;
	p->timer.owner = t;
	p->id = number;
	p->notify = e.notify;
	p->sig = e.notify == SIGEV_NONE ? SIGALRM : e.sig;
	p->tid = e.notify & SIGEV_THREAD_ID ? e.tid : 0;
	p->cpu = cpu;
	p->is_real = clock == CLOCK_REALTIME || clock == CLOCK_TAI;
	p->is_tai = clock == CLOCK_TAI;
	p->value = event ? e.value : (uint64_t)number;
	t->signals.posix_timers->at[number].timer = p;
	return 0;
}

static struct setting look(const struct posix_timer *p)
{
	uint64_t now = 0, at = p->at, left;

	if (!at || now_of(p, &now))
		return (struct setting){ timespec_of(p->interval), timespec_of(0) };
	/* One whose signal waits, or that sends none, is where it would be. */
	if (p->interval && (p->waits || p->notify == SIGEV_NONE))
		(void)time_forward(&at, p->interval, now);
	left = at > now ? at - now : p->notify != SIGEV_NONE;
	return (struct setting){ timespec_of(p->interval), timespec_of(left) };
}

CALL4(timer_settime, id, flags, from, old)
{
	struct posix_timer *p = find(id);
	struct setting is, was;
	uint64_t at, interval, now;

	if (!p || !from)
		return -EINVAL;
	if (user_read(&is, from, sizeof is))
		return -EFAULT;
	if (timespec_ns(&is.value, &at) || timespec_ns(&is.interval, &interval))
		return -EINVAL;
	was = look(p);
	if (now_of(p, &now))
		return -ESRCH;
	p->at = 0;
	if (at && p->cpu)
		p->at = flags & TIMER_ABSTIME ? at : time_after(now, at);
	else if (at)
		p->at = clock_deadline(p->is_tai && flags & TIMER_ABSTIME ? at - MIN_OF(at, (uint64_t)(F->clock_tai * NS)) : at,
			flags & TIMER_ABSTIME, p->is_real);
	p->timer.wall_at = p->is_real && flags & TIMER_ABSTIME ? &p->at : NULL;
	p->interval = interval;
	p->overrun = p->told = 0;
	p->waits = 0;
	go(p, now);
	return old && user_write(old, &was, sizeof was) ? -EFAULT : 0;
}

CALL2(timer_gettime, id, to)
{
	struct posix_timer *p = find(id);
	struct setting is;

	if (!p)
		return -EINVAL;
	is = look(p);
	return user_write(to, &is, sizeof is);
}

CALL1(timer_getoverrun, id)
{
	struct posix_timer *p = find(id);

	return p ? (long)p->told : -EINVAL;
}

static void delete(struct task *t, struct posix_timer *p)
{
	number_give(t, p->id);
	timer_stop(&p->timer);
	fam_free(p);
}

CALL1(timer_delete, id)
{
	struct posix_timer *p = find(id);

	if (!p)
		return -EINVAL;
	delete(current_task(), p);
	return 0;
}

void posix_timers_drop(struct task *t)
{
	struct posix_timers *all = t->signals.posix_timers;

	for (uint32_t i = 0; all && i < all->size; i++) {
		family_progress(); /* it may be one of many */
		if (!is_free(all, i))
			delete(t, all->at[i].timer);
	}
	fam_free(all);
	t->signals.posix_timers = NULL;
}
