/* SPDX-License-Identifier: MIT */
/* What shared memory segments, semaphore sets and message queues have in common (sysvipc(7)): keys, identifiers, owner and mode. All of it under the family lock. */
#ifndef POSIX_SYSV_H
#define POSIX_SYSV_H
#include <linux/ipc.h>
#include <posix/library.h>
#include <posix/call/calls.h>

#define IPC_OBJECTS 128 /* of each kind */

/* Begins every object. */
struct ipc {
	struct ipc64_perm perm;
	int id;
};

enum ipc_kind { IPC_SHM, IPC_SEM, IPC_MSG, IPC_KINDS };

/* The object with that id; NULL with *error: -EINVAL none, -EIDRM its place has another one now. */
void *ipc_find(enum ipc_kind kind, uint64_t id, int *error);
/* Whatever stands where one with that id does, for the *_STAT commands of ipcs(1): NULL: none. By the place itself. */
void *ipc_in_place(enum ipc_kind kind, uint64_t id);
void *ipc_at(enum ipc_kind kind, uint64_t index);
int32_t *ipc_most(enum ipc_kind kind); /* so many may be made; NULL: no memory */
/* How many there are, and the highest place taken. */
int ipc_count(enum ipc_kind kind), ipc_last(enum ipc_kind kind);
/* get's look for a key: the object; NULL with *error 0: one is to be made; or -EEXIST, -ENOENT. */
void *ipc_by_key(enum ipc_kind kind, uint64_t key, uint64_t flags, int *error);
/* A new one gets its id, which is returned; -ENOSPC, -ENOMEM. */
int ipc_add(enum ipc_kind kind, struct ipc *o, uint64_t key, uint64_t flags);
void ipc_remove(enum ipc_kind kind, struct ipc *o);
/* IPC_SET's part of the permissions. */
void ipc_change(struct ipc *o, const struct ipc64_perm *from);
/* The last reference to a segment's memory goes. */
void segment_gone(struct inode *file);
/* Seconds since 1970. */
long ipc_now(void);
#endif
