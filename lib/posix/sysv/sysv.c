/* SPDX-License-Identifier: MIT */
/* Keys and identifiers of SysV objects. An id is a place in the table and, above that, a number that no two objects in that place share. */
#include "sysv.h"

#define PLACE_BITS 15 /* as Linux has them: ipcs takes them apart */

struct sysv {
	struct ipc *object[IPC_KINDS][IPC_OBJECTS];
	uint32_t made[IPC_KINDS];
	int32_t most[IPC_KINDS]; /* objects of that kind; /proc/sys/kernel */
};

static struct sysv *sysv(void)
{
	struct sysv *s = F->sysv;

	if (s || !(s = F->sysv = fam_alloc(sizeof(struct sysv))))
		return s;
	for (int kind = 0; kind < IPC_KINDS; kind++)
		s->most[kind] = IPC_OBJECTS;
	return s;
}

int32_t *ipc_most(enum ipc_kind kind) { return sysv() ? &sysv()->most[kind] : 0; }

void *ipc_at(enum ipc_kind kind, uint64_t index)
{
	return F->sysv && index < IPC_OBJECTS ? sysv()->object[kind][index] : 0;
}

void *ipc_in_place(enum ipc_kind kind, uint64_t id)
{
	return (int)id < 0 ? 0 : ipc_at(kind, (uint32_t)id % (1u << PLACE_BITS));
}

void *ipc_find(enum ipc_kind kind, uint64_t id, int *error)
{
	struct ipc *o = ipc_in_place(kind, id);

	*error = !o ? -EINVAL : o->id != (int)id ? -EIDRM : 0;
	return *error ? 0 : o;
}

int ipc_count(enum ipc_kind kind)
{
	int n = 0;

	for (unsigned i = 0; i < IPC_OBJECTS; i++)
		n += ipc_at(kind, i) != 0;
	return n;
}

int ipc_last(enum ipc_kind kind)
{
	int last = 0;

	for (unsigned i = 0; i < IPC_OBJECTS; i++)
		last = ipc_at(kind, i) ? (int)i : last;
	return last;
}

void *ipc_by_key(enum ipc_kind kind, uint64_t key, uint64_t flags, int *error)
{
	struct ipc *o;

	*error = (int)key == IPC_PRIVATE || flags & IPC_CREAT ? 0 : -ENOENT;
	for (unsigned i = 0; (int)key != IPC_PRIVATE && i < IPC_OBJECTS; i++) {
		o = ipc_at(kind, i);
		if (!o || o->perm.key != (int)key)
			continue;
		*error = (flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL) ? -EEXIST : 0;
		return *error ? 0 : o;
	}
	return 0;
}

int ipc_add(enum ipc_kind kind, struct ipc *o, uint64_t key, uint64_t flags)
{
	struct sysv *s = sysv();

	if (!s)
		return -ENOMEM;
	if (ipc_count(kind) >= s->most[kind])
		return -ENOSPC;
	for (unsigned i = 0; i < IPC_OBJECTS; i++) {
		if (s->object[kind][i])
			continue;
		s->object[kind][i] = o;
		o->perm.key = (int)key;
		o->perm.mode = flags & 0777;
		o->perm.seq = (unsigned short)s->made[kind]++;
		o->id = (int)((o->perm.seq & 0xffffu) << PLACE_BITS & 0x7fffffff) | (int)i;
		return o->id;
	}
	return -ENOSPC;
}

void ipc_remove(enum ipc_kind kind, struct ipc *o)
{
	sysv()->object[kind][o->id % (1 << PLACE_BITS)] = 0;
}

void ipc_change(struct ipc *o, const struct ipc64_perm *from)
{
	o->perm.uid = from->uid;
	o->perm.gid = from->gid;
	o->perm.mode = (o->perm.mode & ~0777u) | (from->mode & 0777);
}

long ipc_now(void)
{
	return (long)(clock_wall_ns() / 1000000000);
}
