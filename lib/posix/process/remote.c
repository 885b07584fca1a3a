/* SPDX-License-Identifier: MIT */
/* process_vm_readv(2) and process_vm_writev(2): memory of another process, which copies from and to it in its own
 * env (ask.h), in pieces. */
#include <fs/files.h>
#include <posix/library.h>
#include "ask.h"

#define CHUNK_PAGES 16
#define IOV_MAX 1024

struct transfer { uint64_t at, done; size_t size; int writes; char bytes[]; };
#define CHUNK (CHUNK_PAGES * PAGE - sizeof(struct transfer))

/* In its env: as far as its memory goes. */
static void move(void *with)
{
	struct transfer *t = with;

	for (size_t n; t->done < t->size; t->done += n) {
		uint64_t at = t->at + t->done;

		n = MIN_OF(PAGE - at % PAGE, t->size - t->done);
		if (t->writes ? user_write(at, t->bytes + t->done, n) : user_read(t->bytes + t->done, at, n))
			return;
	}
}

/* One piece of its memory, at most as much as the caller's has: bytes, or -errno when there was none. */
static long piece_move(int pid, struct transfer *t, const struct iovec *piece, struct io *own)
{
	uint64_t base = (uint64_t)piece->iov_base, size = MIN_OF(piece->iov_len, own->total), done = 0;

	while (done < size) {
		struct task *task = task_by_pid(pid);
		long e;

		t->at = base + done;
		t->size = MIN_OF(size - done, CHUNK);
		t->done = 0;
		e = task ? 0 : -ESRCH;
		if (!e && t->writes && io_get(own, t->bytes, t->size))
			e = -EFAULT;
		if (!e)
			e = task_ask(task, move, t);
		if (!e && !t->writes && io_put(own, t->bytes, t->done))
			e = -EFAULT;
		if (e)
			return done ? (long)done : e;
		done += t->done;
		if (t->done < t->size)
			return done ? (long)done : -EFAULT;
	}
	return (long)done;
}

static long pieces_move(int pid, struct transfer *t, struct io *own, uint64_t remote, uint64_t count)
{
	long done = 0, n;

	for (uint64_t i = 0; i < count && own->total; i++) {
		struct iovec piece;

		if (user_read(&piece, remote + i * sizeof piece, sizeof piece))
			return done ? done : -EFAULT;
		n = piece_move(pid, t, &piece, own);
		if (n < 0)
			return done ? done : n;
		done += n;
		if ((uint64_t)n < piece.iov_len)
			return done;
	}
	return done;
}

static long transfer(uint64_t pid, uint64_t local, uint64_t local_count, uint64_t remote, uint64_t remote_count,
	uint64_t flags, int writes)
{
	struct thread *th = thread_by_tid((int)pid);
	struct transfer *t;
	struct io own;
	long result;

	if (flags || local_count > IOV_MAX || remote_count > IOV_MAX)
		return -EINVAL;
	result = io_vector(&own, local, local_count);
	if (result)
		return result;
	if (!own.total || !remote_count)
		result = 0;
	else if (!th || th->task->state != TASK_ALIVE)
		result = -ESRCH;
	else if (!(t = fam_pages(CHUNK_PAGES)))
		result = -ENOMEM;
	else {
		t->writes = writes;
		result = pieces_move(th->task->pid, t, &own, remote, remote_count);
		fam_pages_free(t, CHUNK_PAGES);
	}
	io_end(&own);
	return result;
}

CALL6(process_vm_readv, pid, local, local_count, remote, remote_count, flags)
{
	return transfer(pid, local, local_count, remote, remote_count, flags, 0);
}

CALL6(process_vm_writev, pid, local, local_count, remote, remote_count, flags)
{
	return transfer(pid, local, local_count, remote, remote_count, flags, 1);
}
