/* SPDX-License-Identifier: MIT */
/* seccomp(2): filters of system calls, each a program of classic BPF (base/cbpf.h). A thread has the newest of its own,
 * which leads to those before it; they are shared by whoever came from the thread that made them. An env in which a
 * thread has one is entered by entry.S's posix_filtered_entry, so the others pay nothing. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <base/cbpf.h>
#include <posix/library.h>
#include <posix/call/calls.h>
#include <posix/process/seccomp.h>
#include <posix/signal/signals.h>

#define PATH_MAX_INSNS 32768u /* of all filters of a thread, and for each four more */
#define ERRNO_MAX 4095u

struct seccomp_filter {
	struct seccomp_filter *before; /* a reference is held */
	uint32_t references, count, logs;
	struct cbpf_insn insn[];
};

_Static_assert(sizeof(struct cbpf_insn) == sizeof(struct sock_filter), "as programs pass it");

/* ---- what a call meets */
static struct seccomp_data data_of(const struct user_regs *r, uint32_t architecture)
{
	struct seccomp_data d = { .nr = (int)r->orig_rax, .arch = architecture, .instruction_pointer = r->rip };

	if (architecture == AUDIT_ARCH_X86_64) {
		const uint64_t args[6] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };

		memcpy(d.args, args, sizeof args);
	} else {
		const uint64_t args[6] = { (uint32_t)r->rbx, (uint32_t)r->rcx, (uint32_t)r->rdx, (uint32_t)r->rsi,
			(uint32_t)r->rdi, (uint32_t)r->rbp };

		memcpy(d.args, args, sizeof args);
	}
	return d;
}

/* The strictest answer, of several alike the newest filter's; and whether that one's are to be logged. */
static uint32_t answer_of(const struct seccomp_filter *f, const struct seccomp_data *d, uint32_t *logs)
{
	uint32_t answer = SECCOMP_RET_ALLOW;

	for (; f; f = f->before) {
		uint32_t one = cbpf_run(f->insn, (const uint32_t *)d, sizeof *d);

		if ((int32_t)(one & SECCOMP_RET_ACTION_FULL) < (int32_t)(answer & SECCOMP_RET_ACTION_FULL)) {
			answer = one;
			*logs = f->logs;
		}
	}
	return answer;
}

static void say(const struct seccomp_data *d, const char *what)
{
	rt_log("%s[%d]: seccomp: system call %d %s", P->task->name, P->thread->tid, d->nr, what);
}

/* SIGSYS, with the registers as they were before the call. */
static void trap(struct user_regs *r, const struct seccomp_data *d, uint32_t value)
{
	struct thread *th = P->thread;

	r->rax = r->orig_rax;
	r->orig_rax = -1ul;
	th->signals.fault = (struct signal_cause){ .code = SYS_SECCOMP, .status = (int32_t)value, .addr = r->rip,
		.value = (uint64_t)d->arch << 32 | (uint32_t)d->nr };
	signal_force(th, SIGSYS);
}

/* What no thread of a filter's may go on after: it ends, or all of them do. */
static void deny(struct user_regs *r, const struct seccomp_data *d, uint32_t answer)
{
	struct task *t = P->task;

	say(d, "is denied");
	if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_KILL_THREAD && t->thread_count > 1)
		exit_thread(SIGSYS);
	t->signals.action[SIGSYS].handler = HANDLER_DEFAULT;
	trap(r, d, answer & SECCOMP_RET_DATA);
}

/* By the answer of a filter other than SECCOMP_RET_ALLOW: whether the call may be made all the same. */
static int answer_take(struct user_regs *r, const struct seccomp_data *d, uint32_t answer, uint32_t logs)
{
	uint32_t value = answer & SECCOMP_RET_DATA;

	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_LOG:
		say(d, "is made");
		return 1;
	case SECCOMP_RET_ERRNO:
		if (logs)
			say(d, "is refused");
		r->rax = -(uint64_t)(value < ERRNO_MAX ? value : ERRNO_MAX);
		break;
	case SECCOMP_RET_TRAP:
		if (logs)
			say(d, "is trapped");
		trap(r, d, value);
		break;
	case SECCOMP_RET_TRACE: /* nobody traces calls, nor listens to them */
	case SECCOMP_RET_USER_NOTIF:
		r->rax = -(uint64_t)ENOSYS;
		break;
	default:
		deny(r, d, answer);
	}
	return 0;
}

