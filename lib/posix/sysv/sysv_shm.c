/* SPDX-License-Identifier: MIT */
/* Shared memory segments: shmget(2), shmctl(2). A segment is a file without a name; what is attached is a shared mapping of it, so attachments are the
 * references to the file: fork, exec and the end of a process count by themselves, and a mapping that is cut in two counts twice, as on Linux. */
#include <asm/shmbuf.h>
#include <posix/file/proc.h>
#include "sysv_shm.h"

#define SHMMAX (~0ul - (1ul << 24))
#define SHM_HUGETLB 04000
#define SHM_DEST   01000 /* in the mode: removed, and still attached */
#define SHM_LOCKED 02000
enum { SHM_LOCK = 11, SHM_UNLOCK, SHM_STAT, SHM_INFO, SHM_STAT_ANY };

struct shm_info { int used; unsigned long total, resident, swapped, swap_attempts, swap_successes; };

static int is_removed(const struct segment *s) { return (s->ipc.perm.mode & SHM_DEST) != 0; }

static long segment_make(uint64_t key, uint64_t size, uint64_t flags)
{
	struct segment *s;
	int id;

	if (!size || size > SHMMAX)
		return -EINVAL;
	if (PAGE_UP(size) < size)
		return -ENOSPC;
	if (flags & SHM_HUGETLB)
		return -ENOMEM; /* as where none are set aside */
	s = fam_alloc(sizeof *s);
	if (!s)
		return -ENOMEM;
	if (inode_segment(PAGE_UP(size), &s->file)) {
		fam_free(s);
		return -ENOMEM;
	}
	s->size = size;
	s->ctime = ipc_now();
	s->creator = P->task->pid;
	id = ipc_add(IPC_SHM, &s->ipc, key, flags);
	if (id < 0) {
		inode_put(s->file); /* segment_gone does not know it yet */
		fam_free(s);
	}
	return id;
}

/* proc(5): /proc/sysvipc. */
static void say_segment(struct text *t, const struct segment *s)
{
	const struct ipc64_perm *p = &s->ipc.perm;
	uint64_t pages = PAGE_UP(s->size) / PAGE;

	say(t, "%10d %10d  %4o %21lu %5d %5d  %5u %5u %5u %5u %5u %10lu %10lu %10lu %21lu %21lu\n", p->key, s->ipc.id,
		p->mode, (unsigned long)s->size,
		s->creator, s->last, inode_references(s->file) - !is_removed(s), p->uid, p->gid, p->cuid, p->cgid,
			(unsigned long)s->atime,
		(unsigned long)s->dtime, (unsigned long)s->ctime, (unsigned long)(pages * PAGE), 0ul);
}

void text_sysvipc_shm(struct text *t, const struct proc_node *of)
{
	(void)of;
	say(t,
		"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      "
		"dtime      ctime"
		"                   rss                  swap\n");
	for (unsigned i = 0; i < IPC_OBJECTS; i++)
		if (ipc_at(IPC_SHM, i))
			say_segment(t, ipc_at(IPC_SHM, i));
}

CALL3(shmget, key, size, flags)
{
	int e;
	struct segment *s = ipc_by_key(IPC_SHM, key, flags, &e);

	if (e)
		return e;
	if (!s)
		return segment_make(key, size, flags);
	return size > s->size ? -EINVAL : s->ipc.id;
}

void segment_gone(struct inode *file)
{
	struct segment *s;

	for (unsigned i = 0; i < IPC_OBJECTS; i++) {
		s = ipc_at(IPC_SHM, i);
		if (!s || s->file != file)
			continue;
		ipc_remove(IPC_SHM, &s->ipc);
		fam_free(s);
	}
}

static uint64_t attachments(const struct segment *s)
{
	return inode_references(s->file) - !is_removed(s);
}

static long stat_write(const struct segment *s, uint64_t to)
{
	struct shmid64_ds d = { .shm_perm = s->ipc.perm, .shm_segsz = s->size, .shm_atime = s->atime, .shm_dtime = s->dtime, .shm_ctime = s->ctime,
		.shm_cpid = s->creator, .shm_lpid = s->last, .shm_nattch = attachments(s) };

	return user_write(to, &d, sizeof d);
}

static long limits_write(uint64_t to)
{
	const struct shminfo64 limits = { .shmmax = SHMMAX, .shmmin = 1, .shmmni = IPC_OBJECTS, .shmseg = IPC_OBJECTS, .shmall = SHMMAX };
	long e = user_write(to, &limits, sizeof limits);

	return e ? e : ipc_last(IPC_SHM);
}

static long usage_write(uint64_t to)
{
	struct shm_info info = { .used = ipc_count(IPC_SHM) };
	struct segment *s;
	long e;

	for (unsigned i = 0; i < IPC_OBJECTS; i++) {
		s = ipc_at(IPC_SHM, i);
		info.total += s ? PAGE_UP(s->size) / PAGE : 0;
	}
	info.resident = info.total;
	e = user_write(to, &info, sizeof info);
	return e ? e : ipc_last(IPC_SHM);
}

static long segment_change(struct segment *s, uint64_t from)
{
	struct shmid64_ds d;

	if (user_read(&d, from, sizeof d))
		return -EFAULT;
	ipc_change(&s->ipc, &d.shm_perm);
	s->ctime = ipc_now();
	return 0;
}

/* Its key leads nowhere from now on; it goes with its last attachment. */
static void segment_remove(struct segment *s)
{
	if (is_removed(s))
		return;
	s->ipc.perm.mode |= SHM_DEST;
	s->ipc.perm.key = IPC_PRIVATE;
	inode_put(s->file);
}

CALL3(shmctl, id, command, buffer)
{
	struct segment *s;
	int e;

	switch ((int)command) {
	case IPC_INFO:
		return limits_write(buffer);
	case SHM_INFO:
		return usage_write(buffer);
	case SHM_STAT:
	case SHM_STAT_ANY:
		s = ipc_in_place(IPC_SHM, id);
		return !s ? -EINVAL : stat_write(s, buffer) ? -EFAULT : s->ipc.id;
	}
	s = ipc_find(IPC_SHM, id, &e);
	if (!s)
		return e;
	switch ((int)command) {
	case IPC_STAT:
		return stat_write(s, buffer);
	case IPC_SET:
		return segment_change(s, buffer);
	case IPC_RMID:
		segment_remove(s);
		return 0;
	case SHM_LOCK: /* nothing swaps */
		s->ipc.perm.mode |= SHM_LOCKED;
		return 0;
	case SHM_UNLOCK:
		s->ipc.perm.mode &= ~(unsigned)SHM_LOCKED;
		return 0;
	}
	return -EINVAL;
}
