/* SPDX-License-Identifier: MIT */
/* O_ASYNC: who is sent which signal when a pipe, a socket or a terminal has bytes or room. fcntl(2), "Managing signals". */
#include <asm/poll.h>
#include <fs/async.h>
#include <fs/pipe.h>
#include <posix/signal/signals.h>
#include "lease.h"
#include "watch.h"

struct async {
	struct async *next;            /* of those that are on */
	struct file *file;
	int type, id;                  /* F_OWNER_; id 0: nobody */
	int sig;                       /* 0: SIGIO, without details */
	int fd, on;
};

/* What async_notify names it by. */
static const void *object_of(const struct file *f) { return f->ops == &pipe_ops ? (const void *)f->ip->pipe : f->own; }

int async_can(const struct file *f)
{
	/* A device with something of its own is a terminal, or a box. */
	return f->ops == &pipe_ops || IS(f->ip, S_IFSOCK) || (IS(f->ip, S_IFCHR) && f->own);
}

static struct async *async_of(struct file *f)
{
	if (!f->async && (f->async = fam_alloc(sizeof(*f->async))))
		f->async->file = f;
	return f->async;
}

static void list_leave(struct async *a)
{
	struct async **at = &fs_family()->asyncs;

	while (*at && *at != a)
		at = &(*at)->next;
	if (*at)
		*at = a->next;
	a->on = 0;
}

int async_set(struct file *f, int fd, int on)
{
	struct async *a = async_of(f);

	if (!a)
		return -ENOMEM;
	if (on && !a->on) {
		a->next = fs_family()->asyncs;
		fs_family()->asyncs = a;
		a->on = 1;
		a->fd = fd;
	} else if (!on && a->on) {
		list_leave(a);
	}
	f->flags = on ? f->flags | FASYNC : f->flags & ~(unsigned)FASYNC;
	return 0;
}

void file_gone(struct file *f)
{
	watches_drop(f);
	if (!f->async)
		return;
	lease_drop(f);
	if (f->async->on)
		list_leave(f->async);
	fam_free(f->async);
	f->async = NULL;
}

static void owner_signal(const struct async *a, int band)
{
	const int bands[] = {
		[POLL_IN] = POLLIN | POLLRDNORM, [POLL_OUT] = POLLOUT | POLLWRNORM | POLLWRBAND,
		[POLL_HUP] = POLLHUP | POLLERR, [POLL_MSG] = POLLIN | POLLRDNORM | POLLMSG
	};
	struct signal_cause cause = { .code = SI_KERNEL };
	int sig = a->sig ? a->sig : SIGIO;

	if (a->sig)
		cause = (struct signal_cause){ .code = band, .status = a->fd, .addr = (uint64_t)bands[band] };
	if (a->type == F_OWNER_TID) {
		(void)signal_send_thread(thread_by_tid(a->id), sig, &cause);
		return;
	}
	for (struct task *t = task_first(); t; t = task_next(t))
		if ((a->type == F_OWNER_PID ? t->pid : t->pgrp) == a->id && !t->is_init)
			(void)signal_send_info(t, sig, &cause);
}

int async_own(struct file *f, int fd)
{
	struct async *a = async_of(f);

	if (!a)
		return -ENOMEM;
	a->fd = fd;
	if (!a->id) {
		a->type = F_OWNER_PID;
		a->id = current_pid();
	}
	return 0;
}

void async_event(struct file *f, int band)
{
	if (f->async->id)
		owner_signal(f->async, band);
}

void async_disown(struct file *f) { f->async->id = f->async->sig = 0; }

void async_tell(const void *object, int band)
{
	for (const struct async *a = fs_family()->asyncs; a; a = a->next) {
		const struct file *f = a->file;

		if (!a->id || object_of(f) != object || (f->ops == &pipe_ops && !(band == POLL_IN ? file_reads(f) : file_writes(f))))
			continue;
		owner_signal(a, band);
	}
}

static int owner_is(int type, int id)
{
	struct task *t = task_first();

	if (!id)
		return 1;
	if (type != F_OWNER_PGRP)
		return thread_by_tid(id) != NULL;
	while (t && t->pgrp != id)
		t = task_next(t);
	return t != NULL;
}

static long owner_set(struct file *f, int type, int id)
{
	struct async *a;

	if (id < 0)
		return -EINVAL;
	if (!owner_is(type, id))
		return -ESRCH;
	a = async_of(f);
	if (!a)
		return -ENOMEM;
	a->type = type;
	a->id = id;
	return 0;
}

long async_fcntl(struct file *f, int command, uint64_t arg)
{
	const struct async *a = f->async;
	int id = a ? a->id : 0, who = (int)arg;
	struct f_owner_ex owner = { a ? a->type : F_OWNER_PID, id };

	switch (command) {
	case F_GETOWN:
		return owner.type == F_OWNER_PGRP ? -id : id;
	case F_SETOWN:
		return who == INT32_MIN ? -EINVAL : owner_set(f, who < 0 ? F_OWNER_PGRP : F_OWNER_PID, who < 0 ? -who : who);
	case F_GETOWN_EX:
		return user_write(arg, &owner, sizeof(owner));
	case F_SETOWN_EX:
		if (user_read(&owner, arg, sizeof(owner)))
			return -EFAULT;
		return owner.type < F_OWNER_TID || owner.type > F_OWNER_PGRP ? -EINVAL : owner_set(f, owner.type, owner.pid);
	case F_GETOWNER_UIDS: /* root has set it */
		return user_write(arg, &(const uint32_t[2]){ 0, 0 }, 2 * sizeof(uint32_t));
	case F_GETSIG:
		return a ? a->sig : 0;
	case F_SETSIG:
		if (arg > SIGNAL_COUNT)
			return -EINVAL;
		if (!async_of(f))
			return -ENOMEM;
		f->async->sig = (int)arg;
		return 0;
	}
	return -EINVAL;
}
