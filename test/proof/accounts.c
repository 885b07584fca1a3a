/* SPDX-License-Identifier: MIT */
/* Accounts: what is charged, given back, and moved; and pins and counts of envs. */
#include "../../kernel/account.c"
#include "../../kernel/home.c"
#include "prove.h"

static void charged(void)
{
	any_state();
	account_charge(ME, (int)any(0, EXO_C_COUNT - 1), any32());
}

static void refunded(void)
{
	any_state();
	account_refund(ME, (int)any(0, EXO_C_COUNT - 1), any32());
}

/* An account that is used up goes, and what it drew on with it. */
static void retired(void)
{
	any_state();
	account_retire(KIN);
}

static void home_claimed(void)
{
	any_state();
	env_store[ME].home_count = (uint32_t)any(0, ENV_HOMES);
	env_store[ME].home[0].first = (uint32_t)any(0, EXO_HOME_COUNT - 1);
	env_store[ME].home[0].count = (uint32_t)any(1, EXO_HOME_COUNT);
	claim(&env_store[ME], any(0, EXO_HOME_COUNT - 1));
}

void prove(void)
{
	charged();
	refunded();
	retired();
	home_claimed();
}
