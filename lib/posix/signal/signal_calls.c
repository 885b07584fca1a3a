/* SPDX-License-Identifier: MIT */
/* System calls that set, ask for, wait for and send signals. Semantics: signal(7) and the section 2 page of each. */
#include <base/string.h>
#include <posix/call/calls.h>
#include <family/family.h>
#include "sigframe.h"
#include "signals.h"

static int is_signal(uint64_t sig) { return sig >= 1 && sig <= SIGNAL_COUNT; }

CALL4(rt_sigaction, sig, action, old, size)
{
	struct task_signals *s = &current_task()->signals;
	struct signal_action was;

	if (size != 8 || !is_signal(sig) || (action && SIGNAL_BIT(sig) & SIGNALS_SURE))
		return -EINVAL;
	was = s->action[sig];
	if (action) {
		struct signal_action now;
		if (user_read(&now, action, sizeof now))
			return -EFAULT;
		now.mask &= ~SIGNALS_SURE;
		s->action[sig] = now;
		handlers_tell(current_task(), (int)sig);
		/* POSIX: what is pending and now ignored is forgotten. */
		if (signal_ignored(current_task(), (int)sig))
			signal_forget(current_task(), SIGNAL_BIT(sig));
	}
	return old && user_write(old, &was, sizeof was) ? -EFAULT : 0;
}

CALL4(rt_sigprocmask, how, set, old, size)
{
	struct thread_signals *s = &current_thread()->signals;
	uint64_t was = s->blocked, mask;

	if (size != 8)
		return -EINVAL;
	if (set) {
		if (user_read(&mask, set, sizeof mask))
			return -EFAULT;
		if (how == SIG_BLOCK)
			mask |= was;
		else if (how == SIG_UNBLOCK)
			mask = was & ~mask;
		else if (how != SIG_SETMASK)
			return -EINVAL;
		s->blocked = mask & ~SIGNALS_SURE;
	}
	return old && user_write(old, &was, sizeof was) ? -EFAULT : 0;
}

CALL0(rt_sigreturn)
{
	if (sigframe_pop(&P->regs, current_thread())) {
		const struct exo_upcall bad = { .vector = 13 };
		signal_fault(&P->regs, &bad, SIGSEGV, SI_KERNEL, P->regs.rsp);
		P->regs.orig_rax = (uint64_t)-1;
	}
	return (long)P->regs.rax;
}

CALL2(rt_sigpending, set, size)
{
	const struct thread_signals *s = &current_thread()->signals;
	uint64_t pending = (s->pending | current_task()->signals.pending) & s->blocked;

	if (size > 8)
		return -EINVAL;
	return user_write(set, &pending, size);
}

CALL2(rt_sigsuspend, set, size)
{
	struct thread_signals *s = &current_thread()->signals;
	uint64_t mask;

	if (size != 8)
		return -EINVAL;
	if (user_read(&mask, set, sizeof mask))
		return -EFAULT;
	s->restore_mask = s->blocked;
	s->restore = 1;
	s->blocked = mask & ~SIGNALS_SURE;
	while (!signal_pending())
		(void)sleep_on(s, 0);
	return -ERESTARTNOHAND;
}

CALL0(pause)
{
	struct thread_signals *s = &current_thread()->signals;

	while (!signal_pending())
		(void)sleep_on(s, 0);
	return -ERESTARTNOHAND;
}

CALL4(rt_sigtimedwait, set, info, timeout, size)
{
	struct thread_signals *s = &current_thread()->signals;
	struct signal_info user;
	struct signal_cause cause;
	uint64_t want, was = s->blocked, wait = 0, deadline = 0, found;
	int result = 0;

	if (size != 8)
		return -EINVAL;
	if (user_read(&want, set, sizeof want))
		return -EFAULT;
	if (timeout && (result = timespec_read(timeout, &wait)))
		return result;
	if (timeout)
		deadline = clock_after(wait);
	want &= ~SIGNALS_SURE;
	while (!(found = (s->pending | current_task()->signals.pending) & want) && !result) {
		if (timeout && !wait)
			return -EAGAIN;
		s->restore_mask = was;
		s->blocked = was & ~want;
		result = sleep_on(&s->restore_mask, deadline);
		s->blocked = was;
	}
	if (!found)
		return result == -ETIMEDOUT ? -EAGAIN : -EINTR;
	int sig = __builtin_ctzl(found) + 1;
	signal_take_cause(current_thread(), sig, &cause);
	signal_info_fill(&user, sig, &cause);
	return info && user_write(info, &user, sizeof user) ? -EFAULT : sig;
}

