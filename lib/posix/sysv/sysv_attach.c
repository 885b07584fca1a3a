/* SPDX-License-Identifier: MIT */
/* shmop(2): segments as shared mappings. */
#include "sysv_shm.h"

#define SHM_RDONLY 010000
#define SHM_RND    020000
#define SHM_REMAP  040000
#define SHM_EXEC  0100000
#define MAP_FIXED  0x10

CALL3(shmat, id, at, flags)
{
	unsigned prot = flags & SHM_RDONLY ? PROT_READ : PROT_READ | PROT_WRITE;
	struct segment *s;
	uint64_t size;
	long va;
	int e;

	if (at % PAGE && !(flags & SHM_RND))
		return -EINVAL;
	at = PAGE_DOWN(at);
	s = ipc_find(IPC_SHM, id, &e);
	if (!s || (!at && flags & SHM_REMAP))
		return -EINVAL;
	size = PAGE_UP(s->size);
	if (at && !(flags & SHM_REMAP) && (!user_range_ok(at, size) || !region_free_space(at, at + size)))
		return -EINVAL;
	va = map_shared(s->file, at, size, prot | (flags & SHM_EXEC ? PROT_EXEC : 0u),
		at ? MAP_FIXED : 0);
	if (va > 0) {
		s->atime = ipc_now();
		s->last = P->task->pid;
	}
	return va;
}

/* The segment that is attached with its first byte at `at`, NULL when there is none. */
static struct segment *attached_at(uint64_t at, uint64_t start, const struct inode *file, uint64_t offset)
{
	struct segment *s;

	for (unsigned i = 0; file && start - offset * PAGE == at && i < IPC_OBJECTS; i++) {
		s = ipc_at(IPC_SHM, i);
		if (s && s->file == file)
			return s;
	}
	return 0;
}

CALL1(shmdt, at)
{
	uint64_t end = 0, done;
	int any = 0;

	if (at % PAGE)
		return -EINVAL;
	/* Whatever of it is left, or was moved, lies above its first byte, and once that is known, within its size. */
	for (const struct region *next = region_above(at); next && (!any || next->start < end); next = region_above(done)) {
		const struct region r = *next;
		struct segment *s = attached_at(at, r.start, r.inode, r.offset);

		done = r.end;
		if (!s)
			continue;
		end = at + PAGE_UP(s->size);
		s->dtime = ipc_now();
		s->last = P->task->pid;
		any = 1;
		/* The segment may go with its last mapping. */
		if (map_remove(r.start, r.end))
			return -ENOMEM;
	}
	return any ? 0 : -EINVAL;
}
