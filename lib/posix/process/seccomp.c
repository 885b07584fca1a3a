/* SPDX-License-Identifier: MIT */
/* seccomp(2): what answers of filters do, and who is asked by one (seccomp_unotify(2)). Filters are programs of classic
 * BPF (base/cbpf.h); what is done with them as such is seccomp_filter.c's. A thread has the newest of its own,
 * which leads to those before it; they are shared by whoever came from the thread that made them. An env in which a
 * thread has one is entered by entry.S's posix_filtered_entry, so the others pay nothing. */
#include <asm/ioctl.h>
#include <asm/poll.h>
#include <linux/audit.h>
#include <fs/files.h>
#include <posix/library.h>
#include <posix/call/calls.h>
#include <posix/process/seccomp.h>
#include <posix/signal/signals.h>
#include "ptrace.h"
#include "seccomp_filter.h"

#define ERRNO_MAX 4095u
#define ADDFD_FLAGS (SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND)
#define PATH_MAX_INSNS 32768u /* of all filters of a thread, and for each four more */

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
	handlers_tell(t, SIGSYS);
	trap(r, d, answer & SECCOMP_RET_DATA);
}

/* ---- who is asked */
static struct seccomp_notice *notice_in(const struct seccomp_listener *l, int state)
{
	struct seccomp_notice *n = l->first;

	while (n && n->state != state)
		n = n->next;
	return n;
}

static struct seccomp_notice *notice_of(const struct seccomp_listener *l, uint64_t id)
{
	struct seccomp_notice *n = l->first;

	while (n && n->id != id)
		n = n->next;
	return n;
}

static int listener_poll(struct file *f)
{
	const struct seccomp_listener *l = f->own;

	return (notice_in(l, NOTICE_NEW) ? POLLIN | POLLRDNORM : 0) |
		(notice_in(l, NOTICE_TOLD) ? POLLOUT | POLLWRNORM : 0) | (l->filter ? 0 : POLLHUP);
}

static struct wait_list *listener_waits(struct file *f) { return &((struct seccomp_listener *)f->own)->waits; }

static void notice_answer(struct seccomp_notice *n, int64_t value, int32_t error, uint32_t flags)
{
	n->value = value;
	n->error = error;
	n->flags = flags;
	n->state = NOTICE_ANSWERED;
	wake_up(n);
}

/* Whoever waits for an answer, or asks later, is told that there is nobody. */
static void listener_release(struct file *f)
{
	struct seccomp_listener *l = f->own;
	struct seccomp_notice *n;

	while ((n = l->first) != NULL) {
		l->first = n->next;
		n->listener = NULL;
		if (n->state != NOTICE_ANSWERED)
			notice_answer(n, 0, -ENOSYS, 0);
		family_progress();
	}
	if (l->filter)
		l->filter->listener = NULL;
	waiters_end(&l->waits);
	fam_free(l);
}

static void listener_gone(struct seccomp_listener *l)
{
	l->filter = NULL;
	wake_up(l);
	waiters_tell(&l->waits, WAIT_ANY);
}

static long receive(struct seccomp_listener *l, uint64_t to)
{
	static const struct seccomp_notif nothing;
	struct seccomp_notice *n;
	struct seccomp_notif told;

	if (user_read(&told, to, sizeof told))
		return -EFAULT;
	if (memcmp(&told, &nothing, sizeof told))
		return -EINVAL;
	while (!(n = notice_in(l, NOTICE_NEW)))
		if (!l->filter)
			return -ENOENT;
		else if (sleep_on(l, 0) == -EINTR)
			return -EINTR;
	told = (struct seccomp_notif){ .id = n->id, .pid = (uint32_t)n->thread->tid, .data = n->data };
	if (user_write(to, &told, sizeof told))
		return -EFAULT;
	n->state = NOTICE_TOLD;
	wake_up(n);
	waiters_tell(&l->waits, WAIT_OUT);
	return 0;
}

/* The one that has been told of: NULL with *error. */
static struct seccomp_notice *told_of(const struct seccomp_listener *l, uint64_t id, int *error)
{
	struct seccomp_notice *n = notice_of(l, id);

	*error = n ? -EINPROGRESS : -ENOENT;
	return n && n->state == NOTICE_TOLD ? n : NULL;
}

