/* SPDX-License-Identifier: MIT */
/* ptrace(2): what a tracer asks for. */
#include <asm/prctl.h>
#include <linux/elf.h>
#include <posix/call/calls.h>
#include <posix/signal/signals.h>
#include "ask.h"
#include "ptrace.h"

#define OPTIONS (PTRACE_O_MASK & ~(uint64_t)PTRACE_O_SUSPEND_SECCOMP)

static int is_signal_or_none(uint64_t sig) { return sig <= SIGNAL_COUNT; }

/* ---- how it begins */
static long traceme(void)
{
	struct task *parent = P->task->parent;
	struct thread *me = P->thread, *tracer = thread_by_tid(P->task->maker);

	if (me->trace && me->trace->tracer)
		return -EPERM;
	if (!tracer || tracer->task != parent || tracer->state == THREAD_ENDED)
		tracer = parent->threads;
	return ptrace_begin(me, tracer, 0, 0) ? 0 : -ENOMEM;
}

/* One that is stopped becomes one that is stopped for its tracer, at once: that is all it is to do. */
static long stop_take_over(struct trace *t)
{
	struct thread *th = t->thread;
	int tid = th->tid;

	ptrace_trap(t, TRAP_ASKED);
	while (t && t->tracer == P->thread && t->state == TRACE_RUNS && th->task->stop_signal) {
		sleep_through(th, clock_after(NS / 100));
		th = thread_by_tid(tid);
		t = th ? th->trace : NULL;
	}
	return 0;
}

static long attach(struct thread *th, int seizes, uint64_t options)
{
	struct trace *t;

	if (th->task == P->task || th->task->is_init || th->state == THREAD_ENDED || th->task->state != TASK_ALIVE)
		return -EPERM;
	if (th->trace && th->trace->tracer)
		return -EPERM;
	t = ptrace_begin(th, P->thread, seizes, (uint32_t)options);
	if (!t)
		return -ENOMEM;
	if (!seizes) {
		th->signals.pending |= SIGNAL_BIT(SIGSTOP);
		signal_poke(th, SIGSTOP);
	}
	return th->state == THREAD_STOPPED ? stop_take_over(t) : 0;
}

/* ---- how it goes on */
static void resume(struct trace *t)
{
	t->state = TRACE_RUNS;
	thread_run(t->thread);
}

static long go_on(struct trace *t, int request, uint64_t sig)
{
	if (!is_signal_or_none(sig))
		return -EIO;
	t->how = request;
	t->sig = (int)sig;
	resume(t);
	return 0;
}

static long detach(struct trace *t, uint64_t sig)
{
	if (!is_signal_or_none(sig))
		return -EIO;
	t->sig = (int)sig;
	ptrace_end(t);
	return 0;
}

static long listen(struct trace *t)
{
	if (!t->is_seized || t->code >> 8 != PTRACE_EVENT_STOP)
		return -EIO;
	t->state = TRACE_LISTENS;
	if (t->thread->signals.forced & SIGNAL_BIT(SIGSTOP))
		thread_run(t->thread);
	return 0;
}

/* ---- its memory and signals */
static long word_peek(struct trace *t, uint64_t from, uint64_t to)
{
	uint64_t word;

	if (memory_move(t->thread->task, from, &word, sizeof word, 0))
		return -EIO;
	return user_write(to, &word, sizeof word);
}

static long word_poke(struct trace *t, uint64_t to, uint64_t word)
{
	return memory_move(t->thread->task, to, &word, sizeof word, 1) ? -EIO : 0;
}

static long info_read(struct trace *t, uint64_t to)
{
	return t->has_info ? user_write(to, &t->info, sizeof t->info) : -EINVAL;
}

static long info_write(struct trace *t, uint64_t from)
{
	struct signal_info info;

	if (user_read(&info, from, sizeof info))
		return -EFAULT;
	if (!t->has_info)
		return -EINVAL;
	t->info = info;
	t->info_set = 1;
	return 0;
}

static long mask_move(struct trace *t, uint64_t size, uint64_t at, int writes)
{
	struct thread_signals *s = &t->thread->signals;
	uint64_t *mask = s->restore ? &s->restore_mask : &s->blocked, now = *mask;

	if (size != sizeof now)
		return -EINVAL;
	if (!writes)
		return user_write(at, &now, sizeof now);
	if (user_read(&now, at, sizeof now))
		return -EFAULT;
	s->blocked = now & ~SIGNALS_SURE;
	return 0;
}

