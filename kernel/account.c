/* SPDX-License-Identifier: MIT */
/* Accounts: five counters that an env draws on. An account has the index of the env it was made for and outlives it until nobody draws on it. */
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
	if (a->account_users == 0)
		account_retire(account);
}

void account_retire(uint16_t account)
{
	while (account) {
		struct exo_env *a = &envs[account];
		if (a->account_users || a->name)
			return;
		for (int c = 0; c < EXO_C_COUNT; c++)
			if (a->used[c])
				return;
		/* The limits go back to where they came from. */
		uint16_t parent = a->account_parent;
		a->account_parent = 0;
		env_index_free(account);
		if (parent) {
			for (int c = 0; c < EXO_C_COUNT; c++) {
				envs[parent].limit[c] += a->limit[c];
				a->limit[c] = 0;
			}
			envs[parent].account_users--;
		}
		account = parent;
	}
}
