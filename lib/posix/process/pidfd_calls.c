/* SPDX-License-Identifier: MIT */
/* pidfd_open(2) and its kin. */
#include <fs/files.h>
#include <posix/file/proc.h>
#include <posix/signal/signals.h>
#include "pidfd.h"

/* The process of a folder in /proc, which signals can be sent by, too: NULL with *error, 0 if it is gone. */
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
	t = pidfd_task((int)fd, &error, &file_flags);
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
	t = pidfd_task((int)fd, &error, &file_flags);
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
