/* SPDX-License-Identifier: MIT */
/* Semaphore sets: semget(2), semop(2), semctl(2). A list of operations is done as one or not at all; who cannot go on sleeps on the set and tries anew when
 * anything in it has changed. What is to be undone stands in a process's list until its end. */
#include <asm/sembuf.h>
#include <posix/file/proc.h>
#include "sysv.h"

#define SEM_UNDO 0x1000
#define SEMMSL 32000
#define SEMOPM 500
#define SEMVMX 32767
enum { GETPID = 11, GETVAL, GETALL, GETNCNT, GETZCNT, SETVAL, SETALL, SEM_STAT, SEM_INFO, SEM_STAT_ANY };

struct sembuf { uint16_t number; int16_t change, flags; };
struct seminfo { int map, sets, total, undos, per_set, per_call, undos_each, undo_size, most, most_undone; };

struct semaphore {
	int16_t value;
	uint32_t waits, waits_zero; /* threads that sleep for it: to rise, to be zero */
	int last;                   /* pid that changed it */
};

struct sem_set {
	struct ipc ipc;
	uint64_t count;
	long otime, ctime;
	struct semaphore sem[];
};

struct sem_undo {
	struct sem_undo *next;
	int id;
	uint64_t count;
	int16_t change[];
};

/* Of a process, or of several (CLONE_SYSVSEM). */
struct sem_undos { uint32_t users; struct sem_undo *first; };

/* A set may be larger than what the heap gives. */
static size_t set_bytes(uint64_t count) { return sizeof(struct sem_set) + count * sizeof(struct semaphore); }
static void *set_alloc(size_t bytes) { return fam_pages(PAGE_UP(bytes) / PAGE); }
static void set_free(void *p, size_t bytes) { fam_pages_free(p, PAGE_UP(bytes) / PAGE); }
static size_t undo_bytes(uint64_t count) { return sizeof(struct sem_undo) + count * sizeof(int16_t); }

