/* SPDX-License-Identifier: MIT */
/* By which entries the kernel comes into an env. The monitor says where each lies (start.c): who makes an env, or
 * diverts its calls, asks for nothing of what stands behind them. */
#include "library.h"

_Static_assert(WAYS == SAID_ENTRIES, "a row for each");

/* What the caller's env and its children have. */
static unsigned way(void)
{
	unsigned traced = F->strace || F->env_names ? WAY_TRACED : 0;

	return traced | (P->thread && P->thread->seccomp_mode ? WAY_FILTERED : 0);
}

static void entries_of(unsigned way, uint64_t entry[EXO_ENTRY_COUNT])
{
	for (unsigned i = 0; i < EXO_ENTRY_COUNT; i++)
		entry[i] = SAID->entry[way][i];
}

void env_entries(uint64_t entry[EXO_ENTRY_COUNT]) { entries_of(way(), entry); }

void calls_divert(void)
{
	uint64_t entry[EXO_ENTRY_COUNT];

	entries_of(P->calls_traced ? WAY_TRACED | WAY_FILTERED : way(), entry);
	(void)gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)entry, 0);
}

void calls_trace(void)
{
	if (P->calls_traced)
		return;
	P->calls_traced = 1;
	calls_divert();
}

void calls_untrace(void)
{
	if (!P->calls_traced || P->thread_count > 1)
		return;
	P->calls_traced = 0;
	calls_divert();
}
