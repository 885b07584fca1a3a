/* SPDX-License-Identifier: MIT */
/* The end of an env: marked in O(1), taken down in bounded steps by whoever pushes (a creator that waits, the idle loop). What others still use is
 * disowned and stays charged to the account. */
#include "kernel.h"

static struct env *dying; /* first in line; pushed by name in any order */

static void link_out(struct env *e)
{
	*(e->dying_back ? &e->dying_back->dying_next : &dying) = e->dying_next;
	if (e->dying_next)
		e->dying_next->dying_back = e->dying_back;
}

static void child_unlink(struct env *e)
{
	if (e->sibling_back)
		e->sibling_back->sibling = e->sibling;
	else if (e->creator)
		e->creator->child = e->sibling;
	if (e->sibling)
		e->sibling->sibling_back = e->sibling_back;
	e->sibling = e->sibling_back = NULL;
}

/* The eldest living ancestor takes over. */
static void child_move(struct env *child, struct env *to)
{
	child_unlink(child);
	child->creator = to;
	envs[child->index].creator = to->index;
	child->sibling = to->child;
	if (to->child)
		to->child->sibling_back = child;
	to->child = child;
	if (envs[child->index].state == EXO_S_STUCK)
		sched_event(to, EXO_PEND_CHILD);
}

static void finish(struct env *e)
{
	struct env *creator = e->creator;
	uint32_t index = e->index, group[EXO_EF_COUNT];
	exo_name name = e->name;

	link_out(e);
	child_unlink(e);
	window_clear(e);
	for (int i = 0; i < EXO_EF_COUNT; i++)
		group[i] = e->group[i];
	for (int i = 0; i < EXO_EF_COUNT; i++) {
		frames[group[i]].pins = 0;
		frames[group[i]].flags &= (uint8_t)~EXO_F_ROOT_USED;
		if (group[i] != group[EXO_EF_RECORD])
			frame_release(group[i]); /* somebody may still read the root */
	}
	frame_unchain(group[EXO_EF_RECORD]);
	records_clear(index);
	frame_free(group[EXO_EF_RECORD]);
	envs[index].name = 0;
	envs[index].state = EXO_S_FREE;
	account_retire((uint16_t)index); /* or later, when the last frame that is charged to it goes */
	if (creator) {
		creator->exo->ended = name;
		creator->exo->ended_count++;
		sched_event(creator, EXO_PEND_CHILD);
	}
}

/* Whether there is time left for letting the frame go: it is taken. */
static bool time_for(const struct exo_frame_rec *f, int *left)
{
	bool holds = *left > (f->type == EXO_RUN ? STRETCH - 1 : 0);
	*left -= f->type == EXO_RUN ? COST_RUN : COST_FRAME;
	return holds;
}

/* One bounded step; true when e is gone. */
static bool step(struct env *e)
{
	if (e->child) {
		child_move(e->child, e->creator);
		return false;
	}
	if (e->made) {
		accounts_teardown(e);
		return false;
	}
	if (e->home_count) {
		homes_teardown(e);
		return false;
	}
	if (pci_waits(e)) {
		pci_teardown(e);
		return false;
	}
	if (e->dying_table) {
		if (table_teardown(e, e->dying_table, &e->dying_index))
			e->dying_table = 0;
		return false;
	}
	int left = STRETCH;
	while (e->chain) {
		uint32_t pfn = e->chain;
		struct exo_frame_rec *f = &frames[pfn];
		if (left <= 0)
			return false;
		if (table_is_stranded(f)) {
			e->dying_table = pfn;
			e->dying_index = 0;
			return false;
		}
		if (!frame_is_counted(f)) {
			if (!time_for(f, &left))
				return false;
			frame_free(pfn);
			continue;
		}
		/* Group, or still counted: perhaps by a table of this env that comes later. Second chain. */
		frame_park(pfn, e);
		left -= COST_PARK;
	}
	for (;;) {
		uint32_t pfn = e->dying_rest;
		/* The group goes last. What another driver pins is disowned. */
		while (pfn && frames[pfn].pins && frames[pfn].type != EXO_DATA && frames[pfn].type != EXO_RUN)
			pfn = frames[pfn].next;
		if (!pfn) {
			if (left < COST_FINISH)
				return false;
			finish(e);
			return true;
		}
		/* Its last link went with another env's end: nothing reaches what is in it. */
		if (table_is_stranded(&frames[pfn])) {
			frame_unchain(pfn);
			frame_chain(pfn, e);
			return false;
		}
		if (!time_for(&frames[pfn], &left))
			return false;
		frame_release(pfn);
	}
}

bool teardown_waits(void) { return dying != NULL; }
/* Who waits for a device keeps nobody else waiting. */
void teardown_push(void)
{
	struct env *e = dying;
	while (e->dying_next && pci_waits(e))
		e = e->dying_next;
	step(e);
}

static void mark(struct env *e)
{
	envs[e->index].state = EXO_S_DYING;
	e->dying_next = dying;
	if (dying)
		dying->dying_back = e;
	dying = e;
	sched_forget(e);
	pct_forget(e);
	revoke_forget(e);
	dev_teardown(e);
}

int64_t op_env_kill(uint64_t name)
{
	struct env *me = current_env(), *e = name ? env_by_name(name) : me;
	if (!e)
		return -EXO_ESTALE;
	if (envs[e->index].state != EXO_S_DYING) {
		if (e != me && !env_is_under(e))
			return -EXO_EPERM;
		if (e == first_env())
			machine_off(0, 255);
		mark(e);
		if (e == me) {
			sched_leave();
			return 0;
		}
	}
	do {
		if (step(e))
			return 0;
	} while (!pci_waits(e) && !interrupt_waits());
	return -EXO_EAGAIN;
}
