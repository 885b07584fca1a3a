/* SPDX-License-Identifier: MIT */
/* Threads of an env: their records and numbers, their slots (library stack, vector state), and the switch from one to
 * the next, which needs no kernel.
 *
 * A switch is made only inside the library, by sched.c: upcalls are off there, so threads of one env never interrupt
 * one another's library code. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/page.h>
#include <family/family.h>
#include <posix/process/task.h>
#include "needs.h"
#include "run.h"
#include "xstate.h"

/* thread_switch.S */
void stack_switch(uint64_t *keep, uint64_t rsp);
void thread_first(void);

#define SLOT_SIZE  (SLOT_PAGES * PAGE)
#define SLOTS_MAX  ((PRIVATE_LEAVES_FAR - PRIVATE_THREADS) / SLOT_SIZE)
#define XSAVE_PAGE (1 + LIBRARY_STACK_PAGES) /* of a slot; the stack lies below, the guard below that */
_Static_assert(XSAVE_PAGE < SLOT_PAGES, "a slot holds guard, stack and image");

static uint64_t slot_base(uint32_t slot) { return PRIVATE_BASE + PRIVATE_THREADS + slot * SLOT_SIZE; }
static void *slot_xsave(uint32_t slot) { return (void *)(slot_base(slot) + XSAVE_PAGE * PAGE); }
/* The first thread of an env has the stack that the env came with. */
static uint64_t slot_stack(uint32_t slot) { return slot ? slot_base(slot) + XSAVE_PAGE * PAGE : LIBRARY_STACK_TOP; }

/* n new pages at va, in a table of this env's own. */
static int pages_make(uint64_t va, uint64_t n)
{
	uint64_t list[2];
	int64_t r;

	if (frames_claim(list, n))
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i++)
		list[i] = list[i] << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX;
	r = entries_write(0, va, n, (uint64_t)list, EXO_AT_LIST, 0);
	if (r == -EXO_ENOENT) {
		r = table_new(va, 2);
		if (r >= 0)
			r = entries_write(0, va, n, (uint64_t)list, EXO_AT_LIST, 0);
	}
	if (r >= 0)
		return 0;
	for (uint64_t i = 0; i < n; i++)
		list[i] = (list[i] & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT;
	frames_release(list, n);
	return -ENOMEM;
}

int slot_page_serve(uint64_t va)
{
	uint64_t offset = va - slot_base(0), page = offset % SLOT_SIZE / PAGE;

	if (va >= PRIVATE_BASE + PRIVATE_STACK && va < LIBRARY_STACK_TOP)
		return pages_make(PAGE_DOWN(va), 1);
	if (offset >= P->slot_count * SLOT_SIZE || page < 1 || page > XSAVE_PAGE)
		return -EFAULT;
	return pages_make(PAGE_DOWN(va), 1);
}

/* A slot's first page of stack and its image are there from the start: a thread needs them at once. */
static uint32_t slot_take(void)
{
	uint32_t slot = P->slot_free;

	if (slot) {
		P->slot_free = *(uint32_t *)slot_xsave(slot);
		return slot;
	}
	if (P->slot_count >= SLOTS_MAX || pages_make(slot_base(P->slot_count) + (XSAVE_PAGE - 1) * PAGE, 2))
		return 0;
	return P->slot_count++;
}

static void slot_give(uint32_t slot)
{
	*(uint32_t *)slot_xsave(slot) = P->slot_free;
	P->slot_free = slot;
}

static struct thread **tid_place(int tid) { return &F->by_tid[(uint32_t)tid & (F->tid_size - 1)]; }

/* Twice the room, which stays. */
static void tids_grow(void)
{
	struct thread **had = F->by_tid, **more = fam_pages(F->tid_size * 2 * sizeof(*more) / PAGE);
	uint32_t size = F->tid_size;

	if (!more)
		return;
	F->by_tid = more;
	F->tid_size = size * 2;
	for (uint32_t i = 0; i < size; i++)
		if (had[i])
			*tid_place(had[i]->tid) = had[i];
	if (size > TIDS_FIRST)
		fam_pages_free(had, size * sizeof(*had) / PAGE);
}

static int tid_take(void)
{
	int most;

	if (F->tid_count >= F->tid_size / 4 * 3 && F->tid_size < TIDS_MAX)
		tids_grow();
	most = (int)F->tid_size * 8;
	for (uint32_t i = 0; i < F->tid_size; i++) {
		int tid = F->last_tid + 1 + (int)i;

		if (tid >= most)
			tid -= most - 2;
		if (!*tid_place(tid)) {
			F->last_tid = tid;
			return tid;
		}
	}
	return 0;
}