/* SECCOMP_MODE_STRICT: read, write, exit, rt_sigreturn (or sigreturn). */
static int strict_admits(const struct seccomp_data *d)
{
	if (d->arch == AUDIT_ARCH_X86_64)
		return d->nr == 0 || d->nr == 1 || d->nr == 60 || d->nr == 15;
	return d->nr == 3 || d->nr == 4 || d->nr == 1 || d->nr == 119;
}

int seccomp_admits(struct user_regs *r, uint32_t architecture)
{
	const struct thread *th = P->thread;
	struct seccomp_data d;
	uint32_t answer, logs = 0;
	int admits;

	if (th->seccomp_mode == SECCOMP_MODE_DISABLED)
		return 1;
	d = data_of(r, architecture);
	if (th->seccomp_mode == SECCOMP_MODE_STRICT) {
		if (strict_admits(&d))
			return 1;
		family_lock();
		say(&d, "is denied");
		exit_thread(SIGKILL);
	}
	answer = answer_of(th->seccomp, &d, &logs);
	if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW)
		return 1;
	family_lock();
	admits = answer_take(r, &d, answer, logs);
	family_unlock();
	return admits;
}

/* ---- what threads have */
static void filter_put(struct seccomp_filter *f)
{
	while (f && !--f->references) {
		struct seccomp_filter *before = f->before;

		fam_free(f);
		f = before;
		family_progress();
	}
}

void seccomp_drop(struct thread *th)
{
	filter_put(th->seccomp);
	th->seccomp = NULL;
}

void seccomp_inherit(struct thread *to, const struct thread *from)
{
	to->seccomp_mode = from->seccomp_mode;
	to->seccomp = from->seccomp;
	if (to->seccomp)
		to->seccomp->references++;
}

uint32_t seccomp_count(const struct thread *th)
{
	uint32_t n = 0;

	for (const struct seccomp_filter *f = th->seccomp; f; f = f->before)
		n++;
	return n;
}

/* From now on this env's calls come here first. */
static void calls_divert(void)
{
	uint64_t entry[EXO_ENTRY_COUNT];

	env_entries(entry, 0);
	(void)gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)entry, 0);
}

static int may_become(const struct thread *th, uint32_t mode)
{
	return th->seccomp_mode == SECCOMP_MODE_DISABLED || th->seccomp_mode == mode;
}

static long strict_set(void)
{
	struct thread *me = P->thread;

	if (!may_become(me, SECCOMP_MODE_STRICT))
		return -EINVAL;
	me->seccomp_mode = SECCOMP_MODE_STRICT;
	calls_divert();
	return 0;
}

/* A program's struct sock_fprog as a filter that nobody has yet: 0 or -errno. */
static int filter_read(uint64_t from, struct seccomp_filter **to)
{
	struct { uint16_t count; uint64_t insn; } program;
	struct seccomp_filter *f;
	uint16_t *known;
	int e = 0;

	_Static_assert(sizeof program == sizeof(struct sock_fprog), "as programs pass it");
	if (user_read(&program, from, sizeof program))
		return -EFAULT;
	if (!program.count || program.count > CBPF_MAX)
		return -EINVAL;
	f = fam_alloc(sizeof *f + program.count * sizeof f->insn[0]);
	known = fam_alloc(program.count * sizeof *known);
	if (!f || !known)
		e = -ENOMEM;
	else if (user_read(f->insn, program.insn, program.count * sizeof f->insn[0]))
		e = -EFAULT;
	else if (!cbpf_is_good(f->insn, program.count, sizeof(struct seccomp_data), known))
		e = -EINVAL;
	if (known)
		fam_free(known);
	if (!e) {
		f->count = program.count;
		*to = f;
	} else if (f) {
		fam_free(f);
	}
	return e;
}

