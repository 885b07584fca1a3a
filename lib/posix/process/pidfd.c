/* SPDX-License-Identifier: MIT */
/* pidfd_open(2) and its kin: a process held by a descriptor, which stays true when the number is used again. */
#include <asm/poll.h>
#include <fs/files.h>
#include <posix/file/proc.h>
#include "pidfd.h"
#include <posix/signal/signals.h>

/* task: NULL once it has been waited for */
struct pidfd { struct pidfd *next; struct task *task; struct wait_list waits; };

static int has_ended(const struct pidfd *p) { return !p->task || p->task->state == TASK_ZOMBIE; }

static int pidfd_poll(struct file *f)
{
	return has_ended(f->own) ? POLLIN | POLLRDNORM : 0;
}

static struct wait_list *pidfd_waits(struct file *f) { return &((struct pidfd *)f->own)->waits; }

static void pidfd_release(struct file *f)
{
	struct pidfd *p = f->own, **at = p->task ? &p->task->pidfds : NULL;

	while (at && *at != p)
		at = &(*at)->next;
	if (at)
		*at = p->next;
	waiters_end(&p->waits);
	fam_free(p);
}

static const struct file_ops pidfd_ops = { .poll = pidfd_poll, .waits = pidfd_waits, .release = pidfd_release };

int pidfd_new(struct task *t, unsigned flags)
{
	struct pidfd *p = fam_alloc(sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->task = t;
	p->next = t->pidfds;
	t->pidfds = p;
	return anon_fd("[pidfd]", 0600, &pidfd_ops, p, O_RDWR | O_CLOEXEC | flags);
}

void pidfds_wake(struct task *t)
{
	for (struct pidfd *p = t->pidfds; p; p = p->next)
		waiters_tell(&p->waits, WAIT_IN);
}

int pidfd_find(const struct task *t)
{
	const struct file_state *fs = current_files();

	for (int fd = t->pidfds ? fd_next(fs, 0) : -1; fd >= 0; fd = fd_next(fs, (uint32_t)fd + 1))
		if (fs->fd[fd]->own == t->pidfds)
			return fd;
	return -1;
}

void pidfd_undo(const struct task *t)
{
	int fd = pidfd_find(t);

	if (fd >= 0)
		fd_close(current_files(), fd);
}

void pidfds_leave(struct task *t)
{
	for (struct pidfd *p = t->pidfds; p; p = p->next)
		p->task = NULL;
	t->pidfds = NULL;
}

/* Its process: NULL with *error, -EBADF or (it has been waited for) -ESRCH. */
static struct task *task_of(int fd, int *error, unsigned *flags)
{
	struct file *f = fd_file(fd);
	struct task *t = f && f->ops == &pidfd_ops ? ((struct pidfd *)f->own)->task : NULL;

	*error = f && f->ops == &pidfd_ops ? -ESRCH : -EBADF;
	*flags = f ? f->flags : 0;
	if (f)
		file_put(f);
	return t;
}

/* The same of a process's folder in /proc, which signals can be sent by, too. */
static struct task *task_of_folder(int fd, int *error)
{
	struct file *f = fd_file(fd);
	int is_folder = 0;
	struct task *t = f ? proc_task_of(f, &is_folder) : NULL;

	*error = is_folder ? 0 : -EBADF;
	if (f)
		file_put(f);
	return t;
}

int pidfd_pid(int fd, int *no_wait)
{
	unsigned flags;
	int error;
	struct task *t = task_of(fd, &error, &flags);

	*no_wait = !!(flags & O_NONBLOCK);
	if (t)
		return t->pid;
	return error == -ESRCH ? -ECHILD : error;
}

CALL2(pidfd_open, pid, flags)
{
	struct thread *th = thread_by_tid((int)pid);

	if (flags & ~(uint64_t)O_NONBLOCK || (int)pid <= 0)
		return -EINVAL;
	if (!th)
		return -ESRCH;
	return th->tid == th->task->pid ? pidfd_new(th->task, (unsigned)flags) : -EINVAL;
}

CALL4(pidfd_send_signal, fd, sig, info, flags)
{
	struct signal_cause cause = { .code = SI_USER, .pid = current_pid() };
	unsigned file_flags;
	int error;
	struct task *t;

	if (flags)
		return -EINVAL;
	t = task_of((int)fd, &error, &file_flags);
	if (!t && error == -EBADF && !(t = task_of_folder((int)fd, &error)) && error)
		return error;
	if (info && (error = signal_cause_read(&cause, (int)sig, info, t == current_task())))
		return error;
	if ((uint32_t)sig > SIGNAL_COUNT)
		return -EINVAL;
	return t && t->state != TASK_ZOMBIE ? signal_send_info(t, (int)sig, &cause) : -ESRCH;
}

CALL3(pidfd_getfd, fd, of, flags)
{
	unsigned file_flags;
	int error;
	struct task *t;
	struct file *f;

	if (flags)
		return -EINVAL;
	t = task_of((int)fd, &error, &file_flags);
	if (!t)
		return error;
	if (!t->files)
		return -ESRCH;
	f = fd_at(t->files, (uint32_t)of);
	if (!f)
		return -EBADF;
	file_get(f);
	return fd_new(current_files(), f, 0, 1);
}
