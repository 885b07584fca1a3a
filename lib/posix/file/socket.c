/* SPDX-License-Identifier: MIT */
/* The object behind an AF_UNIX socket: its life, its queue, whether it is ready. */
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/sockios.h>
#include <fs/async.h>
#include "socket.h"

struct socket *socket_new(int type)
{
	struct socket *s = fam_alloc(sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->type = (uint8_t)type;
	s->pid = current_pid();
	return s;
}

void socket_get(struct socket *s)
{
	s->refs++;
}

void socket_put(struct socket *s)
{
	if (s && --s->refs == 0)
		fam_free(s);
}

static void senders_tell(struct socket *s, uint32_t events)
{
	for (struct socket *from = s->senders; from; from = from->senders_next)
		waiters_tell(&from->waits, events);
}

void socket_came(struct socket *s)
{
	s->events++;
	wake_up(s);
	waiters_tell(&s->waits, WAIT_IN);
}

void socket_blocked(struct socket *s)
{
	if (!s->peer || s->blocked_at)
		return;
	s->blocked_next = s->peer->blocked;
	s->blocked_at = &s->peer->blocked;
	if (s->blocked_next)
		s->blocked_next->blocked_at = &s->blocked_next;
	s->peer->blocked = s;
}

static void blocked_leave(struct socket *s)
{
	if (!s->blocked_at)
		return;
	*s->blocked_at = s->blocked_next;
	if (s->blocked_next)
		s->blocked_next->blocked_at = s->blocked_at;
	s->blocked_at = NULL;
}

void socket_room(struct socket *s)
{
	struct socket *from;

	s->events++;
	wake_up(s);
	while ((from = s->blocked)) {
		blocked_leave(from);
		waiters_tell(&from->waits, WAIT_OUT);
	}
}

void socket_wake(struct socket *s)
{
	s->events++;
	wake_up(s);
	waiters_tell(&s->waits, WAIT_ANY);
	senders_tell(s, WAIT_ANY);
}

void socket_peer(struct socket *s, struct socket *peer)
{
	if (s->peer) {
		blocked_leave(s);
		*s->senders_at = s->senders_next;
		if (s->senders_next)
			s->senders_next->senders_at = s->senders_at;
		socket_put(s->peer);
	}
	s->peer = peer;
	if (!peer)
		return;
	s->senders_next = peer->senders;
	s->senders_at = &peer->senders;
	if (s->senders_next)
		s->senders_next->senders_at = &s->senders_next;
	peer->senders = s;
}

void socket_pair(struct socket *a, struct socket *b)
{
	socket_get(a);
	socket_get(b);
	socket_peer(a, b);
	socket_peer(b, a);
	a->peer_pid = b->pid;
	b->peer_pid = a->pid;
}

void message_free(struct message *m)
{
	for (uint32_t i = 0; i < m->file_count; i++)
		file_put(m->files[i]);
	fam_free(m->files);
	fam_free(m);
}

int socket_waits(struct socket *s, void *channel, uint64_t deadline, int dontwait)
{
	int result;

	if (dontwait || (deadline && clock_ns() >= deadline))
		return -EAGAIN;
	socket_get(s);
	result = sleep_on(channel, deadline);
	socket_put(s);
	if (result != -EINTR)
		return 0;
	return deadline ? -EINTR : -ERESTARTSYS; /* signal(7): not begun anew with a time limit */
}

/* ---- names without a path */
struct socket *abstract_find(const struct socket_name *name)
{
	struct socket *s = fs_family()->abstract;

