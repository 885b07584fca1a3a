/* SPDX-License-Identifier: MIT */
/* System calls about scheduling as programs see it: one CPU, policies, and nice. The scheduler itself is sched.c. */
#include <linux/membarrier.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <posix/library.h>
#include "calls.h"
#include <posix/process/futex.h>
#include <posix/process/share.h>
#include <posix/process/task.h>
#include <posix/process/usage.h>
#include <run/realtime.h>

static int is_process(uint64_t pid) { return !(int)pid || thread_by_tid((int)pid); }

CALL3(sched_setaffinity, pid, size, mask)
{
	uint64_t cpus = 0;

	if (!is_process(pid))
		return -ESRCH;
	if (user_read(&cpus, mask, size < 8 ? size : 8))
		return -EFAULT;
	return cpus & 1 ? 0 : -EINVAL;
}

CALL3(sched_getaffinity, pid, size, mask)
{
	const uint64_t cpus = 1;

	if (size < 8 || size % 8)
		return -EINVAL;
	if (!is_process(pid))
		return -ESRCH;
	return user_write(mask, &cpus, 8) ? -EFAULT : 8;
}

static struct thread *thread_meant(uint64_t pid) { return (int)pid ? thread_by_tid((int)pid) : current_thread(); }
static int is_realtime(int policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }

/* A policy by its number: the highest (or lowest) priority that it has, or -EINVAL. */
static long priority_of(uint64_t policy, long real_time)
{
	switch ((int)policy) {
	case SCHED_FIFO: case SCHED_RR:
		return real_time;
	case SCHED_NORMAL: case SCHED_BATCH: case SCHED_IDLE: case SCHED_DEADLINE:
		return 0;
	}
	return -EINVAL;
}

/* A real-time policy has a priority, another one none. */
static int fits(int policy, uint32_t priority)
{
	return priority <= PRIORITY_MOST && is_realtime(policy) == (priority != 0);
}

static void class_set(struct thread *th, int policy, int nice, int priority)
{
	int was = th->rank;

	sched_class_set(th, policy, nice, priority);
	if (th->rank == was)
		return;
	futex_rank_changed(th);
	realtime_limit_watch(th->task);
}

/* sched_setscheduler, or with KEEP sched_setparam, which changes the priority alone. */
#define KEEP (-1)
static long scheduler_set(int pid, int asked, uint64_t from)
{
	int policy = asked, resets = 0, priority;
	struct thread *th;

	if (!from || pid < 0)
		return -EINVAL;
	if (user_read(&priority, from, sizeof priority))
		return -EFAULT;
	th = thread_meant((uint64_t)pid);
	if (!th)
		return -ESRCH;
	if (asked == KEEP) {
		policy = th->policy;
		resets = (int)th->resets;
	} else if (asked & SCHED_RESET_ON_FORK) {
		policy &= ~SCHED_RESET_ON_FORK;
		resets = 1;
	}
	/* What SCHED_DEADLINE wants is no part of a struct sched_param. */
	if (priority_of((uint64_t)policy, 1) < 0 || policy == SCHED_DEADLINE || !fits(policy, (uint32_t)priority))
		return -EINVAL;
	th->resets = (uint32_t)resets;
	class_set(th, policy, th->nice, priority);
	return 0;
}

CALL2(sched_setparam, pid, from) { return scheduler_set((int)pid, KEEP, from); }
CALL3(sched_setscheduler, pid, policy, from)
{
	return (int)policy < 0 ? -EINVAL : scheduler_set((int)pid, (int)policy, from);
}

CALL2(sched_getparam, pid, to)
{
	const struct thread *th = thread_meant(pid);

	if (!to || (int)pid < 0)
		return -EINVAL;
	return th ? user_write(to, &th->priority, sizeof th->priority) : -ESRCH;
}

CALL1(sched_getscheduler, pid)
{
	const struct thread *th = thread_meant(pid);

	if ((int)pid < 0)
		return -EINVAL;
	return th ? th->policy | (th->resets ? SCHED_RESET_ON_FORK : 0) : -ESRCH;
}

#define ATTR_FLAGS 0x7f /* SCHED_FLAG_ALL */

/* From a struct sched_attr as long as it says: 0 or -errno. Who is too new for this is told how much is known. */
static int attr_read(struct sched_attr *attr, uint64_t from)
{
	const uint32_t known = sizeof *attr;
	char more[64];
	uint32_t size;

	memset(attr, 0, sizeof *attr);
	if (user_read(&size, from, sizeof size))
		return -EFAULT;
	size = size ? size : SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE)
		return user_write(from, &known, sizeof known) ? -EFAULT : -E2BIG;
	if (user_read(attr, from, MIN_OF(size, known)))
		return -EFAULT;
	for (uint32_t at = known, n; at < size; at += n) {
		n = MIN_OF(size - at, (uint32_t)sizeof more);
		if (user_read(more, from + at, n))
			return -EFAULT;
		for (uint32_t i = 0; i < n; i++)
			if (more[i])
				return user_write(from, &known, sizeof known) ? -EFAULT : -E2BIG;
	}
	return attr->sched_flags & SCHED_FLAG_UTIL_CLAMP && size < SCHED_ATTR_SIZE_VER1 ? -EINVAL : 0;
}

