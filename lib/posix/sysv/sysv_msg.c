/* SPDX-License-Identifier: MIT */
/* Message queues: msgget(2), msgop(2), msgctl(2). */
#include <asm/msgbuf.h>
#include <posix/file/proc.h>
#include "sysv.h"

#define MSGMAX 8192   /* bytes of a message */
#define MSGMNB 16384  /* bytes of a queue, when it is new */
#define MSG_NOERROR 010000
#define MSG_EXCEPT  020000
#define MSG_COPY    040000
enum { MSG_STAT = 11, MSG_INFO, MSG_STAT_ANY };

struct msginfo { int pool, map, most, queue_bytes, queues, segment, messages; uint16_t segments; };

struct message {
	struct message *next;
	int64_t type;
	size_t size;
	char text[];
};

struct queue {
	struct ipc ipc;
	struct message *first, **end;
	uint64_t bytes, most, count;
	long stime, rtime, ctime;
	int sender, receiver;
};

/* proc(5): /proc/sysvipc. */
void text_sysvipc_msg(struct text *t, const struct proc_node *of)
{
	(void)of;
	say(t,
		"       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime "
		"     ctime\n");
	for (unsigned i = 0; i < IPC_OBJECTS; i++) {
		const struct queue *q = ipc_at(IPC_MSG, i);
		const struct ipc64_perm *p = q ? &q->ipc.perm : 0;

		if (q)
			say(t, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10lu %10lu %10lu\n", p->key, q->ipc.id,
				p->mode, q->bytes, q->count,
				(unsigned)q->sender, (unsigned)q->receiver, p->uid, p->gid, p->cuid, p->cgid, (unsigned long)q->stime,
				(unsigned long)q->rtime, (unsigned long)q->ctime);
	}
}

CALL2(msgget, key, flags)
{
	int id;
	struct queue *q = ipc_by_key(IPC_MSG, key, flags, &id);

	if (id)
		return id;
	if (q)
		return q->ipc.id;
	q = fam_alloc(sizeof *q);
	if (!q)
		return -ENOMEM;
	q->end = &q->first;
	q->most = MSGMNB;
	q->ctime = ipc_now();
	id = ipc_add(IPC_MSG, &q->ipc, key, flags);
	if (id < 0)
		fam_free(q);
	return id;
}

static struct message *message_new(size_t size) { return fam_content(PAGE_UP(sizeof(struct message) + size) / PAGE); }
static void message_free(struct message *m) { fam_pages_free(m, PAGE_UP(sizeof *m + m->size) / PAGE); }

/* Sleeps until the queue has changed: 0, -EINTR, -EIDRM. */
static int queue_wait(uint64_t id, struct queue *q)
{
	int e = sleep_on(q, 0), gone;

	return ipc_find(IPC_MSG, id, &gone) ? e : -EIDRM;
}

CALL4(msgsnd, id, from, size, flags)
{
	struct message *m;
	struct queue *q;
	int64_t type;
	int e;

	if (user_read(&type, from, sizeof type))
		return -EFAULT;
	if (size > MSGMAX || (int)id < 0 || type < 1)
		return -EINVAL;
	m = message_new(size);
	if (!m)
		return -ENOMEM;
	m->type = type;
	m->size = size;
	q = ipc_find(IPC_MSG, id, &e);
	if (user_read(m->text, from + sizeof type, size))
		e = -EFAULT;
	while (!e && (q->bytes + size > q->most || q->count + 1 > q->most))
		e = flags & IPC_NOWAIT ? -EAGAIN : queue_wait(id, q);
	if (e) {
		message_free(m);
		return e;
	}
	*q->end = m;
	q->end = &m->next;
	q->bytes += size;
	q->count++;
	q->stime = ipc_now();
	q->sender = P->task->pid;
	wake_up(q);
	return 0;
}

/* The link to the message that is asked for: of any type (0), of this one, of any other one, or the first of the lowest up to -type. */
static struct message **message_choose(struct queue *q, int64_t type, uint64_t flags)
{
	struct message **best = 0;

