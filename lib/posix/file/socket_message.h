/* SPDX-License-Identifier: MIT */
/* What sendmsg and recvmsg read: socket_send.c and socket_receive.c. */
#ifndef POSIX_SOCKET_MESSAGE_H
#define POSIX_SOCKET_MESSAGE_H
#include "socket.h"

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

struct header { uint64_t name; uint32_t name_size, pad; uint64_t vector, count, control, control_size; uint32_t flags, pad2; };
struct control { uint64_t size; int32_t level, type; };
struct credentials { int32_t pid; uint32_t uid, gid; };

/* For the socket fd and the struct header at that address: what `way` gives, or -errno. */
typedef long message_way(struct file *f, uint64_t at, struct header *h, unsigned flags);
long with_message(uint64_t fd, uint64_t at, uint64_t flags, message_way *way); /* socket_send.c */
#endif
