/* SPDX-License-Identifier: MIT */
/* Bytes, records, descriptors and credentials through AF_UNIX sockets. */
#include <asm/signal.h>
#include "socket.h"
#include "task.h"

#define MSG_OOB          0x1u
#define MSG_PEEK         0x2u
#define MSG_CTRUNC       0x8u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_WAITALL      0x100u
#define MSG_NOSIGNAL     0x4000u
#define MSG_CMSG_CLOEXEC 0x40000000u
#define SOL_SOCKET       1
#define SCM_RIGHTS       1
#define SCM_CREDENTIALS  2
#define STRETCH          32000u  /* bytes of a stream that are kept together */

struct header { uint64_t name; uint32_t name_size, pad; uint64_t vector, count, control, control_size; uint32_t flags, pad2; };
struct control { uint64_t size; int32_t level, type; };
struct credentials { int32_t pid; uint32_t uid, gid; };

/* What goes beside the bytes. */
struct beside { struct file **files; uint32_t count; };

static void beside_drop(struct beside *b)
{
	for (uint32_t i = 0; i < b->count; i++)
		file_put(b->files[i]);
	fam_free(b->files);
	b->files = NULL;
	b->count = 0;
}

static int files_take(struct beside *b, uint64_t at, size_t n)
{
	int fd;

	if (b->count + n > FILES_MAX)
		return -EINVAL;
	if (!b->files && !(b->files = fam_alloc(FILES_MAX * sizeof(*b->files))))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (user_read(&fd, at + i * sizeof(fd), sizeof(fd)) < 0)
			return -EFAULT;
		b->files[b->count] = fd_any(fd);
		if (!b->files[b->count])
			return -EBADF;
		b->count++;
	}
	return 0;
}

static int control_read(struct beside *b, uint64_t at, uint64_t size)
{
	int error = 0;

	while (!error && size >= sizeof(struct control)) {
		struct control c;
		uint64_t step;

		if (user_read(&c, at, sizeof(c)) < 0)
			return -EFAULT;
		if (c.size < sizeof(c) || c.size > size)
			return -EINVAL;
		if (c.level == SOL_SOCKET && c.type == SCM_RIGHTS)
			error = files_take(b, at + sizeof(c), (c.size - sizeof(c)) / sizeof(int));
		else if (c.level == SOL_SOCKET && c.type != SCM_CREDENTIALS)
			error = -EINVAL;
		step = min_u64((c.size + 7) & ~7ul, size);
		at += step;
		size -= step;
	}
	return error;
}

static struct message *message_make(struct socket *s, struct io *io, size_t n, int *error)
{
	struct message *m = fam_alloc(sizeof(*m) + n);

	*error = -ENOBUFS;
	if (!m)
		return NULL;
	*error = io_get(io, m->data, n);
	if (*error) {
		fam_free(m);
		return NULL;
	}
	m->size = n;
	m->pid = current_pid();
	m->from = s->name;
	return m;
}

static void message_queue(struct socket *to, struct message *m)
{
	*(to->first ? &to->last->next : &to->first) = m;
	to->last = m;
	to->queued += m->size;
	socket_wake(to);
}

static int send_fails(struct socket *s, const struct socket *to)
{
	int error = s->error;

	if (error) {
		s->error = 0;
		return -error;
	}
	if (s->type == SOCK_DGRAM)
		return !to ? -ENOTCONN : to->closed ? -ECONNREFUSED : to->shut & SHUT_READ || s->shut & SHUT_WRITE ? -EPIPE : 0;
	if (s->listens || (!to && !s->peer_pid))
		return -ENOTCONN;
	return !to || to->closed || s->shut & SHUT_WRITE || to->shut & SHUT_READ ? -EPIPE : 0;
}

/* to: another receiver than the peer, or NULL. b goes along with the first message. */
static long do_send(struct socket *s, struct socket *other, struct io *io, struct beside *b, int file_flags, unsigned flags)
{
	int dontwait = file_flags & O_NONBLOCK || flags & MSG_DONTWAIT;
	uint64_t deadline = s->send_ns ? clock_ns() + s->send_ns : 0;
	long done = 0;
	int error = 0;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (s->type != SOCK_STREAM && io->total > SOCKET_ROOM)
		return -EMSGSIZE;
	do {
		struct socket *to = other ? other : s->peer;
		struct message *m;
		size_t n;

		error = send_fails(s, to);
		if (error)
			break;
		if (to->queued >= SOCKET_ROOM) {
			error = socket_waits(to, to, deadline, dontwait);
			if (error)
				break;
			continue;
		}
		n = s->type == SOCK_STREAM ? min_u64(min_u64(io->total, STRETCH), SOCKET_ROOM - to->queued) : io->total;
		if (!n && s->type == SOCK_STREAM)
			break;
		m = message_make(s, io, n, &error);
		if (!m)
			break;
		if (b && b->count) {
			m->files = b->files;
			m->file_count = b->count;
			b->files = NULL;
			b->count = 0;
		}
		message_queue(to, m);
		done += (long)n;
	} while (io->total);
	return done ? done : error;
}

