/* SPDX-License-Identifier: MIT */
/* Options of AF_UNIX sockets. socket(7). */
#include "socket.h"

#define SOL_SOCKET   1
#define SO_REUSEADDR 2
#define SO_TYPE      3
#define SO_ERROR     4
#define SO_SNDBUF    7
#define SO_RCVBUF    8
#define SO_KEEPALIVE 9
#define SO_REUSEPORT 15
#define SO_PASSCRED  16
#define SO_PEERCRED  17
#define SO_RCVTIMEO  20
#define SO_SNDTIMEO  21
#define SO_ACCEPTCONN 30
#define SO_PROTOCOL  38
#define SO_DOMAIN    39

struct credentials { int32_t pid; uint32_t uid, gid; };

union value { int number; int64_t time[2]; struct credentials credentials; };

/* Size of the value, or -ENOPROTOOPT. */
static long option_get(struct socket *s, uint64_t name, union value *v)
{
	memset(v, 0, sizeof(*v));
	switch (name) {
	case SO_TYPE:
		v->number = s->type;
		return 4;
	case SO_ERROR:
		v->number = s->error;
		s->error = 0;
		return 4;
	case SO_SNDBUF:
	case SO_RCVBUF:
		v->number = SOCKET_ROOM;
		return 4;
	case SO_DOMAIN:
		v->number = 1;
		return 4;
	case SO_PASSCRED:
		v->number = s->wants_credentials;
		return 4;
	case SO_ACCEPTCONN:
		v->number = s->listens;
		return 4;
	case SO_REUSEADDR:
	case SO_REUSEPORT:
	case SO_KEEPALIVE:
	case SO_PROTOCOL:
		return 4;
	case SO_PEERCRED:
		v->credentials = s->peer_pid ? (struct credentials){ s->peer_pid, 0, 0 } : (struct credentials){ 0, ~0u, ~0u };
		return sizeof(v->credentials);
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		v->time[0] = (int64_t)(name == SO_RCVTIMEO ? s->receive_ns : s->send_ns) / NS;
		v->time[1] = (int64_t)(name == SO_RCVTIMEO ? s->receive_ns : s->send_ns) % NS / 1000;
		return sizeof(v->time);
	}
	return -ENOPROTOOPT;
}

CALL5(getsockopt, fd, level, name, to, size_at)
{
	union value v;
	struct file *f;
	long result;
	uint32_t room;
	struct socket *s = socket_of(fd, &f, &result);

	if (!s)
		return result;
	result = level != SOL_SOCKET ? -EOPNOTSUPP : user_read(&room, size_at, sizeof(room)) < 0 ? -EFAULT : (int)room < 0 ? -EINVAL : option_get(s, name, &v);
	if (result > 0) {
		room = (uint32_t)min_u64(room, (uint64_t)result);
		result = user_write(to, &v, room) < 0 || user_write(size_at, &room, sizeof(room)) < 0 ? -EFAULT : 0;
	}
	file_put(f);
	return result;
}

static long option_set(struct socket *s, uint64_t name, uint64_t from, uint64_t size)
{
	union value v = { 0 };
	uint64_t ns;
	int is_time = name == SO_RCVTIMEO || name == SO_SNDTIMEO;

	if (size < (is_time ? sizeof(v.time) : sizeof(v.number)))
		return -EINVAL;
	if (user_read(&v, from, is_time ? sizeof(v.time) : sizeof(v.number)) < 0)
		return -EFAULT;
	switch (name) {
	case SO_PASSCRED:
		s->wants_credentials = v.number != 0;
		return 0;
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		if (v.time[1] < 0 || v.time[1] >= 1000000)
			return -EDOM;
		ns = v.time[0] < 0 ? 1 : time_of(v.time[0], v.time[1] * 1000); /* a negative time is over at once */
		*(name == SO_RCVTIMEO ? &s->receive_ns : &s->send_ns) = ns < TIME_END ? ns : 0;
		return 0;
	case SO_SNDBUF: /* hints, which change nothing here */
	case SO_RCVBUF:
	case SO_REUSEADDR:
	case SO_REUSEPORT:
	case SO_KEEPALIVE:
		return 0;
	}
	return -ENOPROTOOPT;
}

CALL5(setsockopt, fd, level, name, from, size)
{
	struct file *f;
	long result;
	struct socket *s = socket_of(fd, &f, &result);

	if (!s)
		return result;
	result = level != SOL_SOCKET ? -EOPNOTSUPP : option_set(s, name, from, size & 0xffffffff);
	file_put(f);
	return result;
}
