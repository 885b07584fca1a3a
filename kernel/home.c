/* SPDX-License-Identifier: MIT */
/* Homes: 1 GiB units of the global address range. A home's one level-2 table gives its addresses their one meaning (table.c keeps homes[].pt2). */
#include "kernel.h"

static int64_t claim(struct env *me, uint64_t unit)
{
	if (homes[unit].owner)
		return -EXO_EBUSY;
	if (homes[unit].pt2)
		return -EXO_EBUSY; /* a former owner's table is still linked somewhere */
	uint32_t slot = me->home_count;
	bool grows = slot && me->home[slot - 1].first + me->home[slot - 1].count == unit;
	if (!grows && slot == ENV_HOMES)
		return -EXO_ENOMEM;
	if (!account_charge(envs[me->index].account, EXO_C_HOMES, 1))
		return -EXO_ENOMEM;
	if (grows) {
		me->home[slot - 1].count++;
	} else {
		me->home[slot].first = (uint32_t)unit;
		me->home[slot].count = 1;
		me->home_count++;
	}
	homes[unit].owner = me->index;
	return 0;
}

/* Takes the unit out of the env's list; a range that is cut in the middle needs one more place. */
static bool unlist(struct env *e, uint64_t unit)
{
	for (uint32_t i = 0; i < e->home_count; i++) {
		uint32_t first = e->home[i].first, count = e->home[i].count, before = (uint32_t)unit - first;
		if (unit < first || before >= count)
			continue;
		uint32_t after = count - before - 1;
		if (before && after) {
			if (e->home_count == ENV_HOMES)
				return false;
			e->home[e->home_count].first = (uint32_t)unit + 1;
			e->home[e->home_count++].count = after;
			e->home[i].count = before;
		} else if (before) {
			e->home[i].count = before;
		} else if (after) {
			e->home[i].first++;
			e->home[i].count = after;
		} else {
			e->home[i] = e->home[--e->home_count];
		}
		return true;
	}
	return false;
}

static int64_t release(struct env *me, uint64_t unit)
{
	if (homes[unit].owner != me->index)
		return -EXO_EPERM;
	if (homes[unit].pt2)
		return -EXO_EBUSY;
	if (!unlist(me, unit))
		return -EXO_ENOMEM;
	homes[unit].owner = 0;
	account_refund(envs[me->index].account, EXO_C_HOMES, 1);
	if (me->opened.unit == unit)
		me->opened.account = 0;
	return 0;
}

/* To the account of env `name`, in place of what stood open before; 0: to none. */
static int64_t open(struct env *me, uint64_t unit, exo_name name, uint64_t rights)
{
	const struct env *to = env_by_name(name);
	if (rights != EXO_OPEN_READ && rights != EXO_OPEN_WRITE)
		return -EXO_EINVAL;
	if (homes[unit].owner != me->index)
		return -EXO_EPERM;
	if (name && !to)
		return -EXO_ESTALE;
	me->opened.unit = (uint32_t)unit;
	me->opened.account = to ? envs[to->index].account : 0;
	me->opened.generation = env_generation[me->opened.account];
	me->opened.rw = rights == EXO_OPEN_WRITE;
	return 1;
}

uint64_t home_opened(uint64_t unit)
{
	const struct env *e = env_by_index(homes[unit].owner);
	uint16_t mine = envs[current_env()->index].account;
	if (!e || !homes[unit].pt2 || e->opened.unit != unit || e->opened.account != mine ||
		e->opened.generation != env_generation[mine])
		return 0;
	return (uint64_t)homes[unit].pt2 << EXO_PAGE_SHIFT | EXO_PTE_P | (e->opened.rw ? EXO_PTE_RW : 0);
}

int64_t op_home_set(uint64_t root, uint64_t what, uint64_t va, uint64_t n)
{
	struct env *me = current_env();
	if (va < EXO_HOMES_BASE || va >= EXO_WINDOW || n == 0)
		return -EXO_EINVAL;
	if (what == EXO_HOME_PRIVATE) {
		uint32_t pfn;
		if (n != 1 || va & (EXO_SLOT_SIZE - 1))
			return -EXO_EINVAL;
		int64_t r = root_resolve(root, &pfn);
		return r < 0 ? r : root_declare_private(pfn, va);
	}
	uint64_t unit = EXO_HOME_OF(va);
	if ((what > EXO_HOME_RELEASE && what != EXO_HOME_OPEN) || va & (EXO_HOME_SIZE - 1) || n > EXO_HOME_COUNT - unit)
		return -EXO_EINVAL;
	unit = index_of(unit, EXO_HOME_COUNT);
	if (what == EXO_HOME_OPEN)
		return open(me, unit, root, n);
	int left = STRETCH;
	for (uint64_t done = 0; done < n; done++) {
		/* A release searches the list of the env's ranges. */
		left -= COST_HOME + (what == EXO_HOME_RELEASE ? COST_LISTED * (int)me->home_count : 0);
		int64_t r = what == EXO_HOME_CLAIM ? claim(me, unit + done) : release(me, unit + done);
		if (r < 0)
			return done ? (int64_t)done : r;
		if (left <= 0 && interrupt_waits())
			return (int64_t)done + 1;
		if (left <= 0)
			left = STRETCH;
	}
	return (int64_t)n;
}

void homes_teardown(struct env *e)
{
	for (int budget = 128; budget && e->home_count; budget--) {
		uint32_t last = e->home_count - 1;
		/* A table that others still link keeps the unit from being claimed until they let go. */
		homes[e->home[last].first + --e->home[last].count].owner = 0;
		account_refund(envs[e->index].account, EXO_C_HOMES, 1);
		if (!e->home[last].count)
			e->home_count--;
	}
}
