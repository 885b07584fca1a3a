/* SPDX-License-Identifier: MIT */
/* Who a process is: pid, group, session (POSIX job control), and users, of which there is one: root. */
#include "calls.h"
#include <family/family.h>
#include <posix/signal/signals.h>

CALL0(getpid) { return current_pid(); }
CALL0(gettid) { return current_thread()->tid; }
CALL0(getppid) { return current_ppid(); }
CALL0(getpgrp) { return current_pgrp(); }

static struct task *task_named(uint64_t pid) { return (int)pid ? task_by_pid((int)pid) : current_task(); }

CALL1(getpgid, pid)
{
	struct task *t = task_named(pid);

	return t ? t->pgrp : -ESRCH;
}

CALL1(getsid, pid)
{
	struct task *t = task_named(pid);

	return t ? t->session : -ESRCH;
}

static int group_in_session(int pgrp, int session)
{
	for (struct task *t = task_first(); t; t = task_next(t))
		if (t->pgrp == pgrp && t->session == session)
			return 1;
	return 0;
}

CALL2(setpgid, pid, pgid)
{
	struct task *me = current_task(), *t = task_named(pid);
	int group = (int)pgid;

	if (group < 0)
		return -EINVAL;
	if (!t || t->state == TASK_ZOMBIE || (t != me && t->parent != me))
		return -ESRCH;
	if (t != me && t->session != me->session)
		return -EPERM;
	if (t != me && t->has_execed)
		return -EACCES;
	if (t->session == t->pid)
		return -EPERM;
	if (!group)
		group = t->pid;
	if (group != t->pid && !group_in_session(group, t->session))
		return -EPERM;
	t->pgrp = group;
	return 0;
}

CALL0(setsid)
{
	struct task *me = current_task();

	for (struct task *t = task_first(); t; t = task_next(t))
		if (t->pgrp == me->pid)
			return -EPERM;
	me->session = me->pgrp = me->pid;
	return me->pid;
}

CALL0(getuid) { return 0; }
CALL0(geteuid) { return 0; }
CALL0(getgid) { return 0; }
CALL0(getegid) { return 0; }

/* There is nobody else to become. */
static long id_check(uint64_t id) { return (uint32_t)id == 0 || (uint32_t)id == 0xffffffff ? 0 : -EPERM; }

CALL1(setuid, id) { return (uint32_t)id == 0xffffffff ? -EINVAL : id_check(id); }
CALL1(setgid, id) { return (uint32_t)id == 0xffffffff ? -EINVAL : id_check(id); }
CALL2(setreuid, real, effective) { return id_check(real) | id_check(effective); }
CALL2(setregid, real, effective) { return id_check(real) | id_check(effective); }
CALL3(setresuid, real, effective, saved) { return id_check(real) | id_check(effective) | id_check(saved); }
CALL3(setresgid, real, effective, saved) { return id_check(real) | id_check(effective) | id_check(saved); }
CALL1(setfsuid, id) { (void)id; return 0; }
CALL1(setfsgid, id) { (void)id; return 0; }

static long id_tell(uint64_t a, uint64_t b, uint64_t c)
{
	const uint32_t root = 0;

	return user_write(a, &root, 4) | user_write(b, &root, 4) | user_write(c, &root, 4);
}

CALL3(getresuid, real, effective, saved) { return id_tell(real, effective, saved); }
CALL3(getresgid, real, effective, saved) { return id_tell(real, effective, saved); }

#define CAPABILITY_VERSION   0x20080522u
#define CAPABILITY_VERSION_2 0x20071026u /* of three words for each half, as the last one */
#define CAPABILITY_VERSION_1 0x19980330u /* of the lower half alone */
#define CAPABILITIES       0x1ffffffffful /* 0..40, as Linux 6.1 counts them */

CALL2(capget, header, data)
{
	uint32_t head[2], low = (uint32_t)CAPABILITIES, high = (uint32_t)(CAPABILITIES >> 32);
	const uint32_t sets[6] = { low, low, 0, high, high, 0 };

	if (user_read(head, header, sizeof head))
		return -EFAULT;
	if (head[0] != CAPABILITY_VERSION && head[0] != CAPABILITY_VERSION_1 && head[0] != CAPABILITY_VERSION_2) {
		head[0] = CAPABILITY_VERSION;
		return user_write(header, head, 4) ? -EFAULT : data ? -EINVAL : 0;
	}
	if ((int)head[1] < 0)
		return -EINVAL;
	if (head[1] && !thread_by_tid((int)head[1]))
		return -ESRCH;
	return data ? user_write(data, sets, head[0] == CAPABILITY_VERSION_1 ? 12 : 24) : 0;
}

/* Nobody can lose a capability here, nor hand one on: what there is may be set again. */
CALL2(capset, header, data)
{
	uint32_t head[2], sets[6] = { 0 };
	int is_first;

	if (user_read(head, header, sizeof head))
		return -EFAULT;
	is_first = head[0] == CAPABILITY_VERSION_1;
	if (head[0] != CAPABILITY_VERSION && head[0] != CAPABILITY_VERSION_2 && !is_first) {
		head[0] = CAPABILITY_VERSION;
		return user_write(header, head, 4) ? -EFAULT : -EINVAL;
	}
	if (head[1] && (int)head[1] != current_tid())
		return -EPERM;
	if (user_read(sets, data, is_first ? sizeof sets / 2 : sizeof sets))
		return -EFAULT;
	if (sets[0] != (uint32_t)CAPABILITIES || sets[1] != sets[0] || sets[2])
		return -EPERM;
	return is_first || (!((sets[3] ^ CAPABILITIES >> 32) | (sets[4] ^ CAPABILITIES >> 32)) && !sets[5]) ? 0 : -EPERM;
}
