/* SPDX-License-Identifier: MIT */
/* System calls about time: clocks, sleeping, CPU time used. */
#include <linux/resource.h>
#include <linux/time_types.h>
#include <rt/gate.h>
#include "calls.h"
#include <family/family.h>
#include <posix/process/usage.h>
#include <posix/signal/signals.h>

#define TICK_NS 10000000ul /* of times(): 100 a second */

struct timeval64 { int64_t s, us; };

/* Of a process or thread by number: a record that others change. Seldom wanted: reading the usual clocks is to save no
 * registers for it. */
__attribute__((noinline))
static int other_read(int32_t id, uint64_t *ns)
{
	int is_held = family_locked(), error;
	int32_t clock;

	if (!is_held)
		family_lock();
	clock = cpu_clock(id);
	error = clock ? cpu_clock_read(clock, ns) : -EINVAL;
	if (!is_held)
		family_unlock();
	return error;
}

static int clock_read(uint64_t id, uint64_t *ns)
{
	switch (id) {
	case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: case CLOCK_REALTIME_ALARM:
		*ns = clock_wall_ns();
		return 0;
	case CLOCK_TAI:
		*ns = clock_wall_ns() + (uint64_t)(F->clock_tai * NS);
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
	return (int32_t)id < 0 ? other_read((int32_t)id, ns) : -EINVAL;
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

	if (id != CLOCK_REALTIME && id != CLOCK_PROCESS_CPUTIME_ID && id != CLOCK_THREAD_CPUTIME_ID && (int32_t)id >= 0)
		return -EINVAL;
	error = timespec_read(from, &ns);
	if (!error && (int32_t)id < 0)
		error = clock_read(id, &ns);
	if (!error && id == CLOCK_REALTIME)
		return clock_set(ns);
	return error ? error : -EPERM;
}

CALL2(clock_adjtime, id, at)
{
	uint64_t ns;

	if (user_read(&ns, at, 1))
		return -EFAULT;
	if (clock_read(id, &ns))
		return -EINVAL;
	return id == CLOCK_REALTIME ? clock_adjust(at) : -EOPNOTSUPP;
}

CALL2(clock_getres, id, to)
{
	uint64_t ns;
	int error = clock_read(id, &ns);

	return error || !to ? error : timespec_put(to, 1);
}

CALL2(gettimeofday, to, zone)
{
	uint64_t ns = clock_wall_ns();
	struct timeval64 tv = { (int64_t)(ns / NS), (int64_t)(ns % NS / 1000) };

	if ((to && user_write(to, &tv, sizeof tv)) || (zone && user_write(zone, &F->zone, sizeof F->zone)))
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

/* Until the clock says that: 0, or -EINTR with what remains in *left. */
static long cpu_sleep(int32_t clock, uint64_t until, uint64_t *left)
{
	struct thread *th = current_thread();
	uint64_t now;

	for (;;) {
		int error = cpu_clock_read(clock, &now);

		if (error || now >= until)
			return error;
		if (sleep_on(&th->deadline, cpu_clock_look(th->task, until - now)) == -EINTR) {
			*left = until - now;
			return -EINTR;
		}
	}
}

static long cpu_nanosleep(int32_t clock, uint64_t flags, uint64_t ns, uint64_t now, uint64_t left_at)
{
	uint64_t left = 0;
	long result;

	if (!cpu_clock_is_process(clock))
		return -EINVAL;
	result = cpu_sleep(clock, flags & TIMER_ABSTIME ? ns : time_after(now, ns), &left);
	if (result != -EINTR || flags & TIMER_ABSTIME)
		return result == -EINTR ? -ERESTARTNOHAND : result;
	return left_at && timespec_put(left_at, left) ? -EFAULT : -EINTR;
}

/* Of a sleep until the clock says ns; it says now. */
static uint64_t deadline_of(uint64_t id, uint64_t ns, uint64_t now)
{
	switch (id) {
	case CLOCK_TAI:
		ns -= (uint64_t)(F->clock_tai * NS);
		__attribute__((fallthrough));
	case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: case CLOCK_REALTIME_ALARM:
		return SLEEP_WALL | ns;
	}
	return clock_after(ns - now);
}

CALL4(clock_nanosleep, id, flags, want, left)
{
	int32_t cpu = cpu_clock((int32_t)id);
	uint64_t ns, now;
	int error = clock_read(id, &now);

	if (error)
		return -EINVAL;
	if (id == CLOCK_THREAD_CPUTIME_ID)
		return -EOPNOTSUPP;
	if ((error = timespec_read(want, &ns)))
		return error;
	if (cpu)
		return cpu_nanosleep(cpu, flags, ns, now, left);
	if (!(flags & TIMER_ABSTIME))
		return sleep_until(clock_after(ns), left);
	long result = ns <= now ? 0 : sleep_until(deadline_of(id, ns, now), 0);
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
	struct task *t = current_task();
	const struct times own = task_times(t);
	const int64_t ticks[4] = { (int64_t)(own.user / TICK_NS), (int64_t)(own.system / TICK_NS),
		(int64_t)(t->children.user_ns / TICK_NS),
		(int64_t)(t->children.system_ns / TICK_NS) };

	if (to && user_write(to, ticks, sizeof ticks))
		return -EFAULT;
	return (long)(clock_ns() / TICK_NS);
}

CALL2(getrusage, who, to)
{
	struct usage u;
	int64_t usage[18];

	switch ((int)who) {
	case RUSAGE_SELF:
		u = usage_of(current_task());
		break;
	case RUSAGE_THREAD:
		u = usage_of_thread(current_thread());
		break;
	case RUSAGE_CHILDREN:
		u = current_task()->children;
		break;
	default:
		return -EINVAL;
	}
	usage_put(usage, &u);
	return user_write(to, usage, sizeof usage);
}