	while (s && (s->name.size != name->size || memcmp(s->name.text, name->text, name->size)))
		s = s->abstract_next;
	return s;
}

static void name_drop(struct socket *s)
{
	if (s->bound) {
		s->bound->socket = NULL;
		inode_put(s->bound);
		s->bound = NULL;
	} else if (s->name.size) {
		struct socket **at = &fs_family()->abstract;

		while (*at && *at != s)
			at = &(*at)->abstract_next;
		if (*at)
			*at = s->abstract_next;
	}
}

/* Nobody can use it any more; peers may still hold it. */
static void socket_close(struct socket *s)
{
	struct socket *peer = s->peer;
	struct message *m;
	int unread = s->first != NULL;

	s->closed = 1;
	name_drop(s);
	while ((m = s->first)) {
		s->first = m->next;
		message_free(m);
	}
	while (s->pending) {
		struct socket *p = s->pending;

		s->pending = p->pending_next;
		socket_close(p);
	}
	if (peer) {
		if (s->type != SOCK_DGRAM && unread)
			peer->error = ECONNRESET;
		socket_wake(peer);
		async_notify(peer, POLL_HUP);
		socket_peer(s, NULL);
	}
	socket_wake(s); /* senders that wait for room in it */
	socket_put(s);
}

static void socket_release(struct file *f)
{
	waiters_end(&((struct socket *)f->own)->waits);
	socket_close(f->own);
}

static int socket_poll(struct file *f)
{
	struct socket *s = f->own;
	int is_stream = s->type != SOCK_DGRAM, mask = 0;
	int gone = is_stream && (!s->peer || s->peer->closed);

	if (s->listens)
		return s->pending ? POLLIN | POLLRDNORM : 0;
	if (s->error)
		mask |= POLLERR;
	if (s->first || s->shut & SHUT_READ || (is_stream && gone))
		mask |= POLLIN | POLLRDNORM;
	if (is_stream && !gone && s->peer->shut & SHUT_WRITE)
		mask |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (gone || (is_stream && s->shut == (SHUT_READ | SHUT_WRITE)))
		mask |= POLLHUP;
	if (is_stream ? !gone && s->peer->queued < SOCKET_ROOM : !s->peer || s->peer->queued < SOCKET_ROOM)
		mask |= POLLOUT | POLLWRNORM | POLLWRBAND;
	else if (!gone)
		socket_blocked(s);
	if (gone)
		mask |= POLLOUT | POLLWRNORM | POLLWRBAND | (s->peer_pid ? POLLRDHUP : 0);
	return mask;
}

static struct wait_list *socket_waiters(struct file *f) { return &((struct socket *)f->own)->waits; }

static uint64_t socket_events(struct file *f)
{
	struct socket *s = f->own;

	return s->events + (s->peer ? s->peer->events : 0);
}

static long socket_ioctl(struct file *f, unsigned request, uint64_t arg)
{
	struct socket *s = f->own;
	int n = 0;

	switch (request) {
	case FIOSETOWN:
	case SIOCSPGRP:
		return user_read(&n, arg, sizeof(n)) ? -EFAULT : async_fcntl(f, F_SETOWN, (uint64_t)n);
	case FIOGETOWN:
	case SIOCGPGRP:
		n = (int)async_fcntl(f, F_GETOWN, 0);
		return user_write(arg, &n, sizeof(n));
	case TIOCOUTQ: /* SIOCOUTQ: sent and not yet received */
		n = s->peer ? (int)s->peer->queued : 0;
		return user_write(arg, &n, sizeof(n));
	case FIONREAD:
		break;
	default:
		return -ENOTTY;
	}
	for (const struct message *m = s->first; m; m = s->type == SOCK_STREAM ? m->next : NULL)
		n += (int)(m->size - m->taken);
	return user_write(arg, &n, sizeof(n));
}

const struct file_ops socket_ops = {
	.read = socket_read, .write = socket_write, .ioctl = socket_ioctl, .poll = socket_poll,
	.waits = socket_waiters, .events = socket_events, .release = socket_release,
};

struct file *socket_file(struct socket *s, unsigned flags)
{
	return anon_file("socket", S_IFSOCK | 0777, &socket_ops, s, O_RDWR | (flags & (SOCK_NONBLOCK | SOCK_CLOEXEC)));
}

int socket_fd(struct socket *s, unsigned flags)
{
	return anon_fd("socket", S_IFSOCK | 0777, &socket_ops, s, O_RDWR | (flags & (SOCK_NONBLOCK | SOCK_CLOEXEC)));
}

struct socket *socket_of(uint64_t fd, struct file **f, long *error)
{
	*f = fd_file((int)fd);
	*error = -EBADF;
	if (!*f)
		return NULL;
	if ((*f)->ops == &socket_ops)
		return (*f)->own;
	*error = -ENOTSOCK;
	file_put(*f);
	return NULL;
}
