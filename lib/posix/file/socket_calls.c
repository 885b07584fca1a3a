/* SPDX-License-Identifier: MIT */
/* System calls that make, name, connect and end AF_UNIX sockets. unix(7). There is no network: every other family is EAFNOSUPPORT. */
#include <fs/async.h>
#include "socket.h"

#define AF_UNIX 1

int name_read(uint64_t address, uint64_t size, struct socket_name *to)
{
	struct sockaddr_un un;

	memset(&un, 0, sizeof(un));
	if ((int)size < (int)sizeof(un.sun_family) || size > sizeof(un))
		return -EINVAL;
	if (user_read(&un, address, size) < 0)
		return -EFAULT;
	if (un.sun_family != AF_UNIX)
		return -EINVAL;
	to->size = (uint16_t)(size - sizeof(un.sun_family));
	memcpy(to->text, un.sun_path, sizeof(un.sun_path));
	if (to->size && to->text[0]) /* a path ends at its NUL or with the structure */
		to->size = (uint16_t)strnlen(to->text, to->size);
	return 0;
}

/* A path is shown with its NUL. */
long name_write(const struct socket_name *name, uint64_t address, uint64_t size_at)
{
	struct sockaddr_un un;
	uint32_t room, size = (uint32_t)(sizeof(un.sun_family) + name->size + (name->size && name->text[0]));

	memset(&un, 0, sizeof(un));
	un.sun_family = AF_UNIX;
	memcpy(un.sun_path, name->text, name->size);
	if (size > sizeof(un))
		size = sizeof(un);
	if (user_read(&room, size_at, sizeof(room)) < 0)
		return -EFAULT;
	if ((int)room < 0)
		return -EINVAL;
	if (user_write(address, &un, min_u64(room, size)) < 0 || user_write(size_at, &size, sizeof(size)) < 0)
		return -EFAULT;
	return 0;
}

struct socket *socket_find(const struct socket_name *name, int type, int *error)
{
	char path[UNIX_PATH_MAX + 1];
	struct socket *s;
	struct walk w;

	if (!name->size) {
		*error = -EINVAL;
		return NULL;
	}
	if (name->text[0]) {
		memcpy(path, name->text, name->size);
		path[name->size] = 0;
		*error = path_walk(&current_places()->cwd, path, 0, &w);
		if (*error)
			return NULL;
		s = IS(w.inode, S_IFSOCK) && w.inode->kind == KIND_TREE ? w.inode->socket : NULL;
		walk_end(&w);
	} else {
		s = abstract_find(name);
	}
	*error = !s || s->closed ? -ECONNREFUSED : s->type != type ? -EPROTOTYPE : 0;
	if (*error)
		return NULL;
	socket_get(s);
	return s;
}

