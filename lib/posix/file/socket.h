/* SPDX-License-Identifier: MIT */
/* AF_UNIX sockets, shared by the object and its queue (socket.c), connecting (socket_calls.c), moving bytes and descriptors (socket_send.c, socket_receive.c) and options. */
#ifndef POSIX_SOCKET_H
#define POSIX_SOCKET_H
#include <linux/un.h>
#include <fs/files.h>

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW      3
#define SOCK_SEQPACKET 5
#define SOCK_CLOEXEC   O_CLOEXEC
#define SOCK_NONBLOCK  O_NONBLOCK
#define SHUT_READ      1u
#define SHUT_WRITE     2u
#define SOCKET_ROOM    212992u /* bytes that wait for one receiver */
#define FILES_MAX      253u    /* SCM_MAX_FD */

struct socket_name { uint16_t size; char text[UNIX_PATH_MAX]; }; /* size 0: none; text[0] is 0: abstract */

/* What was sent at once: a record, or a stretch of a stream. */
struct message {
	struct message *next;
	size_t size, taken;
	int pid;
	uint32_t file_count;
	struct file **files;           /* references held */
	struct socket_name from;
	char data[];
};

struct socket {
	uint32_t refs;                 /* its file, and each socket whose peer it is */
	uint8_t type, shut, listens, closed, wants_credentials; /* shut: enum of SHUT_; closed: its file is gone */
	int error;                     /* told once */
	int pid, peer_pid;             /* who made it; who made the other side */
	struct socket *peer;           /* held */
	struct socket_name name, peer_name;
	struct inode *bound;           /* held: its name in the tree */
	struct socket *abstract_next;  /* all with an abstract name */
	struct message *first, *last;
	size_t queued;
	uint64_t events;
	struct wait_list waits;        /* of its own file's */
	struct socket *senders, *senders_next, **senders_at; /* whose peer it is; the list of its own peer */
	struct socket *blocked, *blocked_next, **blocked_at; /* of these, who found no room in it; at NULL: it has not */
	uint64_t receive_ns, send_ns;  /* SO_RCVTIMEO, SO_SNDTIMEO; 0: for ever */
	struct socket *pending, *pending_next; /* of a listener: connected and not yet accepted; references held */
	uint32_t pending_count, backlog;
};

extern const struct file_ops socket_ops;

/* ---- socket.c */
struct socket *socket_new(int type);                      /* one reference; NULL */
void socket_get(struct socket *s);
void socket_put(struct socket *s);
void socket_pair(struct socket *a, struct socket *b);     /* each becomes the other's peer */
struct file *socket_file(struct socket *s, unsigned flags); /* takes over the reference when it succeeds; NULL */
int  socket_fd(struct socket *s, unsigned flags);         /* takes over the reference; a descriptor or -errno */
struct socket *socket_of(uint64_t fd, struct file **f, long *error); /* -EBADF, -ENOTSOCK; reference of *f held */
/* Takes over the reference, drops that of the peer before; NULL: none. */
void socket_peer(struct socket *s, struct socket *peer);
void socket_wake(struct socket *s);                       /* something of it changed */
void socket_came(struct socket *s);                       /* a message or a connection */
void socket_room(struct socket *s);                       /* some was taken */
void socket_blocked(struct socket *s);                    /* no room in its peer: it is told of some */
void message_free(struct message *m);
int  socket_waits(struct socket *s, void *channel, uint64_t deadline, int dontwait); /* 0; -EAGAIN, -ERESTARTSYS */
struct socket *abstract_find(const struct socket_name *name);

/* ---- socket_calls.c: socket named by an address for a sender or connector: held; NULL with *error */
struct socket *socket_find(const struct socket_name *name, int type, int *error);
int  name_read(uint64_t address, uint64_t size, struct socket_name *to);
long name_write(const struct socket_name *name, uint64_t address, uint64_t size_at);

/* ---- socket_receive.c, socket_send.c */
long socket_read(struct file *f, struct io *io, uint64_t at), socket_write(struct file *f, struct io *io, uint64_t at);

/* socket_send.c, socket_receive.c: one message, for who has many. */
syscall_function sys_sendmsg, sys_recvmsg;
#endif
