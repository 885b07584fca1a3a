/* SPDX-License-Identifier: MIT */
/* process_vm_readv(2), process_vm_writev(2), /proc/PID/mem and pagemap: memory of another process, which copies from
 * and to it, and tells of it, in its own env (ask.h), in pieces. */
#include <posix/file/proc.h>
#include <posix/library.h>
#include <vm/swap.h>
#include "ask.h"

#define CHUNK_PAGES 16
#define IOV_MAX 1024

struct transfer { uint64_t at, done; size_t size; int writes, forces; char bytes[]; };
#define CHUNK (CHUNK_PAGES * PAGE - sizeof(struct transfer))

/* Within one page of its memory. */
static int part_move(struct transfer *t, uint64_t at, size_t n)
{
	char *bytes = t->bytes + t->done;

	return t->writes ? user_write(at, bytes, n) : user_read(bytes, at, n);
}

/* By a right that the page's mapping does not give, but could be given: for the moment. */
static int part_force(struct transfer *t, uint64_t at, size_t n)
{
	const struct region *r = region_find(at);
	uint32_t before;
	int e;

	if (!t->forces || !r || (t->writes && r->flags & REGION_SHARED))
		return -EFAULT;
	before = r->prot;
	at = PAGE_DOWN(at);
	e = (int)map_protect(at, PAGE, PROT_READ | (t->writes ? PROT_WRITE : 0));
	if (!e) {
		e = part_move(t, t->at + t->done, n);
		(void)map_protect(at, PAGE, before);
	}
	return e;
}

/* In its env: as far as its memory goes. */
static void move(void *with)
{
	struct transfer *t = with;

	for (size_t n; t->done < t->size; t->done += n) {
		uint64_t at = t->at + t->done;

		n = MIN_OF(PAGE - at % PAGE, t->size - t->done);
		if (part_move(t, at, n) && part_force(t, at, n))
			return;
	}
}

/* One piece of its memory, at most as much as the caller's has: bytes, or -errno when there was none; -EIO: of its. */
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
			return done ? (long)done : -EIO;
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
		if (n == -EIO)
			n = -EFAULT;
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
		t->forces = 0;
		result = pieces_move(th->task->pid, t, &own, remote, remote_count);
		fam_pages_free(t, CHUNK_PAGES);
	}
	io_end(&own);
	return result;
}

/* A debugger reads what is protected, and writes into a program's text; others' files stay as they are. */
long move_memory(const struct proc_node *of, struct io *io, uint64_t at, int writes)
{
	struct thread *th = thread_by_tid(of->pid);
	struct transfer *t;
	long result;

	if (!th || th->task->state != TASK_ALIVE)
		return 0;
	if (!(t = fam_pages(CHUNK_PAGES)))
		return -ENOMEM;
	t->writes = writes;
	t->forces = 1;
	result = piece_move(th->task->pid, t, &(struct iovec){ (void *)at, io->total }, io);
	fam_pages_free(t, CHUNK_PAGES);
	return result;
}

int memory_move(struct task *task, uint64_t at, void *bytes, size_t n, int writes)
{
	struct transfer *t = fam_alloc(sizeof *t + n);
	int e = -ENOMEM;

	if (!t)
		return e;
	*t = (struct transfer){ .at = at, .size = n, .writes = writes, .forces = 1 };
	memcpy(t->bytes, bytes, n);
	e = task_ask(task, move, t);
	if (!e && t->done < n)
		e = -EIO;
	if (!e)
		memcpy(bytes, t->bytes, n);
	fam_free(t);
	return e;
}

CALL6(process_vm_readv, pid, local, local_count, remote, remote_count, flags)
{
	return transfer(pid, local, local_count, remote, remote_count, flags, 0);
}

CALL6(process_vm_writev, pid, local, local_count, remote, remote_count, flags)
{
	return transfer(pid, local, local_count, remote, remote_count, flags, 1);
}

/* ---- /proc/PID/pagemap: Documentation/admin-guide/mm/pagemap.rst */
#define MAP_PAGES 4
#define WORDS ((MAP_PAGES * PAGE - 2 * sizeof(uint64_t)) / sizeof(uint64_t))
#define PAGE_PRESENT   (1ul << 63)
#define PAGE_SWAPPED   (1ul << 62) /* bits 0-4: which place, 5-54: where there */
#define PAGE_OF_FILE   (1ul << 61) /* or shared anonymous memory */
#define PAGE_EXCLUSIVE (1ul << 56)

struct words { uint64_t first, count, word[]; };

static uint64_t word_of(uint64_t va)
{
	const struct region *r = region_find(va);
	uint64_t frame = frame_at(va), word = PAGE_PRESENT | frame;
	const volatile struct exo_frame_rec *rec = &rt_frames[frame];

	if (rec->maps <= 1)
		word |= PAGE_EXCLUSIVE;
	if (r && (r->flags & REGION_SHARED || (r->inode && rec->owner != EXO_NAME_INDEX(P->self))))
		word |= PAGE_OF_FILE;
	return word;
}

static void words_make(void *with)
{
	struct words *w = with;
	uint64_t end = (w->first + w->count) * PAGE;

	memset(w->word, 0, w->count * sizeof *w->word);
	for (uint64_t va = w->first * PAGE; (va = present_from(va, end)) < end; va += PAGE)
		if (region_find(va))
			w->word[va / PAGE - w->first] = word_of(va);
	for (uint64_t va = w->first * PAGE; (va = swap_from(va, end)) < end; va += PAGE)
		w->word[va / PAGE - w->first] = PAGE_SWAPPED | (uint64_t)*swap_slot(va) << 5;
}

long move_pagemap(const struct proc_node *of, struct io *io, uint64_t at, int writes)
{
	struct thread *th = thread_by_tid(of->pid);
	uint64_t first = at / sizeof(uint64_t), left = io->total / sizeof(uint64_t);
	const uint64_t end = (EXO_WINDOW + EXO_SLOT_SIZE) / PAGE;
	long done = 0, e = 0;
	struct words *w;

	if (writes || at % sizeof(uint64_t) || io->total % sizeof(uint64_t))
		return -EINVAL;
	if (!th || th->task->state != TASK_ALIVE || first >= end)
		return 0;
	if (!(w = fam_pages(MAP_PAGES)))
		return -ENOMEM;
	left = MIN_OF(left, end - first);
	for (int pid = th->task->pid; left && !e; left -= w->count) {
		struct task *task = task_by_pid(pid);

		w->first = first;
		w->count = MIN_OF(left, WORDS);
		e = task ? task_ask(task, words_make, w) : -ESRCH;
		if (!e && io_put(io, w->word, w->count * sizeof *w->word))
			e = -EFAULT;
		if (e)
			break;
		done += (long)(w->count * sizeof *w->word);
		first += w->count;
		family_progress();
	}
	fam_pages_free(w, MAP_PAGES);
	return done ? done : e;
}
