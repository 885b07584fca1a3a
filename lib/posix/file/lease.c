/* SPDX-License-Identifier: MIT */
/* Leases (fcntl(2), "Leases"): who holds one of a file is told by a signal before another opens or cuts it, and has
 * some seconds to let it go. One to read (F_RDLCK) stands against those who write, one to write (F_WRLCK) against
 * all. */
#include <fs/async.h>
#include <run/run.h>
#include "lease.h"

/* What is asked of its holder: to let it go, to keep one to read only. at: when that happens by itself, ns of clock_ns;
 * 0: never */
enum asked { TO_UNLOCK, TO_DOWNGRADE, ASKED };

struct lease {
	struct lease *next;
	struct file *file;
	int pid, type;
	struct { int is; uint64_t at; } asked[ASKED];
};

static int type_soon(const struct lease *l)
{
	if (l->asked[TO_UNLOCK].is)
		return F_UNLCK;
	return l->asked[TO_DOWNGRADE].is ? F_RDLCK : l->type;
}

static struct lease *lease_of(const struct file *f)
{
	struct lease *l = f->ip->extra ? f->ip->extra->leases : NULL;

	while (l && l->file != f)
		l = l->next;
	return l;
}

static void lease_end(struct lease *l)
{
	struct lease **at = &l->file->ip->extra->leases;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	async_disown(l->file);
	fam_free(l);
}

/* Its holder wants another one, or none; who waits for that looks again. */
static void lease_turn(struct lease *l, int type)
{
	wake_up(&l->file->ip->extra->leases);
	l->type = type;
	if (type == F_RDLCK)
		l->asked[TO_DOWNGRADE].is = 0;
	if (type == F_UNLCK)
		lease_end(l);
}

static void leases_expire(struct inode *ip)
{
	struct lease *next;
	uint64_t now = clock_ns();

	for (struct lease *l = ip->extra->leases; l; l = next) {
		next = l->next;
		if (l->asked[TO_UNLOCK].is && l->asked[TO_UNLOCK].at && l->asked[TO_UNLOCK].at <= now)
			lease_turn(l, F_UNLCK);
		else if (l->asked[TO_DOWNGRADE].is && l->asked[TO_DOWNGRADE].at && l->asked[TO_DOWNGRADE].at <= now)
			lease_turn(l, F_RDLCK);
	}
}

void lease_drop(struct file *f)
{
	struct lease *l = lease_of(f);

	if (l)
		lease_turn(l, F_UNLCK);
}

static struct lease *lease_against(struct inode *ip, int writes)
{
	struct lease *l = ip->extra->leases;

	while (l && !writes && l->type != F_WRLCK)
		l = l->next;
	return l;
}

static int opened(struct inode *ip, unsigned flags)
{
	int writes = (flags & O_ACCMODE) != O_RDONLY, error = 0;
	enum asked what = writes ? TO_UNLOCK : TO_DOWNGRADE;
	int32_t seconds = fs_family()->lease_seconds;
	struct lease *l;

	leases_expire(ip);
	for (l = ip->extra->leases; l; l = l->next) {
		if ((!writes && l->type != F_WRLCK) || l->asked[TO_UNLOCK].is || l->asked[what].is)
			continue;
		l->asked[what].is = 1;
		l->asked[what].at = seconds > 0 ? clock_after((uint64_t)seconds * 1000000000u) : 0;
		async_event(l->file, POLL_MSG);
	}
	if (flags & O_NONBLOCK)
		return lease_against(ip, writes) ? -EWOULDBLOCK : 0;
	ip->writers += writes; /* it counts as open meanwhile, against new leases */
	ip->readers += (uint32_t)!writes;
	while (!error && (l = lease_against(ip, writes))) {
		error = sleep_on(&ip->extra->leases, l->asked[l->asked[what].is ? what : TO_UNLOCK].at);
		error = error == -ETIMEDOUT ? 0 : error;
		leases_expire(ip);
	}
	ip->writers -= writes;
	ip->readers -= (uint32_t)!writes;
	return error == -EINTR ? -ERESTARTSYS : error;
}

/* Nobody else has it open in a way that the lease stands against. */
static int may_have(const struct file *f, int type)
{
	int writes = (f->flags & O_ACCMODE) != O_RDONLY;

	if (type == F_RDLCK)
		return f->ip->writers <= 0;
	return f->ip->writers == writes && f->ip->readers == (uint32_t)!writes;
}

static long lease_set(struct file *f, int fd, int type)
{
	struct inode *ip = f->ip;
	struct lease *l, *mine = NULL;

	if (!may_have(f, type))
		return -EAGAIN;
	for (l = ip->extra ? ip->extra->leases : NULL; l; l = l->next)
		if (l->file == f)
			mine = l;
		else if (type == F_WRLCK || l->asked[TO_UNLOCK].is)
			return -EAGAIN;
	if (mine) {
		lease_turn(mine, type);
		return 0;
	}
	if (!fs_family()->leases)
		return -EINVAL;
	l = inode_extra(ip) ? fam_alloc(sizeof *l) : NULL;
	if (!l)
		return -ENOMEM;
	if (async_own(f, fd)) {
		fam_free(l);
		return -ENOMEM;
	}
	*l = (struct lease){ .next = ip->extra->leases, .file = f, .pid = current_pid(), .type = type };
	ip->extra->leases = l;
	ip->extra->leases_break = opened;
	return 0;
}

long lease_fcntl(struct file *f, int fd, int command, uint64_t arg)
{
	struct lease *l;

	if (f->ip->extra)
		leases_expire(f->ip);
	l = lease_of(f);
	if (command == F_GETLEASE)
		return l ? type_soon(l) : F_UNLCK;
	if ((int)arg != F_UNLCK && (int)arg != F_RDLCK && (int)arg != F_WRLCK)
		return -EINVAL;
	if ((int)arg == F_UNLCK) {
		if (l)
			lease_turn(l, F_UNLCK);
		return l ? 0 : -EAGAIN;
	}
	return IS(f->ip, S_IFREG) ? lease_set(f, fd, (int)arg) : -EINVAL;
}

size_t leases_text(const struct inode *ip, size_t number, char *to, size_t max, size_t *used)
{
	static const char types[][6] = { [F_RDLCK] = "READ", [F_WRLCK] = "WRITE", [F_UNLCK] = "UNLCK" };
	size_t n = 0;

	for (const struct lease *l = ip->extra->leases; l; l = l->next, n++) {
		int size = fmt(to + *used, max - *used, "%lu: LEASE  %s  %s %d 00:01:%lu 0 EOF\n",
			(unsigned long)(number + n), type_soon(l) == l->type ? "ACTIVE  " : "BREAKING", types[type_soon(l)],
			l->pid, (unsigned long)ip->ino);

		*used = min_u64(*used + (size_t)size, max - 1);
	}
	return n;
}
