/* SPDX-License-Identifier: MIT */
/* kcmp(2): what two threads share. */
#include <linux/kcmp.h>
#include <fs/files.h>
#include <posix/call/calls.h>
#include <posix/file/epoll.h>
#include <posix/library.h>

static long order(const void *a, const void *b) { return (a < b) | (a > b) << 1; }

static const struct file *file_of(const struct thread *th, uint64_t fd)
{
	const struct file_state *fs = th->task->files;

	return fs ? fd_at(fs, (uint32_t)fd) : NULL;
}

/* The file that an epoll of th has watched by that descriptor, by its place among those. */
static long watched(const struct thread *th, uint64_t at, const struct file **to)
{
	struct kcmp_epoll_slot slot;
	const struct file *f;
	const struct epoll *e;

	if (user_read(&slot, at, sizeof slot))
		return -EFAULT;
	f = file_of(th, slot.efd);
	if (!f)
		return -EBADF;
	if (f->ops != &epoll_ops)
		return -EINVAL;
	e = f->own;
	for (uint32_t i = 0; i < e->size; i++)
		for (const struct watch *w = e->table[i]; w; w = w->chain)
			if (w->fd == (int)slot.tfd && !slot.toff--) {
				*to = w->file;
				return 0;
			}
	return -ENOENT;
}

static long files_compare(const struct thread *a, const struct thread *b, int is_watched, uint64_t first,
	uint64_t second)
{
	const struct file *f = file_of(a, first), *g = is_watched ? NULL : file_of(b, second);
	long e = !f ? -EBADF : 0;

	if (!e && is_watched)
		e = watched(b, second, &g);
	if (e)
		return e;
	return g ? order(f, g) : -EBADF;
}

/* The lowest record of those that share its handlers. */
static const struct task *handlers_of(const struct task *t)
{
	const struct task *lowest = t;

	for (const struct task *o = t->handlers_with; o && o != t; o = o->handlers_with)
		lowest = o < lowest ? o : lowest;
	return lowest;
}

CALL5(kcmp, pid1, pid2, type, first, second)
{
	const struct thread *a = thread_by_tid((int)pid1), *b = thread_by_tid((int)pid2);

	if (!a || !b)
		return -ESRCH;
	switch ((int)type) {
	case KCMP_FILE:
	case KCMP_EPOLL_TFD:
		return files_compare(a, b, (int)type == KCMP_EPOLL_TFD, first, second);
	case KCMP_VM: /* an env's memory is of all that live in it */
		return order((void *)(uint64_t)a->task->env, (void *)(uint64_t)b->task->env);
	case KCMP_FILES:
		return order(a->task->files, b->task->files);
	case KCMP_FS:
		return order(a->task->places, b->task->places);
	case KCMP_SIGHAND:
		return order(handlers_of(a->task), handlers_of(b->task));
	case KCMP_IO:
		return order(a->io, b->io);
	case KCMP_SYSVSEM:
		return order(a->task->sem_undo, b->task->sem_undo);
	}
	return -EINVAL;
}
