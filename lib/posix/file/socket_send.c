/* SPDX-License-Identifier: MIT */
/* Sending through AF_UNIX sockets: bytes and records, and the descriptors beside them. */
#include <asm/signal.h>
#include <fs/async.h>
#include "socket_message.h"
#include <posix/process/task.h>

#define STRETCH 32000u /* bytes of a stream that are kept together */

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
	struct message *m = fam_room(ROOM_CONTENT) ? fam_alloc(sizeof(*m) + n) : NULL;

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
	socket_came(to);
	async_notify(to, POLL_IN);
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
	uint64_t deadline = s->send_ns ? clock_after(s->send_ns) : 0;
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
			if (!other)
				socket_blocked(s);
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

long with_message(uint64_t fd, uint64_t at, uint64_t flags, message_way *way)
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
