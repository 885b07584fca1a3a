/* SPDX-License-Identifier: MIT */
/* Accounts: five counters that an env draws on. An account has the index of the env it was made for and outlives it until nobody draws on it.
 * Whoever made it may move counts to it or to one below it and back, and end who draws on these. */
#include "kernel.h"

bool account_charge(uint16_t account, int count, uint32_t n)
{
	struct exo_env *a = &envs[account];
	uint64_t used = (uint64_t)a->used[count] + n; /* wide: it cannot wrap, whatever stands there */
	if (used > a->limit[count])
		return false;
	a->used[count] = (uint32_t)used;
	return true;
}

void account_refund(uint16_t account, int count, uint32_t n)
{
	struct exo_env *a = &envs[account];
	int64_t used = (int64_t)a->used[count] - n;
	assert(used >= 0);
	a->used[count] = (uint32_t)used;
	if (!a->used[count] && !a->name)
		account_retire(account);
}

/* An index is free again, and paid for no more, when its env is gone and nothing is charged to the account with it: frames that others hold, envs that draw on it. */
void account_retire(uint16_t account)
{
	while (account) {
		struct exo_env *a = &envs[account];
		if (a->name)
			return;
		for (int c = 0; c < EXO_C_COUNT; c++)
			if (a->used[c])
				return;
		/* The limits go back to where they came from. */
		uint16_t parent = a->account_parent;
		struct env *maker = env_by_index(a->account_maker); /* NULL: nobody's */
		if (maker) {
			assert(maker->made);
			maker->made--;
		}
		a->account_parent = a->account_maker = 0;
		env_index_free(account);
		if (parent) {
			for (int c = 0; c < EXO_C_COUNT; c++) {
				envs[parent].limit[c] += a->limit[c];
				a->limit[c] = 0;
			}
			assert(envs[parent].used[EXO_C_ENVS]);
			envs[parent].used[EXO_C_ENVS]--;
		}
		account = parent;
	}
}

bool account_is_under(uint16_t account, const struct env *maker)
{
	for (; account; account = envs[account].account_parent)
		if (envs[account].account_maker == maker->index)
			return true;
	return false;
}

void accounts_teardown(struct env *e)
{
	for (int left = STRETCH; left > 0 && e->made; left -= COST_ENTRY, e->made_at++) {
		assert(e->made_at < EXO_ENV_MAX);
		if (envs[e->made_at].account_maker != e->index)
			continue;
		envs[e->made_at].account_maker = e->creator->index;
		e->made--;
		e->creator->made++;
		e->creator->made_at = 0;
	}
}

/* Counts go from one account to another: what is not used. */
int64_t account_move(uint16_t from, uint16_t to, uint64_t count, uint64_t n)
{
	struct exo_env *a = &envs[from], *b = &envs[to];
	if (n > a->limit[count] - a->used[count])
		return -EXO_ENOMEM;
	if (n > UINT32_MAX - b->limit[count])
		return -EXO_EOVERFLOW;
	a->limit[count] -= (uint32_t)n;
	b->limit[count] += (uint32_t)n;
	return 0;
}