static int descends(const struct seccomp_filter *f, const struct seccomp_filter *from)
{
	while (f && f != from)
		f = f->before;
	return f == from;
}

/* The number of a thread that cannot have the caller's filters, since it has others; 0: there is none. */
static int thread_apart(const struct thread *me)
{
	for (const struct thread *th = me->task->threads; th; th = th->next) {
		if (th == me || th->state == THREAD_ENDED || th->seccomp_mode == SECCOMP_MODE_DISABLED)
			continue;
		if (th->seccomp_mode != SECCOMP_MODE_FILTER || !descends(me->seccomp, th->seccomp))
			return th->tid;
	}
	return 0;
}

static void threads_follow(const struct thread *me)
{
	for (struct thread *th = me->task->threads; th; th = th->next) {
		if (th == me || th->state == THREAD_ENDED)
			continue;
		me->seccomp->references++;
		seccomp_drop(th);
		th->seccomp = me->seccomp;
		th->seccomp_mode = SECCOMP_MODE_FILTER;
		th->no_new_privs |= me->no_new_privs;
	}
}

#define FLAGS (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | \
	SECCOMP_FILTER_FLAG_TSYNC_ESRCH)

static long filter_add(uint64_t flags, uint64_t from)
{
	struct thread *me = P->thread;
	struct seccomp_filter *f;
	uint32_t total;
	int e, apart;

	if (flags & ~(uint64_t)FLAGS)
		return -EINVAL;
	e = filter_read(from, &f);
	if (e)
		return e;
	total = f->count;
	for (const struct seccomp_filter *b = me->seccomp; b; b = b->before)
		total += b->count + 4;
	apart = flags & SECCOMP_FILTER_FLAG_TSYNC ? thread_apart(me) : 0;
	if (!may_become(me, SECCOMP_MODE_FILTER))
		e = -EINVAL;
	else if (total > PATH_MAX_INSNS)
		e = -ENOMEM;
	if (e || apart) {
		fam_free(f);
		if (e)
			return e;
		return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : apart;
	}
	f->logs = (flags & SECCOMP_FILTER_FLAG_LOG) != 0;
	f->references = 1;
	f->before = me->seccomp;
	me->seccomp = f;
	me->seccomp_mode = SECCOMP_MODE_FILTER;
	if (flags & SECCOMP_FILTER_FLAG_TSYNC)
		threads_follow(me);
	calls_divert();
	return 0;
}

static long action_ask(uint64_t flags, uint64_t from)
{
	uint32_t action;

	if (flags)
		return -EINVAL;
	if (user_read(&action, from, sizeof action))
		return -EFAULT;
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS: case SECCOMP_RET_KILL_THREAD: case SECCOMP_RET_TRAP: case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_TRACE: case SECCOMP_RET_LOG: case SECCOMP_RET_ALLOW:
		return 0;
	}
	return -EOPNOTSUPP;
}

long seccomp_mode_set(uint64_t mode, uint64_t program)
{
	switch (mode) {
	case SECCOMP_MODE_STRICT: return strict_set();
	case SECCOMP_MODE_FILTER: return filter_add(0, program);
	}
	return -EINVAL;
}

CALL3(seccomp, operation, flags, at)
{
	switch ((uint32_t)operation) {
	case SECCOMP_SET_MODE_STRICT:
		return (uint32_t)flags || at ? -EINVAL : strict_set();
	case SECCOMP_SET_MODE_FILTER:
		return filter_add((uint32_t)flags, at);
	case SECCOMP_GET_ACTION_AVAIL:
		return action_ask((uint32_t)flags, at);
	}
	return -EINVAL;
}