static long send_end(long result, unsigned flags)
{
	if (result == -EPIPE && !(flags & MSG_NOSIGNAL))
		(void)signal_send(current_pid(), SIGPIPE);
	return result;
}

static void message_take(struct socket *s)
{
	struct message *m = s->first;

	s->first = m->next;
	message_free(m);
}

/* Waits for a message: 1, 0 for the end of a stream, or -errno. */
static int message_wait(struct socket *s, uint64_t deadline, int dontwait)
{
	while (!s->first) {
		int error = s->error;

		if (error) {
			s->error = 0;
			return -error;
		}
		if (s->type != SOCK_DGRAM && !s->peer && !s->peer_pid)
			return s->type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
		if (s->shut & SHUT_READ || (s->type != SOCK_DGRAM && (!s->peer || s->peer->closed || s->peer->shut & SHUT_WRITE)))
			return 0;
		error = socket_waits(s, s, deadline, dontwait);
		if (error)
			return error;
	}
	return 1;
}

/* Where descriptors and credentials of a message go: msg_control of the receiver. */
struct receipt { uint64_t control, room, used; unsigned flags; struct socket_name from; };

static void control_write(struct receipt *r, int type, const void *data, size_t n)
{
	struct control c = { sizeof(c) + n, SOL_SOCKET, type };

	if (r->room - r->used < sizeof(c) + n || user_write(r->control + r->used, &c, sizeof(c)) < 0 ||
	    user_write(r->control + r->used + sizeof(c), data, n) < 0) {
		r->flags |= MSG_CTRUNC;
		return;
	}
	r->used += min_u64((sizeof(c) + n + 7) & ~7ul, r->room - r->used);
}

static void files_give(struct receipt *r, struct message *m, int peek, int cloexec)
{
	int fds[FILES_MAX];
	uint32_t n = 0, room = r->room - r->used > sizeof(struct control) ? (uint32_t)((r->room - r->used - sizeof(struct control)) / sizeof(int)) : 0;

	for (; n < m->file_count && n < room; n++) {
		file_get(m->files[n]);
		fds[n] = fd_new(current_files(), m->files[n], 0, cloexec);
		if (fds[n] < 0)
			break;
	}
	if (n)
		control_write(r, SCM_RIGHTS, fds, n * sizeof(int));
	if (n < m->file_count)
		r->flags |= MSG_CTRUNC;
	if (peek)
		return;
	for (uint32_t i = 0; i < m->file_count; i++)
		file_put(m->files[i]);
	m->file_count = 0;
}

static void beside_give(struct socket *s, struct receipt *r, struct message *m, unsigned flags)
{
	struct credentials c = { m->pid, 0, 0 };

	if (s->wants_credentials)
		control_write(r, SCM_CREDENTIALS, &c, sizeof(c));
	if (m->file_count)
		files_give(r, m, !!(flags & MSG_PEEK), !!(flags & MSG_CMSG_CLOEXEC));
}

static long receive_record(struct socket *s, struct io *io, unsigned flags, struct receipt *r)
{
	struct message *m = s->first;
	size_t n = min_u64(io->total, m->size);

	if (io_put(io, m->data, n) < 0)
		return -EFAULT;
	r->from = m->from;
	beside_give(s, r, m, flags);
	if (n < m->size)
		r->flags |= MSG_TRUNC;
	n = flags & MSG_TRUNC ? m->size : n;
	if (!(flags & MSG_PEEK)) {
		s->queued -= m->size;
		message_take(s);
		socket_wake(s);
	}
	return (long)n;
}

/* A read ends before a message that carries descriptors, so that they are not told of bytes that came without them. */
static long receive_stream(struct socket *s, struct io *io, unsigned flags, struct receipt *r)
{
	struct message *m = s->first;
	long done = 0;

	beside_give(s, r, m, flags);
	while (m && io->total) {
		size_t n = min_u64(io->total, m->size - m->taken);

		if (io_put(io, m->data + m->taken, n) < 0)
			return done ? done : -EFAULT;
		done += (long)n;
		if (flags & MSG_PEEK) {
			m = m->next;
		} else {
			m->taken += n;
			s->queued -= n;
			if (m->taken < m->size)
				break;
			message_take(s);
			m = s->first;
		}
		if (m && m->file_count)
			break;
	}
	if (!(flags & MSG_PEEK))
		socket_wake(s);
	return done;
}

