/* SPDX-License-Identifier: MIT */
/* AF_UNIX sockets: streams, records and datagrams by path, without one and in pairs; descriptors and credentials sent along; the errors of their manual pages. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include "check.h"

#define FAILS(x, e) CHECK((x) == -1 && errno == (e))
#define BIG (1 << 20)

static void *volatile bad = (void *)8; /* no address of a program's */

static socklen_t address(struct sockaddr_un *un, const char *name)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path + (*name == '@'), name + (*name == '@'));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + (*name != '@'));
}

static int made(int type) { int fd = socket(AF_UNIX, type, 0); CHECK(fd >= 0); return fd; }

static int to(int fd, const char *name, int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un un;
	socklen_t size = address(&un, name);

	return call(fd, (struct sockaddr *)&un, size);
}

static int child_ok(void)
{
	int status;

	return wait(&status) > 0 && status == 0;
}

static void errors(void)
{
	struct sockaddr_un un;
	socklen_t size = sizeof(un);
	int s = made(SOCK_STREAM), d = made(SOCK_DGRAM), value;
	char c;

	FAILS(socket(AF_UNIX, 11, 0), EINVAL);
	FAILS(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	FAILS(socket(AF_UNIX, SOCK_STREAM, 77), EPROTONOSUPPORT);
	FAILS(to(s, "nothing", connect), ENOENT);
	FAILS(to(s, "/var/run/nscd/socket", connect), ENOENT);
	FAILS(to(s, "@nobody", connect), ECONNREFUSED);
	close(open("plain", O_CREAT | O_WRONLY, 0600));
	FAILS(to(s, "plain", connect), ECONNREFUSED);
	FAILS(to(s, "plain", bind), EADDRINUSE);
	FAILS(to(s, "no/where", bind), ENOENT);
	FAILS(to(s, "plain/x", bind), ENOTDIR);
	FAILS(listen(s, 1), EINVAL);
	FAILS(listen(d, 1), EOPNOTSUPP);
	FAILS(accept(s, NULL, NULL), EINVAL);
	FAILS(accept(d, NULL, NULL), EOPNOTSUPP);
	FAILS(send(s, "x", 1, MSG_NOSIGNAL), ENOTCONN);
	FAILS(send(d, "x", 1, 0), ENOTCONN);
	FAILS(recv(s, &c, 1, 0), EINVAL);
	FAILS(recv(d, &c, 1, MSG_DONTWAIT), EAGAIN);
	FAILS(getpeername(s, (struct sockaddr *)&un, &size), ENOTCONN);
	FAILS(shutdown(s, 9), EINVAL);
	FAILS(lseek(s, 0, SEEK_SET), ESPIPE);
	FAILS(send(1, "x", 1, 0), ENOTSOCK);
	FAILS(send(0x7000, "x", 1, 0), EBADF);
	FAILS(bind(s, bad, sizeof(un)), EFAULT);
	FAILS(bind(s, (struct sockaddr *)&un, 1), EINVAL);
	size = 4;
	FAILS(getsockopt(s, SOL_SOCKET, 4711, &value, &size), ENOPROTOOPT);
	FAILS(setsockopt(s, SOL_SOCKET, 4711, &value, size), ENOPROTOOPT);
	FAILS(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &value, size), EINVAL);
	CHECK(getsockopt(d, SOL_SOCKET, SO_TYPE, &value, &size) == 0 && value == SOCK_DGRAM && size == 4);
	size = sizeof(un);
	CHECK(getsockname(s, (struct sockaddr *)&un, &size) == 0 && size == 2 && un.sun_family == AF_UNIX);
	close(s);
	close(d);
}

/* A server in a child takes 1 MiB, sends it back, upside down. */
static void stream(const char *name)
{
	static char out[BIG], in[BIG];
	struct sockaddr_un un;
	socklen_t size = sizeof(un);
	struct ucred who;
	int l = made(SOCK_STREAM | SOCK_CLOEXEC), s, n, value;
	struct pollfd p = { .fd = l, .events = POLLIN };

	CHECK(to(l, name, bind) == 0 && to(l, "other", bind) == -1 && errno == EINVAL);
	CHECK(listen(l, 5) == 0 && poll(&p, 1, 0) == 0);
	if (fork() == 0) {
		size_t got = 0;

		s = accept4(l, (struct sockaddr *)&un, &size, SOCK_CLOEXEC);
		CHECK(s >= 0 && size == 2 && fcntl(s, F_GETFD) == FD_CLOEXEC);
		while (got < BIG && (n = (int)read(s, in + got, BIG - got)) > 0)
			got += (size_t)n;
		CHECK(got == BIG && recv(s, in, 1, 0) == 0);
		for (int i = 0; i < BIG; i++)
			out[i] = in[BIG - 1 - i];
		CHECK(write(s, out, BIG) == BIG);
		_exit(0);
	}
	s = made(SOCK_STREAM);
	CHECK(to(s, name, connect) == 0 && to(s, name, connect) == -1 && errno == EISCONN);
	size = sizeof(un);
	CHECK(getpeername(s, (struct sockaddr *)&un, &size) == 0 && size == address(&un, name));
	size = sizeof(who);
	CHECK(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.pid == getpid() && who.uid == getuid());
	for (int i = 0; i < BIG; i++)
		out[i] = (char)(i * 7 + i / 251);
	CHECK(write(s, out, BIG) == BIG && shutdown(s, SHUT_WR) == 0);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(s, "x", 1), EPIPE);
	CHECK(recv(s, in, BIG, MSG_WAITALL) == BIG);
	for (int i = 0; i < BIG; i++)
		CHECK(in[i] == out[BIG - 1 - i]);
	p.fd = s;
	CHECK(child_ok() && read(s, in, 1) == 0 && poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLHUP));
	CHECK(ioctl(s, FIONREAD, &value) == 0 && value == 0);
	close(s);
	close(l);
	s = made(SOCK_STREAM);
	FAILS(to(s, name, connect), ECONNREFUSED);
	close(s);
}