	for (struct message **at = &q->first; *at; at = &(*at)->next) {
		if (type >= 0 && (!type || ((*at)->type == type) == !(flags & MSG_EXCEPT)))
			return at;
		if (type < 0 && (*at)->type <= (type == INT64_MIN ? INT64_MAX : -type) && (!best || (*at)->type < (*best)->type))
			best = at;
	}
	return best;
}

static long message_give(struct queue *q, struct message **link, uint64_t to, uint64_t most)
{
	struct message *m = *link;
	size_t n = m->size < most ? m->size : most;

	*link = m->next;
	if (q->end == &m->next)
		q->end = link;
	q->bytes -= m->size;
	q->count--;
	q->rtime = ipc_now();
	q->receiver = P->task->pid;
	wake_up(q);
	/* A bad address loses the message, as on Linux. */
	if (user_write(to, &m->type, sizeof m->type) || user_write(to + sizeof m->type, m->text, n))
		n = (size_t)-EFAULT;
	message_free(m);
	return (long)n;
}

CALL5(msgrcv, id, to, most, type, flags)
{
	struct message **link;
	struct queue *q;
	int e;

	if (flags & MSG_COPY)
		return -ENOSYS;
	if ((int)id < 0 || (int64_t)most < 0)
		return -EINVAL;
	q = ipc_find(IPC_MSG, id, &e);
	while (!e && !(link = message_choose(q, (int64_t)type, flags)))
		e = flags & IPC_NOWAIT ? -ENOMSG : queue_wait(id, q);
	if (e)
		return e;
	if ((*link)->size > most && !(flags & MSG_NOERROR))
		return -E2BIG;
	return message_give(q, link, to, most);
}

static long stat_write(const struct queue *q, uint64_t to)
{
	const struct msqid64_ds d = { .msg_perm = q->ipc.perm, .msg_stime = q->stime, .msg_rtime = q->rtime, .msg_ctime = q->ctime, .msg_cbytes = q->bytes,
		.msg_qnum = q->count, .msg_qbytes = q->most, .msg_lspid = q->sender, .msg_lrpid = q->receiver };

	return user_write(to, &d, sizeof d);
}

static long limits_write(uint64_t to, int is_usage)
{
	struct msginfo info = { IPC_OBJECTS * MSGMNB / 1024, MSGMNB, MSGMAX, MSGMNB, IPC_OBJECTS, 16, MSGMNB, 0xffff };
	struct queue *q;
	long e;

	if (is_usage) {
		info.pool = ipc_count(IPC_MSG);
		info.map = info.messages = 0;
		for (unsigned i = 0; i < IPC_OBJECTS; i++) {
			q = ipc_at(IPC_MSG, i);
			info.map += q ? (int)q->count : 0;
			info.messages += q ? (int)q->bytes : 0;
		}
	}
	e = user_write(to, &info, sizeof info);
	return e ? e : ipc_last(IPC_MSG);
}

static long queue_change(struct queue *q, uint64_t from)
{
	struct msqid64_ds d;

	if (user_read(&d, from, sizeof d))
		return -EFAULT;
	ipc_change(&q->ipc, &d.msg_perm);
	q->most = d.msg_qbytes;
	q->ctime = ipc_now();
	wake_up(q);
	return 0;
}

static void queue_remove(struct queue *q)
{
	struct message *next;

	ipc_remove(IPC_MSG, &q->ipc);
	wake_up(q);
	for (struct message *m = q->first; m; m = next) {
		next = m->next;
		message_free(m);
	}
	fam_free(q);
}

CALL3(msgctl, id, command, buffer)
{
	struct queue *q;
	int e;

	switch ((int)command) {
	case IPC_INFO:
	case MSG_INFO:
		return limits_write(buffer, (int)command == MSG_INFO);
	case MSG_STAT:
	case MSG_STAT_ANY:
		q = ipc_in_place(IPC_MSG, id);
		return !q ? -EINVAL : stat_write(q, buffer) ? -EFAULT : q->ipc.id;
	}
	q = ipc_find(IPC_MSG, id, &e);
	if (!q)
		return e;
	switch ((int)command) {
	case IPC_STAT:
		return stat_write(q, buffer);
	case IPC_SET:
		return queue_change(q, buffer);
	case IPC_RMID:
		queue_remove(q);
		return 0;
	}
	return -EINVAL;
}