static long do_receive(struct socket *s, struct io *io, unsigned flags, int dontwait, struct receipt *r)
{
	uint64_t deadline = s->receive_ns ? clock_ns() + s->receive_ns : 0;
	long done = 0, part;
	int waited;

	if (s->type == SOCK_STREAM && !io->total)
		return 0;
	do {
		waited = message_wait(s, deadline, dontwait);
		if (waited <= 0)
			return done ? done : waited;
		if (s->type != SOCK_STREAM)
			return receive_record(s, io, flags, r);
		part = receive_stream(s, io, flags, r);
		if (part < 0)
			return done ? done : part;
		done += part;
	} while (flags & MSG_WAITALL && !(flags & MSG_PEEK) && io->total);
	return done;
}

long socket_read(struct file *f, struct io *io, uint64_t at)
{
	struct receipt r = { 0 };

	(void)at;
	return do_receive(f->own, io, 0, !!(f->flags & O_NONBLOCK), &r);
}

long socket_write(struct file *f, struct io *io, uint64_t at)
{
	(void)at;
	return send_end(do_send(f->own, NULL, io, NULL, (int)f->flags, 0), 0);
}

/* The receiver that an address names: none when there is no address. */
static int receiver(struct socket *s, uint64_t address, uint64_t size, struct socket **to)
{
	struct socket_name name;
	int error;

	*to = NULL;
	if (!address)
		return 0;
	if (s->type != SOCK_DGRAM)
		return s->peer ? -EISCONN : -EOPNOTSUPP;
	error = name_read(address, size, &name);
	if (!error)
		*to = socket_find(&name, SOCK_DGRAM, &error);
	return error;
}

CALL6(sendto, fd, base, n, flags, address, size)
{
	struct socket *to;
	struct file *f;
	struct io io;
	long result;
	struct socket *s = socket_of(fd, &f, &result);

	if (!s)
		return result;
	io_user(&io, base, n);
	result = receiver(s, address, size, &to);
	if (!result)
		result = send_end(do_send(s, to, &io, NULL, (int)f->flags, (unsigned)flags), (unsigned)flags);
	socket_put(to);
	file_put(f);
	return result;
}

CALL6(recvfrom, fd, base, n, flags, address, size_at)
{
	struct receipt r = { 0 };
	struct file *f;
	struct io io;
	long result;
	struct socket *s = socket_of(fd, &f, &result);

	if (!s)
		return result;
	io_user(&io, base, n);
	result = do_receive(s, &io, (unsigned)flags, f->flags & O_NONBLOCK || flags & MSG_DONTWAIT, &r);
	if (result >= 0 && address && name_write(&r.from, address, size_at) < 0)
		result = -EFAULT;
	file_put(f);
	return result;
}

static long send_message(struct file *f, uint64_t at, struct header *h, unsigned flags)
{
	struct beside b = { 0 };
	struct socket *s = f->own, *to = NULL;
	struct io io;
	long result = h->count > UIO_MAXIOV ? -EMSGSIZE : io_vector(&io, h->vector, h->count);

	(void)at;
	if (result)
		return result;
	result = control_read(&b, h->control, h->control ? h->control_size : 0);
	if (!result)
		result = receiver(s, h->name, h->name_size, &to);
	if (!result)
		result = send_end(do_send(s, to, &io, &b, (int)f->flags, flags), flags);
	beside_drop(&b);
	socket_put(to);
	io_end(&io);
	return result;
}

static long receive_message(struct file *f, uint64_t at, struct header *h, unsigned flags)
{
	struct receipt r = { .control = h->control, .room = h->control ? h->control_size : 0 };
	struct io io;
	long result = h->count > UIO_MAXIOV ? -EMSGSIZE : io_vector(&io, h->vector, h->count), error = 0;

	if (result)
		return result;
	result = do_receive(f->own, &io, flags, f->flags & O_NONBLOCK || flags & MSG_DONTWAIT, &r);
	io_end(&io);
	if (result < 0)
		return result;
	if (h->name)
		error = name_write(&r.from, h->name, at + offsetof(struct header, name_size));
	h->control_size = r.used;
	h->flags = r.flags | (flags & MSG_CMSG_CLOEXEC);
	if (error || user_write(at + offsetof(struct header, control_size), &h->control_size, 12) < 0)
		return -EFAULT;
	return result;
}

typedef long message_way(struct file *f, uint64_t at, struct header *h, unsigned flags);

static long with_message(uint64_t fd, uint64_t at, uint64_t flags, message_way *way)
{
	struct header h;
	struct file *f;
	long result;

	if (!socket_of(fd, &f, &result))
		return result;
	result = user_read(&h, at, sizeof(h)) < 0 ? -EFAULT : way(f, at, &h, (unsigned)flags);
	file_put(f);
	return result;
}

CALL3(sendmsg, fd, message, flags) { return with_message(fd, message, flags, send_message); }
CALL3(recvmsg, fd, message, flags) { return with_message(fd, message, flags, receive_message); }