static void paths(void)
{
	struct stat st;
	int s = made(SOCK_SEQPACKET), c = made(SOCK_SEQPACKET | SOCK_NONBLOCK), d = made(SOCK_DGRAM), e;

	umask(022);
	CHECK(to(s, "sock", bind) == 0 && stat("sock", &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0755);
	FAILS(open("sock", O_RDWR), ENXIO);
	FAILS(to(d, "sock", connect), EPROTOTYPE);
	CHECK(listen(s, 0) == 0 && to(c, "sock", connect) == 0);
	e = made(SOCK_SEQPACKET | SOCK_NONBLOCK);
	FAILS(to(e, "sock", connect), EAGAIN);
	close(e);
	CHECK(rename("sock", "moved") == 0);
	e = accept(s, NULL, NULL);
	CHECK(e >= 0 && send(c, "record", 6, 0) == 6 && send(c, "two", 3, 0) == 3);
	char b[8];
	CHECK(recv(e, b, 3, MSG_TRUNC) == 6 && memcmp(b, "rec", 3) == 0 && recv(e, b, 8, 0) == 3);
	close(c);
	CHECK(recv(e, b, 8, 0) == 0);
	close(e);
	c = made(SOCK_SEQPACKET);
	CHECK(to(c, "moved", connect) == 0);
	close(c);
	close(s);
	c = made(SOCK_SEQPACKET);
	FAILS(to(c, "moved", connect), ECONNREFUSED);
	CHECK(unlink("moved") == 0);
	close(c);
	close(d);
}

static void datagrams(void)
{
	struct sockaddr_un un;
	socklen_t size = sizeof(un);
	struct timeval soon = { 0, 5000 };
	int a = made(SOCK_DGRAM), b = made(SOCK_DGRAM), n = 0;
	char text[32];

	CHECK(to(a, "@here", bind) == 0 && to(b, "there", bind) == 0);
	size = address(&un, "there");
	CHECK(sendto(a, "one", 3, 0, (struct sockaddr *)&un, size) == 3 && sendto(a, "twotwo", 6, 0, (struct sockaddr *)&un, size) == 6);
	size = sizeof(un);
	CHECK(recvfrom(b, text, 2, 0, (struct sockaddr *)&un, &size) == 2 && size == 2 + 5 && memcmp(un.sun_path, "\0here", 5) == 0);
	CHECK(recvfrom(b, text, 32, MSG_PEEK, NULL, NULL) == 6 && recv(b, text, 32, 0) == 6 && memcmp(text, "twotwo", 6) == 0);
	CHECK(to(a, "there", connect) == 0 && send(a, "", 0, 0) == 0 && recv(b, text, 32, 0) == 0);
	CHECK(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)) == 0);
	FAILS(recv(b, text, 32, 0), EAGAIN);
	while (send(a, text, sizeof(text), MSG_DONTWAIT) == sizeof(text))
		n++;
	CHECK(n > 5 && errno == EAGAIN && recv(b, text, 32, 0) == 32);
	close(b);
	FAILS(send(a, "x", 1, 0), ECONNREFUSED);
	FAILS(to(made(SOCK_DGRAM), "@here", bind), EADDRINUSE);
	close(a);
	b = made(SOCK_DGRAM);
	CHECK(to(b, "@here", bind) == 0);
	close(b);
}

static int send_fd(int s, int fd, const char *text)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { (char *)text, strlen(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return (int)sendmsg(s, &m, 0);
}

static void beside(int type)
{
	int p[2], q[2], one = 1, fd = -1, who = 0;
	char control[128], text[32] = "", c;
	struct iovec v = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

	CHECK(socketpair(AF_UNIX, type, 0, p) == 0 && pipe(q) == 0);
	FAILS(send_fd(p[0], 0x7000, "x"), EBADF);
	CHECK(setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == 0);
	if (fork() == 0) {
		CHECK(send_fd(p[0], q[1], "take it") == 7);
		_exit(0);
	}
	CHECK(recvmsg(p[1], &m, MSG_CMSG_CLOEXEC) == 7 && strcmp(text, "take it") == 0 && (m.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) == 0);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(h), sizeof(fd));
		if (h->cmsg_type == SCM_CREDENTIALS)
			who = ((struct ucred *)CMSG_DATA(h))->pid;
	}
	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && who > 0 && who != getpid() && child_ok());
	close(q[1]);
	CHECK(write(fd, "!", 1) == 1 && read(q[0], &c, 1) == 1 && c == '!');
	close(fd);
	CHECK(read(q[0], &c, 1) == 0);
	/* What nobody takes goes with the socket. */
	CHECK(pipe(q) == 0 && send_fd(p[0], q[1], "lost") == 4);
	close(q[1]);
	close(p[1]);
	CHECK(read(q[0], &c, 1) == 0);
	close(p[0]);
}

int main(void)
{
	char folder[] = "socketsXXXXXX";

	CHECK(mkdtemp(folder) && chdir(folder) == 0);
	errors();
	stream("by-path");
	stream("@by-name");
	paths();
	datagrams();
	beside(SOCK_STREAM);
	beside(SOCK_DGRAM);
	beside(SOCK_SEQPACKET);
	printf("all sockets served\n");
	return 0;
}