struct thread *thread_new(struct task *t, int tid)
{
	struct thread *th = fam_alloc(sizeof *th), **at = &t->threads;

	if (!th)
		return 0;
	th->tid = tid ? tid : tid_take();
	if (!th->tid) {
		fam_free(th);
		return 0;
	}
	F->tid_count += !*tid_place(th->tid);
	*tid_place(th->tid) = th;
	th->task = t;
	th->slack_ns = th->slack_usual_ns = 50000;
	/* Behind the leader, so that a thread of many is found and left at the same cost. */
	if (*at)
		at = &(*at)->next;
	th->next = *at;
	*at = th;
	t->thread_count++;
	return th;
}

void thread_free(struct thread *th)
{
	struct thread **at = &th->task->threads;

	while (*at != th)
		at = &(*at)->next;
	*at = th->next;
	*tid_place(th->tid) = 0;
	F->tid_count--;
	if (F->running == th) {
		F->running = 0;
		F->told.running = 0;
	}
	fam_free(th);
}

void thread_renumber(struct thread *th, int tid)
{
	F->tid_count -= !!*tid_place(tid);
	*tid_place(th->tid) = 0;
	*tid_place(tid) = th;
	th->tid = tid;
}

void thread_first_of(struct thread *th)
{
	struct thread **at = &th->task->threads;

	while (*at != th)
		at = &(*at)->next;
	*at = th->next;
	th->next = th->task->threads;
	th->task->threads = th;
}

struct thread *thread_by_tid(int tid)
{
	struct thread *th = tid > 0 ? *tid_place(tid) : 0;

	return th && th->tid == tid ? th : 0;
}

struct thread *current_thread(void) { return P->thread; }

int thread_rename(int tid, const char *name, size_t n)
{
	struct thread *th = thread_by_tid(tid);
	char comm[16] = "";

	if (!th || th->task != P->task)
		return -EINVAL;
	memcpy(comm, name, n < sizeof comm - 1 ? n : sizeof comm - 1);
	thread_set_name(th, comm);
	return 0;
}

static int is_leader(const struct thread *th) { return th->tid == th->task->pid; }
const char *thread_name(const struct thread *th) { return is_leader(th) ? th->task->name : th->name; }
void thread_set_name(struct thread *th, const char name[16]) { memcpy(is_leader(th) ? th->task->name : th->name, name,
	16); }

const void *thread_xsave(const struct thread *th) { return slot_xsave(th->slot); }

/* thread_switch.S: the first steps of a thread, on its own library stack. */
void thread_begin(struct thread_start *start)
{
	P->regs = start->regs;
	xstate_load(slot_xsave(P->thread->slot));
	fs_base_set(start->fs);
	gs_base_set(start->gs);
}

int thread_start(struct thread *th, const struct user_regs *regs, uint64_t fs, uint64_t gs, void (*go_on)(void))
{
	struct thread_start *start;
	uint64_t *rsp;

	th->slot = slot_take();
	if (!th->slot)
		return -ENOMEM;
	start = (struct thread_start *)(slot_stack(th->slot) & ~15ul) - 1;
	*start = (struct thread_start){ *regs, fs, gs };
	xstate_save(slot_xsave(th->slot));
	/* As stack_switch leaves a stack: six registers, of which rbx is the last, and where to go on, twice. */
	rsp = (uint64_t *)((uint64_t)start & ~15ul) - 9;
	memset(rsp, 0, 9 * sizeof *rsp);
	rsp[5] = (uint64_t)start;
	rsp[6] = (uint64_t)thread_first;
	rsp[7] = (uint64_t)go_on;
	th->kept_rsp = (uint64_t)rsp;
	th->kept = start;
	P->thread_count++;
	return 0;
}

void thread_switch(struct thread *to)
{
	struct thread *me = P->thread;
	struct thread_start kept;
	uint64_t nowhere;

	if (me) {
		kept.regs = P->regs;
		kept.fs = fs_base_get();
		kept.gs = gs_base_get();
		me->kept = &kept;
		xstate_save(slot_xsave(me->slot));
		me->on = 0;
	}
	to->on = 1;
	P->thread = to;
	P->task = to->task;
	P->stack = slot_stack(to->slot);
	stack_switch(me ? &me->kept_rsp : &nowhere, to->kept_rsp);
	P->regs = kept.regs;
	xstate_load(slot_xsave(me->slot));
	fs_base_set(kept.fs);
	gs_base_set(kept.gs);
}

void thread_detach(void)
{
	if (P->thread->slot)
		slot_give(P->thread->slot);
	P->thread->on = 0;
	P->thread = 0;
	P->thread_count--;
}
