/* SPDX-License-Identifier: MIT */
/* /proc/PID/pagemap: a word for each page of a process's memory, made by itself in its own env (ask.h).
 * Documentation/admin-guide/mm/pagemap.rst. */
#include <posix/file/proc.h>
#include <posix/library.h>
#include "ask.h"

#define CHUNK_PAGES 4
#define WORDS ((CHUNK_PAGES * PAGE - 2 * sizeof(uint64_t)) / sizeof(uint64_t))
#define PAGE_PRESENT   (1ul << 63)
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
	if (!(w = fam_pages(CHUNK_PAGES)))
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
	fam_pages_free(w, CHUNK_PAGES);
	return done ? done : e;
}
