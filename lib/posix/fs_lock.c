/* SPDX-License-Identifier: MIT */
/* Advisory locks: flock (owner: the open file), fcntl (owner: the process's file state) and OFD locks. Kept in a list at the inode. */
#include <linux/fcntl.h>
#include "files.h"

enum lock_kind { LOCK_RANGE, LOCK_WHOLE }; /* fcntl's and flock's do not see one another */
struct lock {
	struct lock *next;
	const void *owner;
	uint64_t start, end;   /* end: last byte, inclusive */
	int pid;
	uint8_t kind, exclusive;
};

void locks_release(struct inode *ip, const void *owner)
{
	struct lock **link = &ip->locks;
	int freed = 0;

	while (*link) {
		struct lock *l = *link;

		if (owner && l->owner != owner) {
			link = &l->next;
			continue;
		}
		*link = l->next;
		fam_free(l);
		freed = 1;
	}
	if (freed)
		wake_up(&ip->locks);
}

static struct lock *lock_conflict(struct inode *ip, const struct lock *want)
{
	for (struct lock *l = ip->locks; l; l = l->next)
		if (l->kind == want->kind && l->owner != want->owner && (l->exclusive || want->exclusive) && l->start <= want->end && want->start <= l->end)
			return l;
	return NULL;
}

static struct lock *lock_add(struct inode *ip, const struct lock *like)
{
	struct lock *l = fam_alloc(sizeof(*l));

	if (!l)
		return NULL;
	*l = *like;
	l->next = ip->locks;
	ip->locks = l;
	return l;
}

/* Takes [start, end] of the owner's locks away; at most one lock is split. */
static int lock_clear(struct inode *ip, const struct lock *range)
{
	struct lock **link = &ip->locks;

	while (*link) {
		struct lock *l = *link;

		if (l->kind != range->kind || l->owner != range->owner || l->end < range->start || range->end < l->start) {
			link = &l->next;
			continue;
		}
		if (l->start < range->start && l->end > range->end) {
			struct lock tail = *l;

			tail.start = range->end + 1;
			if (!lock_add(ip, &tail))
				return -ENOLCK;
			l->end = range->start - 1;
			return 0;
		}
		if (l->start < range->start) {
			l->end = range->start - 1;
			link = &l->next;
		} else if (l->end > range->end) {
			l->start = range->end + 1;
			link = &l->next;
		} else {
			*link = l->next;
			fam_free(l);
		}
	}
	return 0;
}

static long lock_set(struct inode *ip, const struct lock *want, int unlock, int wait)
{
	struct lock *added = NULL;
	int error;

	while (!unlock && lock_conflict(ip, want)) {
		if (!wait)
			return -EAGAIN;
		if (sleep_on(&ip->locks, 0) == -EINTR)
			return -ERESTARTSYS;
	}
	error = lock_clear(ip, want);
	if (!error && !unlock && !(added = lock_add(ip, want)))
		error = -ENOLCK;
	wake_up(&ip->locks);
	return error;
}

static int range_of(const struct file *f, const struct flock *fl, struct lock *l)
{
	int64_t base = fl->l_whence == 0 ? 0 : fl->l_whence == 1 ? (int64_t)f->pos : fl->l_whence == 2 ? (int64_t)f->ip->size : -1;
	int64_t start = base + fl->l_start;

	if (base < 0 || start < 0 || (fl->l_len < 0 && start + fl->l_len < 0))
		return -EINVAL;
	l->start = (uint64_t)(fl->l_len < 0 ? start + fl->l_len : start);
	l->end = fl->l_len < 0 ? (uint64_t)start - 1 : fl->l_len == 0 ? INT64_MAX : (uint64_t)(start + fl->l_len) - 1;
	return 0;
}

long lock_fcntl(struct file *f, int command, uint64_t arg)
{
	int ofd = command >= F_OFD_GETLK, get = command == F_GETLK || command == F_OFD_GETLK;
	struct lock want = { .kind = LOCK_RANGE, .owner = ofd ? (void *)f : (void *)current_files(), .pid = ofd ? -1 : current_pid() }, *other;
	unsigned mode = f->flags & O_ACCMODE;
	struct flock fl;
	int error = user_read(&fl, arg, sizeof(fl));

	if (!error)
		error = range_of(f, &fl, &want);
	if (!error && fl.l_type != F_RDLCK && fl.l_type != F_WRLCK && fl.l_type != F_UNLCK)
		error = -EINVAL;
	if (error)
		return error;
	want.exclusive = fl.l_type == F_WRLCK;
	if (!get) {
		if ((fl.l_type == F_WRLCK && mode == O_RDONLY) || (fl.l_type == F_RDLCK && mode == O_WRONLY))
			return -EBADF;
		return lock_set(f->ip, &want, fl.l_type == F_UNLCK, command == F_SETLKW || command == F_OFD_SETLKW);
	}
	other = lock_conflict(f->ip, &want);
	if (other) {
		fl.l_type = other->exclusive ? F_WRLCK : F_RDLCK;
		fl.l_whence = 0;
		fl.l_start = (long)other->start;
		fl.l_len = other->end == INT64_MAX ? 0 : (long)(other->end - other->start + 1);
		fl.l_pid = other->pid;
	} else {
		fl.l_type = F_UNLCK;
	}
	return user_write(arg, &fl, sizeof(fl));
}

CALL2(flock, fd, operation)
{
	int what = (int)operation & ~LOCK_NB;
	struct file *f = fd_file((int)fd);
	struct lock want = { .kind = LOCK_WHOLE, .owner = f, .end = INT64_MAX, .exclusive = what == LOCK_EX, .pid = current_pid() };
	long result;

	if (!f)
		return -EBADF;
	if (what != LOCK_SH && what != LOCK_EX && what != LOCK_UN)
		result = -EINVAL;
	else
		result = lock_set(f->ip, &want, what == LOCK_UN, !(operation & LOCK_NB));
	file_put(f);
	return result;
}
