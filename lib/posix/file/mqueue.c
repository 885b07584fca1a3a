/* SPDX-License-Identifier: MIT */
/* POSIX message queues: mq_open(2) and its kin, mq_overview(7). A queue is an inode that no path leads to; it has a
 * name in a list of the family's, and lives as long as that or a descriptor. */
#include <asm/poll.h>
#include <asm/siginfo.h>
#include <linux/mqueue.h>
#include <linux/resource.h>
#include <fs/files.h>
#include <posix/signal/signals.h>

#define QUEUE_MESSAGES   10         /* where mq_open is not told: */
#define QUEUE_SIZE       8192
#define MESSAGES_MAX     65536      /* that root may ask for: HARD_MSGMAX, HARD_MSGSIZEMAX of Linux */
#define SIZE_MAX_ROOT    (16l << 20)
#define NODE_SIZE        48         /* what Linux counts for a message, and once more for a priority */
#define FILE_SIZE        80         /* st_size of a queue */

struct message { struct message *next; size_t size; uint32_t priority; char text[]; };

/* The start of struct sigevent. */
struct notice { uint64_t value; int32_t sig, how; uint64_t rest[6]; };
_Static_assert(sizeof(struct notice) == 64, "sigevent");

struct mqueue {
	struct mqueue *next;            /* of those with a name */
	struct inode *ip;               /* held */
	struct message *first;          /* by priority, then as they came */
	struct mq_attr attr;
	struct wait_list waits;
	uint64_t charge, bytes, changes; /* charge: against RLIMIT_MSGQUEUE; bytes: of all messages */
	uint32_t refs, receivers;       /* receivers: asleep */
	int notified;                   /* the process that is to be told of the next message, or 0 */
	const struct file_state *owner; /* its descriptors: when one of the queue is closed, it is not told any more */
	struct notice notice;
	char name[NAME_MAX + 1];
};

static struct message *message_new(size_t size) { return fam_content(PAGE_UP(sizeof(struct message) + size) / PAGE); }
static void message_free(struct message *m) { fam_pages_free(m, PAGE_UP(sizeof(*m) + m->size) / PAGE); }

static void queue_put(struct mqueue *q)
{
	if (--q->refs)
		return;
	for (struct message *m = q->first, *next; m; m = next) {
		next = m->next;
		message_free(m);
		family_progress();
	}
	waiters_end(&q->waits);
	fs_family()->mqueue_bytes -= q->charge;
	inode_put(q->ip);
	fam_free(q);
}

static void queue_changed(struct mqueue *q)
{
	q->changes++;
	wake_up(q);
	waiters_tell(&q->waits, WAIT_ANY);
}

/* ---- as a file */
static long mqueue_read(struct file *f, struct io *io, uint64_t at)
{
	const struct mqueue *q = f->own;
	char text[FILE_SIZE];
	int how = q->notified ? q->notice.how : 0, sig = q->notified && how == SIGEV_SIGNAL ? q->notice.sig : 0;
	long n = fmt(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", (unsigned long)q->bytes,
		how, sig, q->notified);

	if (at >= (uint64_t)n)
		return 0;
	n = (long)min_u64(io->total, (uint64_t)n - at);
	return io_put(io, text + at, (size_t)n) < 0 ? -EFAULT : n;
}

static int mqueue_poll(struct file *f)
{
	const struct mqueue *q = f->own;

	return (q->attr.mq_curmsgs ? POLLIN | POLLRDNORM : 0) |
		(q->attr.mq_curmsgs < q->attr.mq_maxmsg ? POLLOUT | POLLWRNORM : 0);
}

static struct wait_list *mqueue_waits(struct file *f) { return &((struct mqueue *)f->own)->waits; }
static uint64_t mqueue_events(struct file *f) { return ((struct mqueue *)f->own)->changes; }

/* Any descriptor of the queue, not only the one that it was asked by, and not only its last. */
static void mqueue_closed(struct file *f, const struct file_state *by)
{
	struct mqueue *q = f->own;

	if (q->owner == by)
		q->notified = 0;
}

static void mqueue_release(struct file *f) { queue_put(f->own); }

static const struct file_ops mqueue_ops = { .read = mqueue_read, .poll = mqueue_poll, .waits = mqueue_waits,
	.events = mqueue_events, .release = mqueue_release, .closed = mqueue_closed, .seek = SEEK_FILE };

/* The queue of a descriptor, reference held by *f; NULL: it is none. */
static struct mqueue *queue_of(uint64_t fd, struct file **f)
{
	*f = fd_file((int)fd);
	if (*f && (*f)->ops == &mqueue_ops)
		return (*f)->own;
	if (*f)
		file_put(*f);
	return NULL;
}

