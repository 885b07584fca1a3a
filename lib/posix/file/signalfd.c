/* SPDX-License-Identifier: MIT */
/* signalfd(2): the reader's pending signals, read as records. */
#include <asm/poll.h>
#include <linux/signalfd.h>
#include <fs/files.h>
#include <family/family.h>
#include <posix/signal/signals.h>

struct signalfd { uint64_t mask; };

static uint64_t waiting(const struct signalfd *s)
{
	const struct thread *th = P->thread;

	return (th->signals.pending | th->task->signals.pending) & s->mask;
}

static void fill(struct signalfd_siginfo *to, int sig, const struct signal_cause *cause)
{
	memset(to, 0, sizeof(*to));
	to->ssi_signo = (uint32_t)sig;
	to->ssi_code = cause->code;
	if (cause->code == SI_TIMER) {
		to->ssi_tid = (uint32_t)cause->pid;
		to->ssi_overrun = (uint32_t)cause->uid;
	} else {
		to->ssi_pid = (uint32_t)cause->pid;
		to->ssi_uid = (uint32_t)cause->uid;
	}
	if (cause->code >= POLL_IN && cause->code <= POLL_HUP && sig != SIGCHLD) {
		to->ssi_band = (uint32_t)cause->addr;
		to->ssi_fd = cause->status;
	}
	if (sig == SIGCHLD)
		to->ssi_status = cause->status;
	to->ssi_ptr = cause->value;
	to->ssi_int = (int32_t)cause->value;
}

static long signalfd_read(struct file *f, struct io *io, uint64_t at)
{
	struct signalfd *s = f->own;
	long done = 0;

	(void)at;
	if (io->total < sizeof(struct signalfd_siginfo))
		return -EINVAL;
	while (!waiting(s)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (sleep_on(&P->task->signals, 0) == -EINTR && !waiting(s))
			return -ERESTARTSYS;
	}
	while (io->total >= sizeof(struct signalfd_siginfo) && waiting(s)) {
		int sig = __builtin_ctzl(waiting(s)) + 1;
		struct signalfd_siginfo record;
		struct signal_cause cause;

		signal_take_cause(P->thread, sig, &cause);
		fill(&record, sig, &cause);
		if (io_put(io, &record, sizeof(record)) < 0)
			return done ? done : -EFAULT;
		done += (long)sizeof(record);
	}
	return done;
}

static int signalfd_poll(struct file *f)
{
	return waiting(f->own) ? POLLIN | POLLRDNORM : 0;
}

/* As on Linux, of the process that waits, or that put it into an epoll. */
static struct wait_list *signalfd_waits(struct file *f)
{
	(void)f;
	return &P->task->signals.waits;
}

static void signalfd_release(struct file *f)
{
	F->signalfds--;
	fam_free(f->own);
}

static const struct file_ops signalfd_ops = { .read = signalfd_read, .poll = signalfd_poll, .waits = signalfd_waits,
	.release = signalfd_release };

static long make(uint64_t fd, uint64_t set, uint64_t size, uint64_t flags)
{
	struct signalfd *s;
	uint64_t mask;

	if (size != 8 || (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK)))
		return -EINVAL;
	if (user_read(&mask, set, sizeof(mask)) < 0)
		return -EFAULT;
	mask &= ~SIGNALS_SURE;
	if ((int)fd != -1) {
		struct file *f = fd_file((int)fd);
		long result = !f ? -EBADF : f->ops != &signalfd_ops ? -EINVAL : (long)(int)fd;

		if (result >= 0)
			((struct signalfd *)f->own)->mask = mask;
		if (f)
			file_put(f);
		return result;
	}
	s = fam_alloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->mask = mask;
	F->signalfds++;
	return anon_fd("[signalfd]", 0600, &signalfd_ops, s, O_RDWR | ((unsigned)flags & (O_CLOEXEC | O_NONBLOCK)));
}

CALL3(signalfd, fd, set, size) { return make(fd, set, size, 0); }
CALL4(signalfd4, fd, set, size, flags) { return make(fd, set, size, flags); }