static long answer_send(struct seccomp_listener *l, uint64_t from)
{
	struct seccomp_notif_resp a;
	struct seccomp_notice *n;
	int error;

	if (user_read(&a, from, sizeof a))
		return -EFAULT;
	if (a.flags & ~(uint32_t)SECCOMP_USER_NOTIF_FLAG_CONTINUE || (a.flags && (a.error || a.val)))
		return -EINVAL;
	n = told_of(l, a.id, &error);
	if (!n)
		return error;
	notice_answer(n, a.val, a.error, a.flags);
	return 0;
}

static long id_check(const struct seccomp_listener *l, uint64_t from)
{
	const struct seccomp_notice *n;
	uint64_t id;

	if (user_read(&id, from, sizeof id))
		return -EFAULT;
	n = notice_of(l, id);
	return n && n->state == NOTICE_TOLD ? 0 : -ENOENT;
}

/* Into the table of who asks: the descriptor, or -errno. Takes f over. */
static int fd_give(struct thread *th, struct file *f, const struct seccomp_notif_addfd *a)
{
	struct file_state *fs = th->task->files;

	if (a->flags & SECCOMP_ADDFD_FLAG_SETFD) {
		if (a->newfd >= (uint32_t)fd_limit()) {
			file_put(f);
			return -EBADF;
		}
		if (fd_at(fs, a->newfd))
			fd_close(fs, (int)a->newfd);
	}
	return fd_new(fs, f, (int)a->newfd, !!(a->newfd_flags & O_CLOEXEC));
}

static long fd_add(struct seccomp_listener *l, uint64_t from)
{
	struct seccomp_notif_addfd a;
	struct seccomp_notice *n;
	struct file *f;
	int error;

	if (user_read(&a, from, sizeof a))
		return -EFAULT;
	if (a.newfd_flags & ~(uint32_t)O_CLOEXEC || a.flags & ~(uint32_t)ADDFD_FLAGS
		|| (a.newfd && !(a.flags & SECCOMP_ADDFD_FLAG_SETFD)))
		return -EINVAL;
	f = fd_any((int)a.srcfd);
	if (!f)
		return -EBADF;
	n = told_of(l, a.id, &error);
	if (!n) {
		file_put(f);
		return error;
	}
	error = fd_give(n->thread, f, &a);
	if (error >= 0 && a.flags & SECCOMP_ADDFD_FLAG_SEND)
		notice_answer(n, error, 0, 0);
	return error;
}

static long listener_ioctl(struct file *f, unsigned request, uint64_t arg)
{
	switch (request) {
	case SECCOMP_IOCTL_NOTIF_RECV: return receive(f->own, arg);
	case SECCOMP_IOCTL_NOTIF_SEND: return answer_send(f->own, arg);
	case SECCOMP_IOCTL_NOTIF_ID_VALID: return id_check(f->own, arg);
	case SECCOMP_IOCTL_NOTIF_ADDFD: return fd_add(f->own, arg);
	}
	return -EINVAL;
}

static const struct file_ops listener_ops = { .ioctl = listener_ioctl, .poll = listener_poll, .waits = listener_waits,
	.release = listener_release };

