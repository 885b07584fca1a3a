/* SPDX-License-Identifier: MIT */
/* Who waits at an object: its list, and the set of lists that one thread stands in while it sleeps. */
#include <asm/errno.h>
#include <asm/poll.h>
#include <family/memory.h>
#include "run.h"
#include "thread.h"
#include "wait.h"

void waiter_join(struct wait_list *list, struct waiter *w)
{
	w->next = list->first;
	w->at = &list->first;
	if (w->next)
		w->next->at = &w->next;
	list->first = w;
}

void waiter_leave(struct waiter *w)
{
	if (!w->at)
		return;
	*w->at = w->next;
	if (w->next)
		w->next->at = w->at;
	w->at = NULL;
}

void waiters_told(struct wait_list *list, uint32_t events)
{
	int is_one = 0; /* that was exclusive has woken somebody */

	for (struct waiter *w = list->first; w; w = w->next) {
		family_progress(); /* it may be one of many */
		if (!(w->events & events) || (is_one && w->is_exclusive))
			continue;
		if (w->tell(w) && w->is_exclusive)
			is_one = events != WAIT_ANY;
	}
}

void waiters_end(struct wait_list *list)
{
	struct waiter *w;

	while ((w = list->first)) {
		family_progress();
		waiter_leave(w);
		(void)w->tell(w);
	}
}

/* A thread that sleeps for its set wakes; one that was woken already looks anyway. */
static int thread_tell(struct waiter *w)
{
	struct thread *th = w->owner;

	if (!w->at)
		th->waits_for->is_stale = 1;
	if (th->channel == WAITS_CHANNEL)
		thread_run(th);
	return 1;
}

int waits_begin(uint64_t room)
{
	struct waits *of = fam_alloc(sizeof(*of) + room * sizeof(of->waiter[0]));

	if (!of)
		return -ENOMEM;
	of->room = room;
	current_thread()->waits_for = of;
	return 0;
}

void waits_add(struct wait_list *list, uint32_t events)
{
	struct thread *th = current_thread();
	struct waits *of = th->waits_for;
	struct waiter *w;

	if (of->count == of->room)
		return;
	w = &of->waiter[of->count++];
	*w = (struct waiter){ .tell = thread_tell, .owner = th, .events = events | WAIT_SURE };
	waiter_join(list, w);
}

int waits_sleep(uint64_t deadline) { return sleep_on(WAITS_CHANNEL, deadline); }

void waits_end(struct thread *th)
{
	struct waits *of = th->waits_for;

	if (!of)
		return;
	for (uint64_t i = 0; i < of->count; i++) {
		family_progress();
		waiter_leave(&of->waiter[i]);
	}
	th->waits_for = NULL;
	fam_free(of);
}
