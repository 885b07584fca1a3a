/* SPDX-License-Identifier: MIT */
/* Visible revocation: ask, wait for the deadline, take and record. The env that loses an entry reads in its exo page what it was. */
#include "walk.h"

uint32_t revoke_asked;

/* What can be asked of e: all that is charged to an account of its own; on another's, what it owns, and what it let go while something still holds it. */
static uint32_t held(const struct env *e)
{
	const struct exo_env *p = e->public;
	return p->account == e->index ? p->used[EXO_C_FRAMES] : p->frames + p->disowned;
}

static bool owed(struct env *e)
{
	if (!e->revoke_deadline)
		return false;
	if (held(e) > e->revoke_target)
		return true;
	revoke_forget(e);
	return false;
}

void revoke_forget(struct env *e)
{
	revoke_asked -= e->revoke_deadline != 0;
	e->revoke_deadline = 0;
}

bool revoke_owed(struct env *e)
{
	struct env *a = env_by_index(e->public->account);
	return owed(e) || (a && a != e && owed(a));
}

static int64_t ask(struct env *e, uint64_t n, uint64_t deadline)
{
	if (n == 0 || n > held(e) || deadline == 0)
		return -EXO_EINVAL;
	e->revoke_target = held(e) - (uint32_t)n;
	revoke_asked += e->revoke_deadline == 0;
	e->revoke_deadline = deadline;
	e->exo->revoke_count = (uint32_t)n;
	e->exo->revoke_deadline = deadline;
	sched_event(e, EXO_PEND_REVOKE);
	return 0;
}

static void record(struct env *e, uint64_t va, uint32_t pfn)
{
	e->exo->repossession[e->exo->repossessed % EXO_REPOSSESSION].va = va;
	e->exo->repossession[e->exo->repossessed % EXO_REPOSSESSION].pfn = pfn;
	e->exo->repossessed++;
	sched_event(e, EXO_PEND_REVOKE);
}

/* Takes the link of a home of the caller's, a live one, out of e's root. */
static int64_t take_home(struct env *e, uint64_t va)
{
	struct walk w;
	int64_t r = va_in_homes(va) ? walk_to(e->root, va, 3, &w) : -EXO_EINVAL;
	if (r < 0)
		return r;
	uint64_t *entry = &w.table[entry_index(va, 3)];
	uint32_t pfn = entry_pfn(*entry);
	if (!(*entry & EXO_PTE_P))
		return -EXO_ENOENT;
	if (homes[EXO_HOME_OF(va)].owner != current_env()->index || !table_is_live(pfn, va))
		return -EXO_EPERM;
	if (table_links(&frames[pfn]) == 1 && frames[pfn].used)
		return -EXO_EBUSY;
	link_drop(w.pfn, entry, va, 3, false);
	record(e, va, pfn);
	return 1;
}

/* Clears one leaf of e's root, of level 1 unless `at` says 2; `owner` is who must own the frame. Of e's own also what nobody owns and its account is charged for. */
static int64_t take(struct env *e, uint64_t at, struct env *owner)
{
	struct walk w;
	uint64_t va;
	int level;
	int64_t r = at_decode(at & EXO_AT_LEVEL ? at : at | 1, 0, &va, &level);
	if (r == 0 && level == 3 && owner != e)
		return take_home(e, va);
	if (r == 0)
		r = level <= 2 ? walk_to(e->root, va, level, &w) : -EXO_EINVAL;
	if (r < 0)
		return r;
	uint64_t *entry = &w.table[entry_index(va, level)], old = *entry;
	uint32_t pfn = entry_pfn(old);
	if (!(old & EXO_PTE_P) || !entry_is_leaf(old, level))
		return -EXO_ENOENT;
	const struct exo_frame_rec *f = &frames[pfn];
	bool let_go = owner == e && pfn < frame_count && f->owner == 0 && f->account == e->public->account;
	if (pfn >= frame_count || (f->owner != owner->index && !let_go))
		return -EXO_EPERM;
	if (!w.rw)
		return -EXO_ESEALED;
	leaf_clear(&w, e->root, va, entry, false);
	if (owner == e && frames[pfn].owner == e->index && !frames[pfn].pins && !table_is_stranded(&frames[pfn]))
		frame_release(pfn);
	record(e, va, pfn);
	return 1;
}

int64_t op_revoke(uint64_t name, uint64_t what, uint64_t a, uint64_t b)
{
	struct env *me = current_env(), *e = env_by_name(name);
	if (!e || envs[e->index].state == EXO_S_DYING)
		return -EXO_ESTALE;
	if (what > EXO_REVOKE_SLICE)
		return -EXO_EINVAL;
	if (what != EXO_REVOKE_FRAME && !env_is_under(e))
		return -EXO_EPERM;
	switch (what) {
	case EXO_REVOKE_ASK:
		return ask(e, a, b);
	case EXO_REVOKE_TAKE:
		return owed(e) && rdtsc() >= e->revoke_deadline ? take(e, a, e) : -EXO_EBUSY;
	case EXO_REVOKE_FRAME:
		return e != me ? take(e, a, me) : -EXO_EINVAL;
	default:
		return slice_take(a, e);
	}
}