/* ---- names */
static int name_read(uint64_t from, char name[PATH_MAX])
{
	long n = user_str(name, from, PATH_MAX);

	if (n <= 0)
		return n ? (int)n : -ENOENT;
	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EACCES;
	return n > NAME_MAX ? -ENAMETOOLONG : 0;
}

static struct mqueue **queue_named(const char *name)
{
	struct mqueue **at = &fs_family()->mqueues;

	while (*at && strcmp((*at)->name, name))
		at = &(*at)->next;
	return at;
}

/* *at: what points to it in the list. */
static void queue_unname(struct mqueue **at)
{
	struct mqueue *q = *at;

	*at = q->next;
	q->ip->nlink = 0;
	queue_put(q);
}

static int queue_make(const char *name, const struct mq_attr *attr, uint32_t mode, struct mqueue **out)
{
	uint64_t most = (uint64_t)attr->mq_maxmsg, charge;
	struct mqueue *q;

	if (attr->mq_maxmsg <= 0 || attr->mq_msgsize <= 0 || attr->mq_maxmsg > MESSAGES_MAX ||
		attr->mq_msgsize > SIZE_MAX_ROOT)
		return -EINVAL;
	charge = most * NODE_SIZE + min_u64(most, MQ_PRIO_MAX) * NODE_SIZE + most * (uint64_t)attr->mq_msgsize;
	if (fs_family()->mqueue_bytes + charge > current_limit(RLIMIT_MSGQUEUE))
		return -EMFILE;
	if (!(q = fam_alloc(sizeof(*q))))
		return -ENOMEM;
	if (!(q->ip = inode_new(mode & 0777 & ~current_places()->umask))) {
		fam_free(q);
		return -ENOMEM;
	}
	q->ip->kind = KIND_ANON;
	q->ip->what = "[mqueue]";
	q->ip->size = FILE_SIZE;
	q->attr.mq_maxmsg = attr->mq_maxmsg;
	q->attr.mq_msgsize = attr->mq_msgsize;
	q->charge = charge;
	fs_family()->mqueue_bytes += charge;
	memcpy(q->name, name, strlen(name) + 1);
	q->refs = 1;
	q->next = fs_family()->mqueues;
	*out = fs_family()->mqueues = q;
	return 0;
}

