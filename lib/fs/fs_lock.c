/* SPDX-License-Identifier: MIT */
/* Advisory locks: flock (owner: the open file), fcntl (owner: the process's file state) and OFD locks. Kept in a list at the inode. */
#include <linux/fcntl.h>
#include "files.h"

#define CHAIN_MAX 16

enum lock_kind { LOCK_RANGE, LOCK_WHOLE }; /* fcntl's and flock's do not see one another */
struct lock {
	struct lock *next;
	const void *owner;
	uint64_t start, end;   /* end: last byte, inclusive */
	int pid;
	uint8_t kind, exclusive;
};

/* Who waits for a lock by fcntl, so that a circle is seen. */
struct lock_wait { struct lock_wait *next; struct inode *ip; struct lock want; };

/* Those of an owner, or one record. */
void lock_waits_drop(const void *what)
{
	for (struct lock_wait **link = &fs_family()->lock_waits, *w; (w = *link);)
		if (w->want.owner == what || w == what) {
			*link = w->next;
			fam_free(w);
		} else {
			link = &w->next;
		}
}

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

static int conflicts(const struct lock *l, const struct lock *want)
{
	return l->kind == want->kind && l->owner != want->owner && (l->exclusive || want->exclusive) && l->start <= want->end && want->start <= l->end;
}

static struct lock *lock_conflict(struct inode *ip, const struct lock *want)
{
	for (struct lock *l = ip->locks; l; l = l->next)
		if (conflicts(l, want))
			return l;
	return NULL;
}

/* The one that begins first: what F_GETLK tells. */
static struct lock *lock_first(struct inode *ip, const struct lock *want)
{
	struct lock *first = NULL;

	for (struct lock *l = ip->locks; l; l = l->next)
		if (conflicts(l, want) && (!first || l->start <= first->start))
			first = l;
	return first;
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

/* Each of a chain waits for a lock of the next, and the last for one of the first. */
static int is_circle(struct inode *ip, const struct lock *want)
{
	const void *first = want->owner;

	for (int depth = 0; depth < CHAIN_MAX; depth++) {
		const struct lock *held = lock_conflict(ip, want);
		const struct lock_wait *w = held ? fs_family()->lock_waits : NULL;

		if (held && held->owner == first)
			return 1;
		while (w && w->want.owner != held->owner)
			w = w->next;
		if (!w)
			return 0;
		ip = w->ip;
		want = &w->want;
	}
	return 0;
}

/* A circle can only be of processes that wait by fcntl: a flock, and a lock of an open file, may be let go by others. */
static long lock_wait(struct inode *ip, const struct lock *want)
{
	struct lock_wait *w;
	long result;

	if (want->kind != LOCK_RANGE || want->pid < 0)
		return sleep_on(&ip->locks, 0);
	if (is_circle(ip, want))
		return -EDEADLK;
	w = fam_alloc(sizeof *w);
	if (!w)
		return -ENOLCK;
	*w = (struct lock_wait){ fs_family()->lock_waits, ip, *want };
	fs_family()->lock_waits = w;
	result = sleep_on(&ip->locks, 0);
	lock_waits_drop(w);
	return result;
}

static long lock_set(struct inode *ip, const struct lock *want, int unlock, int wait)
{
	struct lock *added = NULL;
	long error;

	while (!unlock && lock_conflict(ip, want)) {
		error = wait ? lock_wait(ip, want) : -EAGAIN;
		if (error)
			return error == -EINTR ? -ERESTARTSYS : error;
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
	other = lock_first(f->ip, &want);
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

/* One line for each lock of a file, as /proc/locks has them: how many. */
size_t locks_text(const struct inode *ip, size_t number, char *to, size_t max, size_t *used)
{
	size_t n = 0;

	for (const struct lock *l = ip->locks; l; l = l->next, n++) {
		int size = fmt(to + *used, max - *used, "%lu: %s  ADVISORY  %s %d 00:%02x:%lu %lu ",
			(unsigned long)(number + n),
			l->kind == LOCK_WHOLE ? "FLOCK" : "POSIX", l->exclusive ? "WRITE" : "READ ", l->pid, 1,
				(unsigned long)ip->ino,
			(unsigned long)l->start);

		*used = min_u64(*used + (size_t)size, max - 1);
		size = l->end >= INT64_MAX ? fmt(to + *used, max - *used, "EOF\n") : fmt(to + *used, max - *used, "%lu\n",
			(unsigned long)l->end);
		*used = min_u64(*used + (size_t)size, max - 1);
	}
	return n;
}
