/* SPDX-License-Identifier: MIT */
/* System calls about the process itself that need no other part of the library: limits, prctl, FS and GS base, thread bookkeeping, random bytes. */
#include <asm/prctl.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/resource.h>
#include <base/string.h>
#include "calls.h"
#include <fs/files.h>
#include <family/family.h>
#include <family/process.h>
#include <posix/process/seccomp.h>
#include <posix/process/task.h>
#include <posix/process/usage.h>
#include <run/xstate.h>

#define ADDRESS_END (EXO_USER_END - EXO_PAGE_SIZE)

static long limit_put(uint64_t to, const uint64_t limit[2]) { return user_write(to, limit, 16); }

static long limit_set(struct task *t, unsigned which, uint64_t from)
{
	uint64_t now[2];

	if (user_read(now, from, sizeof now))
		return -EFAULT;
	if (now[0] > now[1])
		return -EINVAL;
	if (which == RLIMIT_NOFILE && now[1] > (uint64_t)fs_family()->fd_most)
		return -EPERM;
	memcpy(t->limit[which], now, sizeof now);
	if (which == RLIMIT_CPU)
		cpu_limit_watch(t);
	if (which == RLIMIT_RTTIME)
		realtime_limit_watch(t);
	return 0;
}

CALL2(getrlimit, which, to) { return which >= RLIM_NLIMITS ? -EINVAL : limit_put(to, current_task()->limit[which]); }
CALL2(setrlimit, which, from) { return which >= RLIM_NLIMITS ? -EINVAL : limit_set(current_task(), which, from); }

CALL4(prlimit64, pid, which, now, old)
{
	struct task *t = (int)pid ? task_by_pid((int)pid) : current_task();
	uint64_t was[2];
	long error = 0;

	if (!t)
		return -ESRCH;
	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	memcpy(was, t->limit[which], sizeof was);
	if (now)
		error = limit_set(t, which, now);
	return error || !old ? error : limit_put(old, was);
}

CALL2(arch_prctl, what, value)
{
	uint64_t base;

	switch (what) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (value >= ADDRESS_END)
			return -EPERM;
		if (what == ARCH_SET_FS)
			fs_base_set(value);
		else
			gs_base_set(value);
		return 0;
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		base = what == ARCH_GET_FS ? fs_base_get() : gs_base_get();
		return user_write(value, &base, sizeof base);
	case ARCH_SET_CPUID: /* as on a processor whose CPUID never faults */
		return -ENODEV;
	case ARCH_GET_CPUID:
		return 1;
	}
	return -EINVAL;
}

CALL5(prctl, what, a, b, c, d)
{
	struct task *t = current_task();
	char name[16];
	int signal;

	switch ((int)what) {
	case PR_SET_NAME:
		memset(name, 0, sizeof name);
		long n = user_str(name, a, sizeof name - 1);
		if (n == -EFAULT)
			return n;
		name[15] = 0;
		thread_set_name(current_thread(), name);
		return 0;
	case PR_GET_NAME:
		return user_write(a, thread_name(current_thread()), sizeof name);
	case PR_SET_PDEATHSIG:
		if (a > SIGNAL_COUNT)
			return -EINVAL;
		t->pdeath_signal = (int)a;
		return 0;
	case PR_GET_PDEATHSIG:
		signal = t->pdeath_signal;
		return user_write(a, &signal, sizeof signal);
	case PR_SET_CHILD_SUBREAPER:
		t->adopts = a != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return user_write(a, &t->adopts, sizeof t->adopts);
	case PR_GET_DUMPABLE:
		return 1;
	case PR_SET_DUMPABLE:
		return a <= 1 ? 0 : -EINVAL;
	case PR_CAPBSET_READ:
		return a <= 40 ? 1 : -EINVAL;
	case PR_SET_NO_NEW_PRIVS:
		if (a != 1 || b || c || d)
			return -EINVAL;
		current_thread()->no_new_privs = 1;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return a || b || c || d ? -EINVAL : current_thread()->no_new_privs;
	case PR_SET_TIMERSLACK:
		current_thread()->slack_ns = (int64_t)a > 0 ? a : current_thread()->slack_usual_ns;
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)current_thread()->slack_ns;
	case PR_GET_SECUREBITS:
	case PR_GET_KEEPCAPS:
		return 0;
	case PR_GET_SECCOMP:
		return current_thread()->seccomp_mode;
	case PR_SET_SECCOMP:
		return seccomp_mode_set(a, b);
	}
	return -EINVAL;
}

CALL1(set_tid_address, at)
{
	current_thread()->clear_child_tid = at;
	return current_thread()->tid;
}

CALL2(set_robust_list, head, size)
{
	if (size != 24)
		return -EINVAL;
	current_thread()->robust_list = head;
	return 0;
}

CALL3(get_robust_list, tid, head, size)
{
	const struct thread *th = (int)tid ? thread_by_tid((int)tid) : current_thread();
	const uint64_t length = 24;

	if (!th)
		return -ESRCH;
	return user_write(head, &th->robust_list, 8) | user_write(size, &length, 8);
}

CALL3(getrandom, to, size, flags)
{
	uint8_t bytes[256];
	uint64_t done = 0;

	if (flags & ~(uint64_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) || (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if (size > 0x7fffffff)
		size = 0x7fffffff;
	while (done < size) {
		size_t n = size - done < sizeof bytes ? size - done : sizeof bytes;
		random_bytes(bytes, n);
		if (user_write(to + done, bytes, n))
			return done ? (long)done : -EFAULT;
		done += n;
	}
	return (long)done;
}

/* The kind (PER_MASK) is kept and told, and Linux does nothing else by it but for PER_LINUX32; ADDR_NO_RANDOMIZE is
 * image.c's, UNAME26 uname's, STICKY_TIMEOUTS poll.c's. Limits of addresses are for programs of 32 bits, there too. */
#define PERSONALITIES (PER_MASK | ADDR_NO_RANDOMIZE | UNAME26 | STICKY_TIMEOUTS | ADDR_LIMIT_32BIT | ADDR_LIMIT_3GB)

CALL1(personality, which)
{
	struct thread *th = current_thread();
	uint32_t was = th->personality;

	if ((uint32_t)which == 0xffffffff)
		return was;
	if ((uint32_t)which & ~(uint32_t)PERSONALITIES)
		return -EINVAL;
	th->personality = (uint32_t)which;
	return was;
}