CALL3(sched_setattr, pid, from, flags)
{
	struct sched_attr attr;
	struct thread *th;
	int policy, nice;
	int error = !from || (int)pid < 0 || flags ? -EINVAL : attr_read(&attr, from);

	if (error || (int)attr.sched_policy < 0)
		return error ? error : -EINVAL;
	if (!(th = thread_meant(pid)))
		return -ESRCH;
	policy = attr.sched_flags & SCHED_FLAG_KEEP_POLICY ? th->policy : (int)attr.sched_policy;
	nice = attr.sched_nice;
	if (priority_of((uint64_t)policy, 99) < 0 || attr.sched_flags & ~(uint64_t)ATTR_FLAGS)
		return -EINVAL;
	/* Deadlines: as to one who lacks CAP_SYS_NICE. */
	if (policy == SCHED_DEADLINE)
		return attr.sched_runtime && attr.sched_runtime <= attr.sched_deadline ? -EPERM : -EINVAL;
	if (attr.sched_flags & SCHED_FLAG_KEEP_PARAMS && is_realtime(th->policy))
		attr.sched_priority = (uint32_t)th->priority;
	if (!fits(policy, attr.sched_priority))
		return -EINVAL;
	if (attr.sched_flags & SCHED_FLAG_UTIL_CLAMP) /* as without CONFIG_UCLAMP_TASK */
		return -EOPNOTSUPP;
	if (policy != SCHED_NORMAL && policy != SCHED_BATCH)
		nice = th->nice;
	nice = MAX_OF(-20, MIN_OF(nice, 19));
	if (!(attr.sched_flags & SCHED_FLAG_KEEP_PARAMS)) /* of which the policy is one */
		class_set(th, policy, nice, (int)attr.sched_priority);
	if (!(attr.sched_flags & SCHED_FLAG_KEEP_POLICY))
		th->resets = (attr.sched_flags & SCHED_FLAG_RESET_ON_FORK) != 0;
	return 0;
}

CALL4(sched_getattr, pid, to, size, flags)
{
	struct sched_attr attr = { .size = MIN_OF((uint32_t)size, (uint32_t)sizeof attr) };
	const struct thread *th;

	if (!to || (int)pid < 0 || (uint32_t)size > PAGE || (uint32_t)size < SCHED_ATTR_SIZE_VER0 || flags)
		return -EINVAL;
	if (!(th = thread_meant(pid)))
		return -ESRCH;
	attr.sched_policy = (uint32_t)th->policy;
	attr.sched_flags = th->resets ? SCHED_FLAG_RESET_ON_FORK : 0;
	attr.sched_priority = (uint32_t)th->priority;
	if (!is_realtime(th->policy))
		attr.sched_nice = th->nice;
	return user_write(to, &attr, attr.size) ? -EFAULT : 0;
}

CALL1(sched_get_priority_max, policy) { return priority_of(policy, PRIORITY_MOST); }
CALL1(sched_get_priority_min, policy) { return priority_of(policy, 1); }

CALL2(sched_rr_get_interval, pid, to)
{
	const struct thread *th = thread_meant(pid);
	struct __kernel_timespec interval;

	if ((int)pid < 0)
		return -EINVAL;
	if (!th)
		return -ESRCH;
	switch (th->policy) {
	case SCHED_FIFO: interval = timespec_of(0); break;
	case SCHED_RR:   interval = timespec_of(F->realtime.slice_ns); break;
	default:         interval = timespec_of(F->latency_ns); break;
	}
	return user_write(to, &interval, sizeof interval);
}

/* Calls each for every thread that is meant: one thread, a process group, or (there is one user) all. How many there were, or -errno. */
static long threads_named(uint64_t which, uint64_t who, void (*each)(struct thread *, int *), int *with)
{
	struct thread *one = (int)who ? thread_by_tid((int)who) : current_thread();
	int group = (int)who ? (int)who : current_pgrp();
	long n = 0;

	if (which > PRIO_USER)
		return -EINVAL;
	if (which == PRIO_PROCESS) {
		if (one)
			each(one, with);
		return one ? 1 : -ESRCH;
	}
	if (which == PRIO_USER && (int)who)
		return -ESRCH;
	for (struct task *t = task_first(); t; t = task_next(t)) {
		if (t->is_init || (which == PRIO_PGRP && t->pgrp != group))
			continue;
		for (struct thread *th = t->threads; th; th = th->next, n++)
			each(th, with);
	}
	return n ? n : -ESRCH;
}

