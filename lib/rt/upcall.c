/* SPDX-License-Identifier: MIT */
/* The C half of the upcall entries: takes what is pending, registers the entries. */
#include <rt/rt.h>

void rt_upcall_pending(struct rt_regs *regs);

void rt_upcall_pending(struct rt_regs *regs)
{
	volatile struct exo_page *exo = rt_page();
	uint32_t bits;

	exo->disabled = 1;
	while ((bits = __atomic_exchange_n(&exo->pending, 0, __ATOMIC_SEQ_CST)) != 0)
		rt_on_async(regs, bits);
}

void rt_entries_fill(uint64_t entry[EXO_ENTRY_COUNT])
{
	entry[EXO_ENTRY_FAULT] = (uint64_t)rt_fault_entry;
	entry[EXO_ENTRY_ASYNC] = (uint64_t)rt_async_entry;
	entry[EXO_ENTRY_FOREIGN] = (uint64_t)rt_foreign_entry;
	entry[EXO_ENTRY_INT80] = (uint64_t)rt_int80_entry;
}

int64_t rt_entries_set(void)
{
	uint64_t entry[EXO_ENTRY_COUNT];
	int64_t r;

	rt_entries_fill(entry);
	r = gate_env_set(0, EXO_SET_ENTRIES, (uint64_t)entry, 0);
	if (r >= 0)
		rt_page()->disabled = 0;
	return r;
}