/* proc(5): /proc/sysvipc. */
void text_sysvipc_sem(struct text *t, const struct proc_node *of)
{
	(void)of;
	say(t, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
	for (unsigned i = 0; i < IPC_OBJECTS; i++) {
		const struct sem_set *s = ipc_at(IPC_SEM, i);
		const struct ipc64_perm *p = s ? &s->ipc.perm : 0;

		if (s)
			say(t, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10lu %10lu\n", p->key, s->ipc.id, p->mode, s->count, p->uid,
				p->gid, p->cuid, p->cgid,
				(unsigned long)s->otime, (unsigned long)s->ctime);
	}
}

CALL3(semget, key, count, flags)
{
	struct sem_set *s;
	int e, id;

	if ((int)count < 0 || count > SEMMSL)
		return -EINVAL;
	s = ipc_by_key(IPC_SEM, key, flags, &e);
	if (e)
		return e;
	if (s)
		return count > s->count ? -EINVAL : s->ipc.id;
	if (!count)
		return -EINVAL;
	s = set_alloc(set_bytes(count));
	if (!s)
		return -ENOMEM;
	s->count = count;
	s->ctime = ipc_now();
	id = ipc_add(IPC_SEM, &s->ipc, key, flags);
	if (id < 0)
		set_free(s, set_bytes(count));
	return id;
}

static struct sem_undos *undos_own(void)
{
	struct task *t = P->task;

	if (!t->sem_undo && (t->sem_undo = fam_alloc(sizeof *t->sem_undo)))
		*t->sem_undo = (struct sem_undos){ .users = 1 };
	return t->sem_undo;
}

int sem_undo_share(struct task *child)
{
	child->sem_undo = undos_own();
	if (!child->sem_undo)
		return -ENOMEM;
	child->sem_undo->users++;
	return 0;
}

/* The caller's list entry for a set; made when there is none; NULL: no memory. */
static struct sem_undo *undo_of(const struct sem_set *s)
{
	struct sem_undos *all = undos_own();
	struct sem_undo *u;

	for (u = all ? all->first : 0; u; u = u->next)
		if (u->id == s->ipc.id)
			return u;
	u = all ? set_alloc(undo_bytes(s->count)) : 0;
	if (!u)
		return 0;
	u->id = s->ipc.id;
	u->count = s->count;
	u->next = all->first;
	return all->first = u;
}

static void undo_forget(int id, uint64_t from, uint64_t to)
{
	for (const struct task *t = F->tasks; t; t = t->next)
		for (struct sem_undo *u = t->sem_undo ? t->sem_undo->first : 0; u; u = u->next)
			for (uint64_t i = from; u->id == id && i < to; i++)
				u->change[i] = 0;
}

void sem_undo_all(struct task *t)
{
	struct sem_undos *all = t->sem_undo;
	struct sem_undo *next;

	t->sem_undo = 0;
	if (!all || --all->users)
		return;
	for (struct sem_undo *u = all->first; u; u = next) {
		int e;
		struct sem_set *s = ipc_find(IPC_SEM, (uint64_t)u->id, &e);

		next = u->next;
		if (s) {
			for (uint64_t i = 0; i < u->count; i++) {
				int value = s->sem[i].value + u->change[i];

				if (u->change[i])
					s->sem[i].last = t->pid;
				s->sem[i].value = (int16_t)(value < 0 ? 0 : value > SEMVMX ? SEMVMX : value);
			}
			s->otime = ipc_now();
			wake_up(s);
		}
		set_free(u, undo_bytes(u->count));
	}
	fam_free(all);
}

/* One operation: 0 done, 1 it has to wait, -EAGAIN, -ERANGE. sign -1 takes it back. */
static int apply(struct sem_set *s, const struct sembuf *op, struct sem_undo *u, int sign)
{
	struct semaphore *m = &s->sem[op->number];
	int value = m->value + sign * op->change, undone;

	if (sign > 0) {
		if (value < 0 || (!op->change && value))
			return op->flags & IPC_NOWAIT ? -EAGAIN : 1;
		if (value > SEMVMX)
			return -ERANGE;
	}
	if (op->flags & SEM_UNDO) {
		undone = u->change[op->number] - sign * op->change;
		if (undone < -SEMVMX - 1 || undone > SEMVMX)
			return -ERANGE;
		u->change[op->number] = (int16_t)undone;
	}
	m->value = (int16_t)value;
	return 0;
}

/* All n, or none: then *at is the one that does not go. */
static int apply_all(struct sem_set *s, const struct sembuf *op, uint64_t n, struct sem_undo *u, uint64_t *at)
{
	int r = 0;

	for (*at = 0; *at < n; ++*at) {
		r = apply(s, op + *at, u, 1);
		if (r)
			break;
	}
	for (uint64_t i = *at; r && i-- > 0;)
		(void)apply(s, op + i, u, -1);
	for (uint64_t i = 0; !r && i < n; i++)
		s->sem[op[i].number].last = P->task->pid;
	if (!r)
		s->otime = ipc_now();
	return r;
}

static long operate(uint64_t id, const struct sembuf *op, uint64_t n, uint64_t deadline)
{
	struct sem_undo *u = 0;
	uint64_t at;
	int e, r, alters = 0, undoes = 0, gone;
	struct sem_set *s = ipc_find(IPC_SEM, id, &e);

	if (!s)
		return e;
	for (uint64_t i = 0; i < n; i++) {
		if (op[i].number >= s->count)
			return -EFBIG;
		alters |= op[i].change != 0;
		undoes |= op[i].flags & SEM_UNDO;
	}
	if (undoes && !(u = undo_of(s)))
		return -ENOMEM;
	while ((r = apply_all(s, op, n, u, &at)) > 0) {
		uint32_t *waits = op[at].change ? &s->sem[op[at].number].waits : &s->sem[op[at].number].waits_zero;

		if (e)
			return e == -ETIMEDOUT ? -EAGAIN : e;
		++*waits;
		e = sleep_on(s, deadline);
		if (!ipc_find(IPC_SEM, id, &gone))
			return -EIDRM;
		--*waits;
	}
	if (!r && alters)
		wake_up(s);
	return r;
}

CALL4(semtimedop, id, operations, n, timeout)
{
	struct sembuf few[16], *op = few;
	uint64_t deadline = 0;
	long r;

	if (timeout) {
		r = timespec_read(timeout, &deadline);
		if (r)
			return r;
		deadline = clock_after(deadline);
	}
	if (!n || (int)id < 0)
		return -EINVAL;
	if (n > SEMOPM)
		return -E2BIG;
	if (n > 16)
		op = set_alloc(n * sizeof *op);
	if (!op)
		return -ENOMEM;
	r = user_read(op, operations, n * sizeof *op) ? -EFAULT : operate(id, op, n, deadline);
	if (op != few)
		set_free(op, n * sizeof *op);
	return r;
}

CALL3(semop, id, operations, n)
{
	return sys_semtimedop(id, operations, n, 0, 0, 0);
}

static long stat_write(const struct sem_set *s, uint64_t to)
{
	const struct semid64_ds d = { .sem_perm = s->ipc.perm, .sem_otime = s->otime, .sem_ctime = s->ctime, .sem_nsems = s->count };

	return user_write(to, &d, sizeof d);
}

static long limits_write(uint64_t to, int is_usage)
{
	struct seminfo info = { SEMMSL * IPC_OBJECTS, IPC_OBJECTS, SEMMSL * IPC_OBJECTS, SEMMSL * IPC_OBJECTS, SEMMSL, SEMOPM, SEMOPM, 20, SEMVMX, SEMVMX };
	struct sem_set *s;
	long e;

	if (is_usage) {
		info.undo_size = ipc_count(IPC_SEM);
		info.most_undone = 0;
		for (unsigned i = 0; i < IPC_OBJECTS; i++) {
			s = ipc_at(IPC_SEM, i);
			info.most_undone += s ? (int)s->count : 0;
		}
	}
	e = user_write(to, &info, sizeof info);
	return e ? e : ipc_last(IPC_SEM);
}

/* SETVAL, SETALL: whoever slept may go on; what was to be undone there is forgotten. */
static void values_set(struct sem_set *s, uint64_t first, const uint16_t *values, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		s->sem[first + i].value = (int16_t)values[i];
		s->sem[first + i].last = P->task->pid;
	}
	undo_forget(s->ipc.id, first, first + n);
	s->ctime = ipc_now();
	wake_up(s);
}

