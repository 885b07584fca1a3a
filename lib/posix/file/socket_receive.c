/* SPDX-License-Identifier: MIT */
/* Receiving from AF_UNIX sockets: bytes and records, and the descriptors and credentials beside them. */
#include "socket_message.h"

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
		socket_room(s);
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
		socket_room(s);
	return done;
}

static long do_receive(struct socket *s, struct io *io, unsigned flags, int dontwait, struct receipt *r)
{
	uint64_t deadline = s->receive_ns ? clock_after(s->receive_ns) : 0;
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

CALL3(recvmsg, fd, message, flags) { return with_message(fd, message, flags, receive_message); }