CALL2(sigaltstack, stack, old)
{
	struct thread_signals *s = &current_thread()->signals;
	uint64_t sp = P->regs.rsp;
	int on = s->alt_size && sp > s->alt_sp && sp - s->alt_sp <= s->alt_size;
	struct user_stack now, was = { s->alt_sp, (int32_t)(s->alt_size ? s->alt_flags | (on ? SS_ONSTACK : 0) : SS_DISABLE), 0, s->alt_size };

	if (stack) {
		if (user_read(&now, stack, sizeof now))
			return -EFAULT;
		if (on)
			return -EPERM;
		uint32_t mode = (uint32_t)now.flags & ~SS_AUTODISARM;
		if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
			return -EINVAL;
		if (mode == SS_DISABLE)
			now = (struct user_stack){ 0 };
		else if (now.size < MINSIGSTKSZ)
			return -ENOMEM;
		s->alt_sp = now.sp;
		s->alt_size = now.size;
		s->alt_flags = (uint32_t)now.flags & SS_AUTODISARM;
	}
	return old && user_write(old, &was, sizeof was) ? -EFAULT : 0;
}

static long send_many(int pgrp, int sig, const struct signal_cause *cause)
{
	long result = -ESRCH;

	for (struct task *t = task_first(); t; t = task_next(t)) {
		if (t->is_init || (pgrp ? t->pgrp != pgrp : t == current_task()))
			continue;
		result = signal_send_info(t, sig, cause);
	}
	return result;
}

CALL2(kill, target, number)
{
	struct signal_cause cause = { .code = SI_USER, .pid = current_pid() };
	int pid = (int)target, sig = (int)number;

	if (sig < 0 || sig > SIGNAL_COUNT)
		return -EINVAL;
	if (pid > 0) {
		struct thread *th = thread_by_tid(pid);
		return th ? signal_send_info(th->task, sig, &cause) : -ESRCH;
	}
	if (pid == -1)
		return send_many(0, sig, &cause);
	return pid == (int)0x80000000 ? -ESRCH : send_many(pid ? -pid : current_pgrp(), sig, &cause);
}

/* group 0: whatever it is. */
static long send_thread(int group, int tid, int sig, const struct signal_cause *cause)
{
	struct thread *th = thread_by_tid(tid);

	if (tid <= 0 || group < 0 || sig < 0 || sig > SIGNAL_COUNT)
		return -EINVAL;
	return th && (!group || th->task->pid == group) ? signal_send_thread(th, sig, cause) : -ESRCH;
}

CALL2(tkill, tid, sig)
{
	const struct signal_cause cause = { .code = SI_TKILL, .pid = current_pid() };

	return send_thread(0, (int)tid, (int)sig, &cause);
}

CALL3(tgkill, group, tid, sig)
{
	const struct signal_cause cause = { .code = SI_TKILL, .pid = current_pid() };

	return (int)group > 0 ? send_thread((int)group, (int)tid, (int)sig, &cause) : -EINVAL;
}

/* Only the kernel may claim to be the kernel. */
static int cause_read(struct signal_cause *cause, uint64_t from, int is_self)
{
	struct signal_info info;

	if (user_read(&info, from, sizeof info))
		return -EFAULT;
	if ((info.code >= 0 || info.code == SI_TKILL) && !is_self)
		return -EPERM;
	*cause = (struct signal_cause){ .code = info.code, .pid = info.kill.pid, .uid = (int)info.kill.uid, .value = info.kill.value };
	return 0;
}

int signal_cause_read(struct signal_cause *cause, int sig, uint64_t from, int is_self)
{
	int32_t number;

	if (user_read(&number, from, sizeof number))
		return -EFAULT;
	return number != sig ? -EINVAL : cause_read(cause, from, is_self);
}

CALL3(rt_sigqueueinfo, pid, sig, info)
{
	struct signal_cause cause;
	long error = cause_read(&cause, info, (int)pid == current_pid());
	struct thread *th = thread_by_tid((int)pid);

	if (error)
		return error;
	if (sig > SIGNAL_COUNT)
		return -EINVAL;
	return th ? signal_send_info(th->task, (int)sig, &cause) : -ESRCH;
}

CALL4(rt_tgsigqueueinfo, group, tid, sig, info)
{
	struct signal_cause cause;
	long error = cause_read(&cause, info, (int)tid == current_tid());

	if (error)
		return error;
	return (int)group > 0 ? send_thread((int)group, (int)tid, (int)sig, &cause) : -EINVAL;
}
