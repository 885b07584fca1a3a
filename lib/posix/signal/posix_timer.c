/* SPDX-License-Identifier: MIT */
/* timer_create and its kin: a process's timers by number, each of which sends a signal to the process or one of its threads. */
#include <linux/time.h>
#include <linux/time_types.h>
#include <posix/call/calls.h>
#include <family/family.h>
#include "signals.h"
#include <run/timer.h>

#define TIMER_LIMIT 256

struct posix_timer {
	struct timer timer;
	struct posix_timer *next;
	int id, notify, sig, tid;
	uint32_t is_real;            /* of CLOCK_REALTIME: absolute times are of 1970 */
	uint32_t overrun;
	uint64_t value;
};

/* struct sigevent. */
struct event { uint64_t value; int32_t sig, notify, tid, pad[11]; };
struct setting { struct __kernel_timespec interval, value; };
_Static_assert(sizeof(struct event) == 64, "sigevent");

static struct posix_timer *find(uint64_t id)
{
	struct posix_timer *p = current_task()->signals.posix_timers;

	while (p && p->id != (int)id)
		p = p->next;
	return p;
}

static void fire(struct timer *timer, uint64_t times)
{
	struct posix_timer *p = (struct posix_timer *)timer;
	struct task *t = timer->owner;
	struct signal_cause *kept = &t->signals.info[p->sig], cause = { .code = SI_TIMER, .pid = p->id, .value = p->value };
	struct thread *th = p->tid ? thread_by_tid(p->tid) : 0;

	if (p->notify == SIGEV_NONE)
		return;
	if (p->tid && (!th || th->task != t))
		return;
	if ((th ? th->signals.pending : t->signals.pending) & SIGNAL_BIT(p->sig)) {
		p->overrun += (uint32_t)times;
		if (!th && kept->code == SI_TIMER && kept->pid == p->id)
			kept->uid = (int)p->overrun;
		return;
	}
	p->overrun = (uint32_t)(times - 1);
	cause.uid = (int)p->overrun;
	(void)(th ? signal_send_thread(th, p->sig, &cause) : signal_send_info(t, p->sig, &cause));
}

CALL3(timer_create, clock, event, id)
{
	struct task *t = current_task();
	struct event e = { .sig = SIGALRM, .notify = SIGEV_SIGNAL };
	struct posix_timer *p;
	int free = 0;

	/* CPU-time clocks have no timers here. */
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID ? -EOPNOTSUPP : -EINVAL;
	if (event && user_read(&e, event, sizeof e))
		return -EFAULT;
	if (e.notify != SIGEV_NONE && e.notify != SIGEV_SIGNAL && e.notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID))
		return -EINVAL;
	if (e.notify != SIGEV_NONE && (e.sig < 1 || e.sig > SIGNAL_COUNT))
		return -EINVAL;
	if (e.notify & SIGEV_THREAD_ID) {
		struct thread *th = thread_by_tid(e.tid);

		if (!th || th->task != t)
			return -EINVAL;
	}
	while (find((uint64_t)free))
		if (++free == TIMER_LIMIT)
			return -EAGAIN;
	if (!(p = fam_alloc(sizeof *p)))
		return -EAGAIN;
	p->timer.fire = fire;
	p->timer.owner = t;
	p->id = free;
	p->notify = e.notify;
	p->sig = e.notify == SIGEV_NONE ? SIGALRM : e.sig;
	p->tid = e.notify & SIGEV_THREAD_ID ? e.tid : 0;
	p->is_real = clock == CLOCK_REALTIME;
	p->value = event ? e.value : (uint64_t)free;
	if (user_write(id, &p->id, sizeof p->id)) {
		fam_free(p);
		return -EFAULT;
	}
	p->next = t->signals.posix_timers;
	t->signals.posix_timers = p;
	return 0;
}

static struct setting look(const struct posix_timer *p)
{
	return (struct setting){ timespec_of(p->timer.interval), timespec_of(timer_left(&p->timer)) };
}

CALL4(timer_settime, id, flags, from, old)
{
	struct posix_timer *p = find(id);
	struct setting is, was;
	uint64_t at, interval;

	if (!p || !from)
		return -EINVAL;
	if (user_read(&is, from, sizeof is))
		return -EFAULT;
	if (timespec_ns(&is.value, &at) || timespec_ns(&is.interval, &interval))
		return -EINVAL;
	was = look(p);
	timer_start(&p->timer, at ? clock_deadline(at, flags & TIMER_ABSTIME, p->is_real) : 0, interval);
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

	return p ? (long)p->overrun : -EINVAL;
}

CALL1(timer_delete, id)
{
	struct posix_timer **at = &current_task()->signals.posix_timers, *p = find(id);

	if (!p)
		return -EINVAL;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	timer_stop(&p->timer);
	fam_free(p);
	return 0;
}

void posix_timers_drop(struct task *t)
{
	struct posix_timer *p;

	while ((p = t->signals.posix_timers)) {
		t->signals.posix_timers = p->next;
		timer_stop(&p->timer);
		fam_free(p);
	}
}
