/* SPDX-License-Identifier: MIT */
/* The end of an env: marked in O(1), taken down in bounded steps by whoever pushes (a creator that waits, the idle loop). What others still use is
 * disowned and stays charged to the account. */
#include "kernel.h"

static struct env *dying; /* first in line; pushed by name in any order */

static void link_out(struct env *e)
{
	for (struct env **p = &dying; *p; p = &(*p)->dying_next)
		if (*p == e) {
			*p = e->dying_next;
			return;
		}
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
	envs[child->index].creator = to->name;
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
	uint16_t account = envs[index].account, env_account = e->env_account;
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
	envs[index].name = 0;
	envs[index].state = EXO_S_FREE;
	records_clear(index);
	frame_free(group[EXO_EF_RECORD]);
	account_refund(env_account, EXO_C_ENVS, 1);
	envs[account].account_users--;
	account_retire(account);
	if (account != index)
		account_retire((uint16_t)index);
	if (creator) {
		creator->exo->ended = name;
		creator->exo->ended_count++;
		sched_event(creator, EXO_PEND_CHILD);
	}
}

/* One bounded step; true when e is gone. */
static bool step(struct env *e)
{
	if (e->child) {
		child_move(e->child, e->creator);
		return false;
	}
	if (!homes_teardown(e))
		return false;
	if (e->dying_table) {
		if (!table_teardown(e, e->dying_table, &e->dying_index))
			return false;
		e->dying_table = 0;
		return false;
	}
	for (int budget = 64; budget; budget--) {
		uint32_t pfn = e->chain;
		if (!pfn)
			break;
		struct exo_frame_rec *f = &frames[pfn];
		if (table_is_stranded(f)) {
			e->dying_table = pfn;
			e->dying_index = 0;
			return false;
		}
		if (!frame_is_counted(f)) {
			bool run = f->type == EXO_RUN;
			frame_free(pfn);
			if (run)
				return false;
			continue;
		}
		/* Group, or still counted: perhaps by a table of this env that comes later. Second chain. */
		frame_unchain(pfn);
		frame_park(pfn, e);
	}
	if (e->chain)
		return false;
	for (int budget = 64; budget; budget--) {
		uint32_t pfn = e->dying_rest;
		while (pfn && frames[pfn].pins)
			pfn = frames[pfn].next;
		if (!pfn) {
			finish(e);
			return true;
		}
		/* Its last link went with another env's end: nothing reaches what is in it. */
		if (table_is_stranded(&frames[pfn])) {
			frame_unchain(pfn);
			frame_chain(pfn, e);
			return false;
		}
		budget = frames[pfn].type == EXO_RUN ? 1 : budget;
		frame_release(pfn);
	}
	return false;
}

bool teardown_push(void)
{
	if (dying)
		step(dying);
	return dying != NULL;
}

static void mark(struct env *e)
{
	envs[e->index].state = EXO_S_DYING;
	e->dying_next = dying;
	dying = e;
	sched_forget(e);
	pct_forget(e);
	dev_teardown(e);
}

int64_t op_env_kill(uint64_t name)
{
	struct env *me = current_env(), *e = name ? env_by_name(name) : me;
	if (!e)
		return -EXO_ESTALE;
	if (envs[e->index].state != EXO_S_DYING) {
		if (e != me && !env_is_child(e))
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
	} while (!interrupt_waits());
	return -EXO_EAGAIN;
}