static void nice_least(struct thread *th, int *least) { *least = th->nice < *least ? th->nice : *least; }
static void nice_set(struct thread *th, int *nice) { sched_class_set(th, th->policy, *nice, th->priority); }

/* getpriority gives 20 - nice: of several the most favoured. */
CALL2(getpriority, which, who)
{
	int nice = 19;
	long n = threads_named(which, who, nice_least, &nice);

	return n < 0 ? n : 20 - nice;
}

CALL3(setpriority, which, who, value)
{
	int nice = (int)value < -20 ? -20 : (int)value > 19 ? 19 : (int)value;
	long n;

	n = threads_named(which, who, nice_set, &nice);
	return n < 0 ? n : 0;
}

/* ---- priorities of I/O (ioprio_set(2)): kept and told, as on a Linux whose disks have no scheduler that asks */
#define IOPRIO_LEVELS 8
#define IOPRIO_CLASS(priority) ((priority) >> 13)
#define IOPRIO_LEVEL(priority) ((priority) & 0x1fff)
enum { IOPRIO_NONE, IOPRIO_RT, IOPRIO_BE, IOPRIO_IDLE };

static int ioprio_is_wrong(int priority)
{
	switch (IOPRIO_CLASS(priority)) {
	case IOPRIO_RT:
	case IOPRIO_BE:
		return IOPRIO_LEVEL(priority) >= IOPRIO_LEVELS;
	case IOPRIO_NONE:
		return IOPRIO_LEVEL(priority) != 0;
	}
	return IOPRIO_CLASS(priority) != IOPRIO_IDLE;
}

static void ioprio_give(struct thread *th, int *priority)
{
	if (*priority >= 0 && io_priority_set(th, *priority))
		*priority = -ENOMEM;
}

/* Of several the highest; who was given none has what goes with its nice value. */
static void ioprio_best(struct thread *th, int *best)
{
	int own = io_priority(th), class = th->policy == SCHED_IDLE ? IOPRIO_IDLE : IOPRIO_BE;

	if (!IOPRIO_CLASS(own))
		own = (th->priority ? IOPRIO_RT : class) << 13 | (th->nice + 20) / 5;
	if (*best < 0 || own < *best)
		*best = own;
}

/* which: a process, a group, a user, from 1 on. */
CALL3(ioprio_set, which, who, priority)
{
	int value = (int)priority;
	long n;

	if (ioprio_is_wrong(value))
		return -EINVAL;
	n = threads_named(which - 1, who, ioprio_give, &value);
	if (n < 0)
		return n;
	return value < 0 ? value : 0;
}

static void ioprio_raw(struct thread *th, int *own) { *own = io_priority(th); }

CALL2(ioprio_get, which, who)
{
	int value = -1;
	long n = threads_named(which - 1, who, which == 1 ? ioprio_raw : ioprio_best, &value);

	return n < 0 ? n : value;
}

CALL3(getcpu, cpu, node, cache)
{
	const uint32_t zero = 0;

	(void)cache;
	return (cpu && user_write(cpu, &zero, 4)) || (node && user_write(node, &zero, 4)) ? -EFAULT : 0;
}

/* One CPU: whoever runs has passed every barrier of the others. But who uses a kind must have said so before. */
#define BARRIERS_REGISTER (MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED \
	| MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)
#define BARRIERS_PRIVATE  (MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE)
#define BARRIERS_GLOBAL   (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED)

CALL3(membarrier, command, flags, cpu)
{
	struct task *t = current_task();
	uint32_t which = (uint32_t)command;

	(void)cpu;
	if (flags || which & (which - 1) || which & ~(uint32_t)(BARRIERS_REGISTER | BARRIERS_PRIVATE | BARRIERS_GLOBAL))
		return -EINVAL;
	if (!which) /* MEMBARRIER_CMD_QUERY */
		return BARRIERS_REGISTER | BARRIERS_PRIVATE | BARRIERS_GLOBAL;
	if (which & BARRIERS_REGISTER)
		t->barriers |= which;
	/* The bit above each private kind is its registration. */
	return which & BARRIERS_PRIVATE && !(t->barriers & which << 1) ? -EPERM : 0;
}

CALL4(rseq, area, size, flags, signature)
{
	(void)area;
	(void)size;
	(void)flags;
	(void)signature;
	return -ENOSYS;
}

CALL0(sched_yield)
{
	sched_yield_turn();
	return 0;
}
