/* SPDX-License-Identifier: MIT */
/* ptrace(2), as far as a leak checker goes with it: a process that shares the memory of another (clone with CLONE_VM) holds its threads, reads their registers and
 * words of memory, and lets them go. A held thread is off the run queue; what would wake it is remembered. Threads of other envs cannot be reached. */
#include <linux/elf.h>
#include <linux/ptrace.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <posix/library.h>
#include <posix/call/calls.h>
#include <posix/signal/signals.h>

#define STATUS_HELD (SIGSTOP << 8 | 0x7f) /* wait4's word */

static void hold(struct thread *th)
{
	th->wakes = th->queued;
	sched_remove(th);
	th->queued = QUEUED_HELD;
	th->tracer = P->task;
	th->trace_status = STATUS_HELD;
	P->task->has_traced = 1;
}

void ptrace_wake(struct thread *th)
{
	th->wakes = 1;
	if (th->channel)
		sleep_end(th);
}

void ptrace_release(struct thread *th)
{
	struct task *tracer = th->tracer;

	th->tracer = 0;
	th->queued = QUEUED_NOT;
	if (th->wakes && th->state != THREAD_ENDED)
		thread_run(th);
	wake_up(tracer); /* it may wait for this thread */
}

void ptrace_end(struct task *tracer)
{
	if (!tracer->has_traced)
		return;
	for (struct task *t = F->tasks; t; t = t->next)
		for (struct thread *th = t->threads; th; th = th->next)
			if (th->tracer == tracer)
				ptrace_release(th);
}

int ptrace_wait(int pid, int options, int *any, int *status)
{
	if (!P->task->has_traced)
		return 0;
	for (struct task *t = F->tasks; t; t = t->next)
		for (struct thread *th = t->threads; th; th = th->next) {
			if (th->tracer != P->task || (pid != -1 && th->tid != pid))
				continue;
			*any = 1;
			if (th->trace_status) {
				*status = th->trace_status;
				if (!(options & WNOWAIT))
					th->trace_status = 0;
				return th->tid;
			}
		}
	return 0;
}

static long attach(struct thread *th)
{
	const struct signal_cause cause = { .code = CLD_TRAPPED, .pid = th->tid, .status = SIGSTOP };

	if (th->task == P->task || th->task->env != P->self || th->tracer || th->state == THREAD_ENDED)
		return -EPERM;
	hold(th);
	return signal_send_info(P->task, SIGCHLD, &cause);
}

static long detach(struct thread *th, uint64_t sig)
{
	const struct signal_cause cause = { .code = SI_USER, .pid = P->task->pid };

	if (sig > SIGNAL_COUNT)
		return -EIO;
	ptrace_release(th);
	return sig ? signal_send_thread(th, (int)sig, &cause) : 0;
}

/* The set of that type (NT_PRSTATUS, NT_PRFPREG), and its size in bytes: NULL when there is none. */
static const void *register_set(const struct thread *th, uint64_t type, uint64_t list[REGS_LISTED], uint64_t *size)
{
	if (type == NT_PRSTATUS) {
		regs_list(th->kept, list);
		*size = REGS_LISTED * sizeof *list;
		return list;
	}
	*size = FXSAVE_SIZE;
	return type == NT_PRFPREG ? thread_xsave(th) : 0;
}

static long registers_put(const struct thread *th, uint64_t type, uint64_t to)
{
	uint64_t list[REGS_LISTED], size;
	const void *set = register_set(th, type, list, &size);

	return user_write(to, set, size);
}

static long registers_put_iov(const struct thread *th, uint64_t type, uint64_t at)
{
	uint64_t list[REGS_LISTED], size;
	const void *set = register_set(th, type, list, &size);
	struct iovec iov;

	if (user_read(&iov, at, sizeof iov))
		return -EFAULT;
	if (!set || iov.iov_len % sizeof *list)
		return -EINVAL;
	iov.iov_len = MIN_OF(iov.iov_len, size);
	return user_write((uint64_t)iov.iov_base, set, iov.iov_len) | user_write(at, &iov, sizeof iov);
}

static long word_peek(uint64_t from, uint64_t to)
{
	uint64_t word;

	return user_read(&word, from, sizeof word) ? -EIO : user_write(to, &word, sizeof word);
}

CALL4(ptrace, request, pid, addr, data)
{
	struct thread *th = thread_by_tid((int)pid);

	if (!th)
		return -ESRCH;
	if (request == PTRACE_ATTACH)
		return attach(th);
	if (th->tracer != P->task)
		return -ESRCH;
	if (request == PTRACE_DETACH)
		return detach(th, data);
	/* After an exec of the caller the other memory is out of reach. */
	if (th->task->env != P->self)
		return -EIO;
	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA: return word_peek(addr, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA: return user_write(addr, &data, sizeof data) ? -EIO : 0;
	case PTRACE_GETREGS: return registers_put(th, NT_PRSTATUS, data);
	case PTRACE_GETFPREGS: return registers_put(th, NT_PRFPREG, data);
	case PTRACE_GETREGSET: return registers_put_iov(th, addr, data);
	}
	return -EIO;
}
