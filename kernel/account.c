/* SPDX-License-Identifier: MIT */
/* Accounts: five counters that an env draws on. An account has the index of the env it was made for and outlives it until nobody draws on it. */
#include "kernel.h"

bool account_charge(uint16_t account, int count, uint32_t n)
{
	struct exo_env *a = &envs[account];
	if (n > a->limit[count] - a->used[count])
		return false;
	a->used[count] += n;
	return true;
}

void account_refund(uint16_t account, int count, uint32_t n)
{
	struct exo_env *a = &envs[account];
	assert(a->used[count] >= n);
	a->used[count] -= n;
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