/* A descriptor that f asks from now on, or -errno. */
static int listener_make(struct seccomp_filter *f, int is_firm)
{
	struct seccomp_listener *l = fam_alloc(sizeof *l);
	int fd;

	if (!l)
		return -ENOMEM;
	l->gone = listener_gone;
	l->is_firm = is_firm;
	fd = anon_fd("seccomp notify", 0600, &listener_ops, l, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fd;
	l->filter = f;
	f->listener = l;
	return fd;
}

static int is_firm(const struct seccomp_notice *n) { return n->state == NOTICE_TOLD && n->listener->is_firm; }

/* Until it is answered, or a signal is there that ends the wait: whether it was. */
static int answer_await(struct seccomp_notice *n)
{
	while (n->state != NOTICE_ANSWERED) {
		if (!is_firm(n)) {
			if (sleep_on(n, 0) == -EINTR && n->state != NOTICE_ANSWERED && !is_firm(n))
				return 0;
		} else if (signals_ready(P->thread) & SIGNAL_BIT(SIGKILL)) {
			return 0;
		} else {
			sleep_through(n, 0);
		}
	}
	return 1;
}

/* The listener says what the call gives, or that it may be made all the same: true then. */
static int ask(struct user_regs *r, const struct seccomp_data *d, struct seccomp_listener *l)
{
	struct seccomp_notice *n = l ? fam_alloc(sizeof *n) : NULL, **at;
	int admits = 0;

	r->rax = -(uint64_t)(l ? ENOMEM : ENOSYS);
	if (!n)
		return 0;
	*n = (struct seccomp_notice){ .listener = l, .thread = P->thread, .id = ++l->last_id, .data = *d };
	for (at = &l->first; *at; at = &(*at)->next)
		;
	*at = n;
	P->thread->notice = n;
	wake_up(l);
	waiters_tell(&l->waits, WAIT_IN);
	if (!answer_await(n)) {
		r->rax = -(uint64_t)ERESTARTSYS;
	} else {
		admits = (n->flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE) != 0;
		r->rax = n->error ? (uint64_t)(int64_t)n->error : (uint64_t)n->value;
	}
	notice_free(P->thread);
	return admits;
}

static int answer_take(struct user_regs *r, const struct seccomp_data *d, uint32_t answer,
	const struct seccomp_filter *whose);

/* Whether the call, which the tracer may have changed, is to be made. */
static int ask_tracer(struct user_regs *r, const struct seccomp_data *d, uint32_t value)
{
	const struct seccomp_filter *whose = NULL;
	struct seccomp_data now;
	uint32_t answer;
	int said = ptrace_filter(r, d->arch, value);

	if (said <= 0) {
		if (!said)
			r->rax = -(uint64_t)ENOSYS;
		return 0;
	}
	now = data_of(r, d->arch);
	answer = filters_answer(P->thread->seccomp, &now, &whose);
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_TRACE:
		return 1;
	}
	return answer_take(r, &now, answer, whose);
}

/* By the answer of a filter other than SECCOMP_RET_ALLOW: whether the call may be made all the same. */
static int answer_take(struct user_regs *r, const struct seccomp_data *d, uint32_t answer,
	const struct seccomp_filter *whose)
{
	uint32_t value = answer & SECCOMP_RET_DATA, logs = whose->logs;

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
	case SECCOMP_RET_TRACE:
		return ask_tracer(r, d, value);
	case SECCOMP_RET_USER_NOTIF:
		return ask(r, d, whose->listener);
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
	const struct seccomp_filter *whose = NULL;
	uint32_t answer;
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
	answer = filters_answer(th->seccomp, &d, &whose);
	if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW)
		return 1;
	family_lock();
	admits = answer_take(r, &d, answer, whose);
	family_unlock();
	return admits;
}

/* ---- what threads have */
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

#define FLAGS (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | \
	SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)

/* The number of a thread that does not follow has to be told from a descriptor. */
static int flags_are_good(uint64_t flags)
{
	int listens = (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;

	if (flags & ~(uint64_t)FLAGS || (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !listens))
		return 0;
	return !listens || !(flags & SECCOMP_FILTER_FLAG_TSYNC) || flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
}

static int has_listener(const struct thread *th)
{
	const struct seccomp_filter *f = th->seccomp;

	while (f && !f->listener)
		f = f->before;
	return f != NULL;
}

static long filter_add(uint64_t flags, uint64_t from)
{
	struct thread *me = P->thread;
	struct seccomp_filter *f;
	uint32_t total;
	int e, apart, listens = (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0, fd = 0;

	if (!flags_are_good(flags))
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
	else if (listens && has_listener(me))
		e = -EBUSY;
	if (!e && !apart && listens && (fd = listener_make(f, (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) != 0)) < 0)
		e = fd;
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
	return fd;
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
	case SECCOMP_RET_USER_NOTIF: case SECCOMP_RET_TRACE: case SECCOMP_RET_LOG: case SECCOMP_RET_ALLOW:
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
	const struct seccomp_notif_sizes sizes = { sizeof(struct seccomp_notif), sizeof(struct seccomp_notif_resp),
		sizeof(struct seccomp_data) };

	switch ((uint32_t)operation) {
	case SECCOMP_SET_MODE_STRICT:
		return (uint32_t)flags || at ? -EINVAL : strict_set();
	case SECCOMP_SET_MODE_FILTER:
		return filter_add((uint32_t)flags, at);
	case SECCOMP_GET_ACTION_AVAIL:
		return action_ask((uint32_t)flags, at);
	case SECCOMP_GET_NOTIF_SIZES:
		return (uint32_t)flags ? -EINVAL : user_write(at, &sizes, sizeof sizes);
	}
	return -EINVAL;
}
