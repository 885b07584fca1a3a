/* SPDX-License-Identifier: MIT */
/* A process held by a descriptor, which stays true when the number is used again. */
#include <asm/poll.h>
#include <fs/files.h>
#include <posix/process/task.h>
#include "pidfd.h"

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

struct task *pidfd_task(int fd, int *error, unsigned *flags)
{
	struct file *f = fd_file(fd);
	struct task *t = f && f->ops == &pidfd_ops ? ((struct pidfd *)f->own)->task : NULL;

	*error = f && f->ops == &pidfd_ops ? -ESRCH : -EBADF;
	*flags = f ? f->flags : 0;
	if (f)
		file_put(f);
	return t;
}

int pidfd_pid(int fd, int *no_wait)
{
	unsigned flags;
	int error;
	struct task *t = pidfd_task(fd, &error, &flags);

	*no_wait = !!(flags & O_NONBLOCK);
	if (t)
		return t->pid;
	return error == -ESRCH ? -ECHILD : error;
}