static long options_set(struct trace *t, uint64_t options)
{
	if (options & ~OPTIONS)
		return -EINVAL;
	t->options = (uint32_t)options;
	return 0;
}

static long base_move(struct trace *t, uint64_t code, uint64_t at)
{
	switch (code) {
	case ARCH_GET_FS: return user_write(at, &t->at_stop.fs, sizeof(uint64_t));
	case ARCH_GET_GS: return user_write(at, &t->at_stop.gs, sizeof(uint64_t));
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (at >= EXO_USER_END)
			return -EPERM;
		*(code == ARCH_SET_FS ? &t->at_stop.fs : &t->at_stop.gs) = at;
		t->regs_set = 1;
		return 0;
	}
	return -EINVAL;
}

/* ---- by one that is stopped */
static long ask_registers(struct trace *t, uint64_t request, uint64_t addr, uint64_t data)
{
	switch (request) {
	case PTRACE_PEEKUSR: return ptrace_user_read(t, addr, data);
	case PTRACE_POKEUSR: return ptrace_user_write(t, addr, data);
	case PTRACE_GETREGS: return ptrace_regs_read(t, NT_PRSTATUS, data);
	case PTRACE_SETREGS: return ptrace_regs_write(t, NT_PRSTATUS, data);
	case PTRACE_GETFPREGS: return ptrace_regs_read(t, NT_PRFPREG, data);
	case PTRACE_SETFPREGS: return ptrace_regs_write(t, NT_PRFPREG, data);
	case PTRACE_GETREGSET: return ptrace_set_read(t, addr, data);
	case PTRACE_SETREGSET: return ptrace_set_write(t, addr, data);
	case PTRACE_GET_SYSCALL_INFO: return ptrace_call_info(t, addr, data);
	case PTRACE_ARCH_PRCTL: return base_move(t, data, addr);
	}
	return -EIO;
}

static long ask(struct trace *t, uint64_t request, uint64_t addr, uint64_t data)
{
	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA: return word_peek(t, addr, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA: return word_poke(t, addr, data);
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_SYSEMU:
	case PTRACE_SYSEMU_SINGLESTEP: return go_on(t, (int)request, data);
	case PTRACE_DETACH: return detach(t, data);
	case PTRACE_LISTEN: return listen(t);
	case PTRACE_OLDSETOPTIONS:
	case PTRACE_SETOPTIONS: return options_set(t, data);
	case PTRACE_GETEVENTMSG: return user_write(data, &t->message, sizeof t->message);
	case PTRACE_GETSIGINFO: return info_read(t, data);
	case PTRACE_SETSIGINFO: return info_write(t, data);
	case PTRACE_GETSIGMASK: return mask_move(t, addr, data, 0);
	case PTRACE_SETSIGMASK: return mask_move(t, addr, data, 1);
	}
	return ask_registers(t, request, addr, data);
}

/* Of one that may run. */
static long ask_any(struct trace *t, uint64_t request)
{
	if (request == PTRACE_KILL)
		return signal_send(t->thread->task->pid, SIGKILL);
	if (!t->is_seized)
		return -EIO;
	ptrace_trap(t, TRAP_ASKED);
	return 0;
}

CALL4(ptrace, request, pid, addr, data)
{
	struct thread *th;

	if (request == PTRACE_TRACEME)
		return traceme();
	th = thread_by_tid((int)pid);
	if (!th)
		return -ESRCH;
	if (request == PTRACE_SEIZE && (addr || data & ~OPTIONS))
		return -EIO;
	if (request == PTRACE_ATTACH || request == PTRACE_SEIZE)
		return attach(th, request == PTRACE_SEIZE, request == PTRACE_SEIZE ? data : 0);
	if (!th->trace || th->trace->tracer != P->thread || th->state == THREAD_ENDED)
		return -ESRCH;
	if (request == PTRACE_KILL || request == PTRACE_INTERRUPT)
		return ask_any(th->trace, request);
	if (th->trace->state != TRACE_STOPPED || signals_ready(th) & SIGNAL_BIT(SIGKILL))
		return -ESRCH;
	return ask(th->trace, request, addr, data);
}