static int kind_check(uint64_t family, uint64_t type, uint64_t protocol)
{
	uint32_t kind = (uint32_t)type & ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK);

	if ((int)family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (kind >= 11) /* SOCK_MAX */
		return -EINVAL;
	if (kind == SOCK_RAW) /* which none of this family is */
		kind = SOCK_DGRAM;
	if (kind != SOCK_STREAM && kind != SOCK_DGRAM && kind != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	return (int)protocol != 0 && (int)protocol != AF_UNIX ? -EPROTONOSUPPORT : (int)kind;
}

CALL3(socket, family, type, protocol)
{
	int kind = kind_check(family, type, protocol);
	struct socket *s;

	if (kind < 0)
		return kind;
	s = socket_new(kind);
	return s ? socket_fd(s, (unsigned)type) : -ENOMEM;
}

CALL4(socketpair, family, type, protocol, to)
{
	int kind = kind_check(family, type, protocol), fd[2];
	struct file_state *fs = current_files();
	struct socket *a, *b;

	if (kind < 0)
		return kind;
	a = socket_new(kind);
	b = socket_new(kind);
	if (!a || !b) {
		socket_put(a);
		socket_put(b);
		return -ENOMEM;
	}
	socket_pair(a, b);
	fd[0] = socket_fd(a, (unsigned)type);
	fd[1] = socket_fd(b, (unsigned)type);
	if (fd[0] >= 0 && fd[1] >= 0 && !user_write(to, fd, sizeof(fd)))
		return 0;
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			fd_close(fs, fd[i]);
	return fd[0] < 0 ? fd[0] : fd[1] < 0 ? fd[1] : -EFAULT;
}

static long bind_path(struct socket *s, const struct socket_name *name)
{
	char path[UNIX_PATH_MAX + 1];
	struct inode *ip = NULL;
	struct walk w;
	int error;

	memcpy(path, name->text, name->size);
	path[name->size] = 0;
	error = path_walk(&current_places()->cwd, path, WALK_PARENT, &w);
	if (error)
		return error == -EISDIR ? -EADDRINUSE : error;
	if (s->name.size) { /* bound by another thread, while the walk slept */
		walk_end(&w);
		return -EINVAL;
	}
	if (w.inode)
		error = -EADDRINUSE;
	else if (w.slash)
		error = -ENOENT;
	else if (w.dir->kind == KIND_OPS)
		error = -EPERM; /* nobody could keep there who is bound to it */
	else
		error = file_create(&w, S_IFSOCK | (0777 & ~current_places()->umask), 0, NULL, &ip);
	walk_end(&w);
	if (error)
		return error;
	ip->socket = s;
	s->bound = ip; /* file_create's reference */
	s->name = *name;
	return 0;
}

/* Linux: five hex digits that nobody has. */
static long bind_auto(struct socket *s, struct socket_name *name)
{
	for (unsigned i = 0; i < 0x100000; i++) {
		name->text[0] = 0;
		name->size = (uint16_t)(1 + fmt(name->text + 1, sizeof(name->text) - 1, "%05x", i));
		if (!abstract_find(name))
			break;
	}
	s->name = *name;
	return 0;
}

static long bind_to(struct socket *s, struct socket_name *name)
{
	long error = 0;

	if (s->name.size)
		return -EINVAL;
	if (name->size && name->text[0])
		return bind_path(s, name);
	if (!name->size)
		error = bind_auto(s, name);
	else if (abstract_find(name))
		return -EADDRINUSE;
	s->name = *name;
	s->abstract_next = fs_family()->abstract;
	fs_family()->abstract = s;
	return error;
}

CALL3(bind, fd, address, size)
{
	struct socket_name name;
	struct file *f;
	long result;
	struct socket *s = socket_of(fd, &f, &result);

	if (!s)
		return result;
	result = name_read(address, size, &name);
	if (!result)
		result = bind_to(s, &name);
	file_put(f);
	return result;
}

CALL2(listen, fd, backlog)
{
	struct file *f;
	long result;
	struct socket *s = socket_of(fd, &f, &result);

	if (!s)
		return result;
	result = s->type == SOCK_DGRAM ? -EOPNOTSUPP : !s->name.size || s->peer ? -EINVAL : 0;
	if (!result) {
		s->listens = 1;
		s->backlog = (int)backlog < 0 || backlog > 4096 ? 4096 : (uint32_t)backlog;
	}
	file_put(f);
	return result;
}

/* A new socket at the listener's end, which accept will find. */
static long connect_stream(struct socket *s, struct socket *to, int dontwait)
{
	struct socket *end, **at;
	long result = 0;

	if (s->peer)
		return -EISCONN;
	if (s->listens)
		return -EINVAL;
	while (!result && to->listens && !to->closed && to->pending_count > to->backlog)
		result = socket_waits(to, to, s->send_ns ? clock_after(s->send_ns) : 0, dontwait);
	if (result)
		return result;
	if (!to->listens || to->closed)
		return -ECONNREFUSED;
	end = socket_new(s->type);
	if (!end)
		return -ENOMEM;
	end->name = to->name;
	end->pid = to->pid;
	end->peer_name = s->name;
	s->peer_name = to->name;
	socket_pair(s, end);
	for (at = &to->pending; *at;)
		at = &(*at)->pending_next;
	*at = end;
	to->pending_count++;
	socket_came(to);
	async_notify(to, POLL_IN);
	return 0;
}

static long connect_datagram(struct socket *s, struct socket *to)
{
	socket_get(to);
	socket_peer(s, to);
	s->peer_name = to->name;
	return 0;
}

CALL3(connect, fd, address, size)
{
	struct socket_name name;
	struct socket *s, *to;
	struct file *f;
	long result;
	int error;
	uint16_t family = AF_UNIX;

	s = socket_of(fd, &f, &result);
	if (!s)
		return result;
	if (s->type == SOCK_DGRAM && size >= 2 && !user_read(&family, address, 2) && !family) { /* AF_UNSPEC: nobody's any more */
		socket_peer(s, NULL);
		file_put(f);
		return 0;
	}
	result = name_read(address, size, &name);
	to = result ? NULL : socket_find(&name, s->type, &error);
	if (!result && !to)
		result = error;
	if (to) {
		result = s->type == SOCK_DGRAM ? connect_datagram(s, to) : connect_stream(s, to, !!(f->flags & O_NONBLOCK));
		socket_put(to);
	}
	file_put(f);
	return result;
}

static long do_accept(uint64_t fd, uint64_t address, uint64_t size_at, uint64_t flags)
{
	struct file *f;
	long result;
	struct socket *s, *end;

	if (flags & ~(uint64_t)(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	s = socket_of(fd, &f, &result);
	if (!s)
		return result;
	result = s->type == SOCK_DGRAM ? -EOPNOTSUPP : !s->listens ? -EINVAL : fd_free(current_files(), 0) < 0 ? -EMFILE : 0;
	while (!result && !s->pending)
		result = socket_waits(s, s, s->receive_ns ? clock_after(s->receive_ns) : 0, !!(f->flags & O_NONBLOCK));
	if (!result) {
		end = s->pending;
		s->pending = end->pending_next;
		end->pending_next = NULL;
		s->pending_count--;
		wake_up(s);
		result = address ? name_write(&end->peer_name, address, size_at) : 0;
		if (result) {
			struct file gone = { .own = end };

			socket_ops.release(&gone);
		} else {
			result = socket_fd(end, (unsigned)flags);
		}
	}
	file_put(f);
	return result;
}

CALL3(accept, fd, address, size_at) { return do_accept(fd, address, size_at, 0); }
CALL4(accept4, fd, address, size_at, flags) { return do_accept(fd, address, size_at, flags); }

static long name_of(uint64_t fd, uint64_t address, uint64_t size_at, int peer)
{
	struct file *f;
	long result;
	struct socket *s = socket_of(fd, &f, &result);

	if (!s)
		return result;
	result = peer && !s->peer ? -ENOTCONN : name_write(peer ? &s->peer_name : &s->name, address, size_at);
	file_put(f);
	return result;
}

CALL3(getsockname, fd, address, size_at) { return name_of(fd, address, size_at, 0); }
CALL3(getpeername, fd, address, size_at) { return name_of(fd, address, size_at, 1); }

CALL2(shutdown, fd, how)
{
	struct file *f;
	long result;
	struct socket *s = socket_of(fd, &f, &result);

	if (!s)
		return result;
	result = how > 2 ? -EINVAL : 0;
	if (!result) {
		s->shut |= how == 0 ? SHUT_READ : how == 1 ? SHUT_WRITE : SHUT_READ | SHUT_WRITE;
		if (s->peer && s->type != SOCK_DGRAM) {
			if (how != 1)
				s->peer->shut |= SHUT_WRITE;
			socket_wake(s->peer);
		}
		socket_wake(s);
	}
	file_put(f);
	return result;
}
