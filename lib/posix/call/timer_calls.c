/* SPDX-License-Identifier: MIT */
/* System calls about time: clocks, sleeping, CPU time used. */
#include <linux/time_types.h>
#include <rt/gate.h>
#include "calls.h"
#include <family/family.h>
#include <posix/signal/signals.h>

#define TICK_NS 10000000ul /* of times(): 100 a second */

struct timeval64 { int64_t s, us; };

static int clock_read(uint64_t id, uint64_t *ns)
{
	switch (id) {
	case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: case CLOCK_REALTIME_ALARM: case CLOCK_TAI:
		*ns = clock_wall_ns();
		return 0;
	case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_RAW: case CLOCK_MONOTONIC_COARSE: case CLOCK_BOOTTIME: case CLOCK_BOOTTIME_ALARM:
		*ns = clock_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = rt_ns(task_ticks(current_task()));
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = rt_ns(thread_ticks(current_thread()));
		return 0;
	}
	return -EINVAL;
}

static int timespec_put(uint64_t to, uint64_t ns)
{
	const struct __kernel_timespec ts = timespec_of(ns);

	return user_write(to, &ts, sizeof ts);
}

CALL2(clock_gettime, id, to)
{
	uint64_t ns;
	int error = clock_read(id, &ns);

	return error ? error : timespec_put(to, ns);
}

CALL2(clock_settime, id, from)
{
	uint64_t ns;
	int error;

	if (id != CLOCK_REALTIME)
		return -EINVAL;
	error = timespec_read(from, &ns);
	return error ? error : -EPERM;
}

CALL2(clock_getres, id, to)
{
	uint64_t ns;
	int error = clock_read(id, &ns);

	return error || !to ? error : timespec_put(to, 1);
}

CALL2(gettimeofday, to, zone)
{
	const uint64_t utc = 0;
	uint64_t ns = clock_wall_ns();
	struct timeval64 tv = { (int64_t)(ns / NS), (int64_t)(ns % NS / 1000) };

	if ((to && user_write(to, &tv, sizeof tv)) || (zone && user_write(zone, &utc, sizeof utc)))
		return -EFAULT;
	return 0;
}

CALL1(time, to)
{
	int64_t s = (int64_t)(clock_wall_ns() / NS);

	return to && user_write(to, &s, sizeof s) ? -EFAULT : s;
}

/* Until deadline, ns of clock_ns. left: user address for what remains when a signal comes, 0 = none. */
static long sleep_until(uint64_t deadline, uint64_t left)
{
	int result = 0;

	while (!result)
		result = sleep_on(&current_thread()->deadline, deadline);
	if (result == -ETIMEDOUT)
		return 0;
	uint64_t now = clock_ns();
	if (left && timespec_put(left, deadline > now ? deadline - now : 0))
		return -EFAULT;
	current_thread()->restart_deadline = deadline;
	current_thread()->restart_left = left;
	return -ERESTART_RESTARTBLOCK;
}

CALL2(nanosleep, want, left)
{
	uint64_t ns;
	int error = timespec_read(want, &ns);

	return error ? error : sleep_until(clock_after(ns), left);
}

CALL4(clock_nanosleep, id, flags, want, left)
{
	uint64_t ns, now;
	int error = clock_read(id, &now);

	if (error)
		return -EINVAL;
	if (id == CLOCK_THREAD_CPUTIME_ID)
		return -EOPNOTSUPP;
	if ((error = timespec_read(want, &ns)))
		return error;
	if (!(flags & TIMER_ABSTIME))
		return sleep_until(clock_after(ns), left);
	long result = ns <= now ? 0 : sleep_until(clock_after(ns - now), 0);
	return result == -ERESTART_RESTARTBLOCK ? -ERESTARTNOHAND : result;
}

CALL0(restart_syscall)
{
	uint64_t deadline = current_thread()->restart_deadline;

	/* A program that calls this by itself has nothing to go on with. */
	if (!deadline)
		return -EINTR;
	current_thread()->restart_deadline = 0;
	return sleep_until(deadline, current_thread()->restart_left);
}

CALL1(times, to)
{
	const struct task *t = current_task();
	int64_t ticks[4] = { (int64_t)(rt_ns(task_ticks(t)) / TICK_NS), 0, (int64_t)(rt_ns(t->child_ticks) / TICK_NS), 0 };

	if (to && user_write(to, ticks, sizeof ticks))
		return -EFAULT;
	return (long)(clock_ns() / TICK_NS);
}

CALL2(getrusage, who, to)
{
	const struct task *t = current_task();
	int64_t usage[18] = { 0 };
	uint64_t ns;

	if ((int)who == 0)
		ns = rt_ns(task_ticks(t));
	else if ((int)who == 1)
		ns = rt_ns(thread_ticks(current_thread()));
	else if ((int)who == -1)
		ns = rt_ns(t->child_ticks);
	else
		return -EINVAL;
	usage[0] = (int64_t)(ns / NS);
	usage[1] = (int64_t)(ns % NS / 1000);
	usage[4] = (int64_t)(t->rss_pages * 4);
	usage[8] = (int64_t)P->page_faults;
	return user_write(to, usage, sizeof usage);
}