static long all_values(struct sem_set *s, int is_get, uint64_t at)
{
	size_t bytes = s->count * sizeof(uint16_t);
	uint16_t *values = set_alloc(bytes);
	long e = 0;

	if (!values)
		return -ENOMEM;
	for (uint64_t i = 0; i < s->count; i++)
		values[i] = (uint16_t)s->sem[i].value;
	if (is_get ? user_write(at, values, bytes) : user_read(values, at, bytes))
		e = -EFAULT;
	for (uint64_t i = 0; !e && i < s->count; i++)
		e = values[i] > SEMVMX ? -ERANGE : 0;
	if (!e && !is_get)
		values_set(s, 0, values, s->count);
	set_free(values, bytes);
	return e;
}

static long one_value(struct sem_set *s, uint64_t number, int command, uint64_t argument)
{
	const struct semaphore *m = &s->sem[number];
	const uint16_t value = (uint16_t)argument;

	if (number >= s->count)
		return -EINVAL;
	switch (command) {
	case GETVAL:  return m->value;
	case GETPID:  return m->last;
	case GETNCNT: return m->waits;
	case GETZCNT: return m->waits_zero;
	}
	if ((int)argument < 0 || (int)argument > SEMVMX)
		return -ERANGE;
	values_set(s, number, &value, 1);
	return 0;
}

static long set_change(struct sem_set *s, uint64_t from)
{
	struct semid64_ds d;

	if (user_read(&d, from, sizeof d))
		return -EFAULT;
	ipc_change(&s->ipc, &d.sem_perm);
	s->ctime = ipc_now();
	return 0;
}

static void set_remove(struct sem_set *s)
{
	ipc_remove(IPC_SEM, &s->ipc);
	wake_up(s);
	set_free(s, set_bytes(s->count));
}

CALL4(semctl, id, number, command, argument)
{
	struct sem_set *s;
	int e;

	switch ((int)command) {
	case IPC_INFO:
	case SEM_INFO:
		return limits_write(argument, (int)command == SEM_INFO);
	case SEM_STAT:
	case SEM_STAT_ANY:
		s = ipc_in_place(IPC_SEM, id);
		return !s ? -EINVAL : stat_write(s, argument) ? -EFAULT : s->ipc.id;
	}
	s = ipc_find(IPC_SEM, id, &e);
	if (!s)
		return e;
	switch ((int)command) {
	case IPC_STAT:
		return stat_write(s, argument);
	case IPC_SET:
		return set_change(s, argument);
	case IPC_RMID:
		set_remove(s);
		return 0;
	case GETALL:
	case SETALL:
		return all_values(s, (int)command == GETALL, argument);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
	case SETVAL:
		return one_value(s, number, (int)command, argument);
	}
	return -EINVAL;
}