CALL4(mq_open, name_at, flags, mode, attr_at)
{
	struct mq_attr attr = { .mq_maxmsg = QUEUE_MESSAGES, .mq_msgsize = QUEUE_SIZE };
	char name[PATH_MAX];
	struct mqueue *q;
	struct file *f;
	int is_new, error = attr_at && user_read(&attr, attr_at, sizeof(attr)) ? -EFAULT : name_read(name_at, name);

	if (!error)
		error = fd_free(current_files(), 0);
	if (error < 0)
		return error;
	q = *queue_named(name);
	if (!q && !(flags & O_CREAT))
		return -ENOENT;
	if (q && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	is_new = !q;
	error = is_new ? queue_make(name, &attr, (uint32_t)mode, &q) : 0;
	if (error)
		return error;
	f = file_new(q->ip, &mqueue_ops, (unsigned)flags & (O_ACCMODE | O_NONBLOCK));
	if (!f) {
		if (is_new)
			queue_unname(queue_named(name));
		return -ENOMEM;
	}
	f->own = q;
	q->refs++;
	return fd_new(current_files(), f, 0, 1);
}

CALL1(mq_unlink, name_at)
{
	struct mqueue **at;
	char name[PATH_MAX];
	int error = name_read(name_at, name);

	if (error)
		return error;
	at = queue_named(name);
	if (!*at)
		return -ENOENT;
	queue_unname(at);
	return 0;
}

CALL3(mq_getsetattr, fd, new_at, old_at)
{
	struct mq_attr attr, new;
	struct mqueue *q;
	struct file *f;

	if (new_at && user_read(&new, new_at, sizeof(new)))
		return -EFAULT;
	if (new_at && new.mq_flags & ~(long)O_NONBLOCK)
		return -EINVAL;
	if (!(q = queue_of(fd, &f)))
		return -EBADF;
	attr = q->attr;
	attr.mq_flags = f->flags & O_NONBLOCK;
	if (new_at)
		f->flags = (f->flags & ~(unsigned)O_NONBLOCK) | (unsigned)new.mq_flags;
	file_put(f);
	return old_at && user_write(old_at, &attr, sizeof(attr)) ? -EFAULT : 0;
}

/* ---- messages */
static int time_read(uint64_t from, uint64_t *deadline)
{
	uint64_t ns;
	int error = from ? timespec_read(from, &ns) : 0;

	*deadline = from && !error ? SLEEP_WALL | ns : 0;
	return error;
}

static int queue_wait(const struct file *f, struct mqueue *q, uint64_t deadline)
{
	int error = f->flags & O_NONBLOCK ? -EAGAIN : sleep_on(q, deadline);

	return error == -EINTR ? -ERESTARTSYS : error;
}

/* Who asked for it learns, once, that a message came to the empty queue for which nobody waits. */
static void queue_tell(struct mqueue *q)
{
	const struct signal_cause cause = { .code = SI_MESGQ, .pid = current_pid(), .value = q->notice.value };
	struct task *t = q->notified ? task_by_pid(q->notified) : NULL;

	if (!q->notified || q->receivers || q->attr.mq_curmsgs != 1)
		return;
	q->notified = 0;
	if (t && q->notice.how == SIGEV_SIGNAL && q->notice.sig)
		(void)signal_send_info(t, q->notice.sig, &cause);
}

static long message_send(const struct file *f, struct mqueue *q, struct message *m, uint64_t deadline)
{
	struct message **at;
	int error = 0;

	while (q->attr.mq_curmsgs >= q->attr.mq_maxmsg) {
		if (error)
			return error;
		error = queue_wait(f, q, deadline);
	}
	for (at = &q->first; *at && (*at)->priority >= m->priority;)
		at = &(*at)->next;
	m->next = *at;
	*at = m;
	q->attr.mq_curmsgs++;
	q->bytes += m->size;
	queue_tell(q);
	queue_changed(q);
	return 0;
}

CALL5(mq_timedsend, fd, from, size, priority, until)
{
	struct message *m = NULL;
	uint64_t deadline;
	struct mqueue *q;
	struct file *f;
	long result = time_read(until, &deadline);

	if (result || (uint32_t)priority >= MQ_PRIO_MAX)
		return result ? result : -EINVAL;
	if (!(q = queue_of(fd, &f)))
		return -EBADF;
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		result = -EBADF;
	else if (size > (uint64_t)q->attr.mq_msgsize)
		result = -EMSGSIZE;
	else if (!(m = message_new(size)))
		result = -ENOMEM;
	if (m) {
		m->size = size;
		m->priority = (uint32_t)priority;
		result = user_read(m->text, from, size) ? -EFAULT : message_send(f, q, m, deadline);
		if (result)
			message_free(m);
	}
	file_put(f);
	return result;
}

static long message_receive(const struct file *f, struct mqueue *q, uint64_t to, uint64_t priority_at,
	uint64_t deadline)
{
	struct message *m;
	int error = 0;
	long size;

	while (!(m = q->first)) {
		if (error)
			return error;
		q->receivers++;
		error = queue_wait(f, q, deadline);
		q->receivers--;
	}
	q->first = m->next;
	q->attr.mq_curmsgs--;
	q->bytes -= m->size;
	queue_changed(q);
	/* A bad address loses the message, as on Linux. */
	size = (long)m->size;
	if (priority_at && user_write(priority_at, &m->priority, sizeof(m->priority)))
		size = -EFAULT;
	else if (user_write(to, m->text, m->size))
		size = -EFAULT;
	message_free(m);
	return size;
}

CALL5(mq_timedreceive, fd, to, size, priority_at, until)
{
	uint64_t deadline;
	struct mqueue *q;
	struct file *f;
	long result = time_read(until, &deadline);

	if (result)
		return result;
	if (!(q = queue_of(fd, &f)))
		return -EBADF;
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		result = -EBADF;
	else if (size < (uint64_t)q->attr.mq_msgsize)
		result = -EMSGSIZE;
	else
		result = message_receive(f, q, to, priority_at, deadline);
	file_put(f);
	return result;
}

/* SIGEV_THREAD is C libraries' own, over a socket of AF_NETLINK, which is not there. */
CALL2(mq_notify, fd, notice_at)
{
	struct notice notice = { 0 };
	struct mqueue *q;
	struct file *f;
	long result = 0;

	if (notice_at && user_read(&notice, notice_at, sizeof(notice)))
		return -EFAULT;
	if (notice_at && notice.how != SIGEV_NONE && (notice.how != SIGEV_SIGNAL || notice.sig < 0 ||
		notice.sig > SIGNAL_COUNT))
		return -EINVAL;
	if (!(q = queue_of(fd, &f)))
		return -EBADF;
	if (q->notified && !task_by_pid(q->notified))
		q->notified = 0;
	if (!notice_at) {
		q->notified = q->notified == current_pid() ? 0 : q->notified;
	} else if (q->notified) {
		result = -EBUSY;
	} else {
		q->notified = current_pid();
		q->owner = current_files();
		q->notice = notice;
	}
	file_put(f);
	return result;
}
