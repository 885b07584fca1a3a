/* SPDX-License-Identifier: MIT */
/* Random arguments that mostly get past an op's first checks: few addresses, so that things meet, and frames of the caller's. */
#include "model_args.h"

#define SLOT2 (2 * EXO_SLOT_SIZE)

static const uint64_t places[] = {
	0x400000, 0x401000, 0x402000, 0x5ff000, 0x600000, EXO_HOME_SIZE, UNIT(0), UNIT(0) + 0x1000, UNIT(0) + 0x200000, UNIT(1), UNIT(1) + 0x1000, UNIT(2),
	SLOT2, SLOT2 + 0x1000, SLOT2 + 0x200000, 0, 0x8000, EXO_WINDOW - 0x1000, EXO_WINDOW, KERNEL_DIRECT,
};

uint64_t any_va(void) { return places[random_below(random_below(25) ? 15 : 20)]; }

uint64_t any_frame(int type)
{
	uint32_t found = 0, seen = 0;

	if (one_in(25))
		return random_below(WORLD_FRAMES + 2);
	for (uint32_t pfn = current_env()->chain; pfn && seen < 30; pfn = frames[pfn].next)
		if (!type || frames[pfn].type == type)
			if (random_below(++seen) == 0)
				found = pfn;
	return found;
}

uint64_t any_run(void)
{
	uint64_t pfn = any_frame(EXO_RUN);

	for (int tries = 0; tries < 6 && pfn < WORLD_FRAMES && pfn && model[pfn].members < EXO_RUN_FRAMES; tries++)
		pfn = any_frame(EXO_RUN);
	return pfn;
}

uint64_t any_table(int level)
{
	uint64_t pfn = 0;

	for (int tries = 0; tries < 8; tries++) {
		pfn = any_frame(EXO_PT1 + level - 1);
		if (pfn < WORLD_FRAMES && pfn && !model_links((uint32_t)pfn) && !model[pfn].used)
			break;
	}
	return pfn;
}

struct env *any_env(void)
{
	unsigned from = (unsigned)random_below(WORLD_INDEX_MAX);

	for (unsigned i = 0; i < WORLD_INDEX_MAX; i++)
		if (world_env((from + i) % WORLD_INDEX_MAX))
			return world_env((from + i) % WORLD_INDEX_MAX);
	return NULL;
}

uint64_t any_root(void)
{
	uint64_t n = random_below(10);

	return n < 5 ? 0 : n < 9 ? any_table(4) : any_env()->root;
}

static bool is_wanted(uint64_t root, uint64_t va, int level, enum want want)
{
	uint32_t in = model_root(root);

	if (!in || va >= EXO_WINDOW)
		return false;
	struct model_walk w = model_walk(in, va, level), own = model_walk(current_env()->root, va, level);
	bool present = w.entry & EXO_PTE_P;
	switch (want) {
	case REACHED: return w.reached;
	case ABSENT: return w.reached && !present;
	case PRESENT: return present;
	case SHARED: return present && model_links(model_pfn(w.entry)) > 1;
	case CLOSED: return present && !(w.entry & EXO_PTE_RW);
	case SEALABLE: return w.reached && !present && in != current_env()->root && own.entry & EXO_PTE_P;
	case LIVE: return w.reached && !present && own.entry & EXO_PTE_P && model_is_live(model_pfn(own.entry), va);
	}
	return false;
}

uint64_t place_root;
uint64_t place(int level, uint64_t flags, enum want want)
{
	uint64_t va = 0;

	for (int tries = 0; tries < 30; tries++) {
		place_root = any_root();
		va = any_va();
		if (!one_in(50))
			va &= ~((1ul << model_shift(level)) - 1);
		if (is_wanted(place_root, va, level, want))
			break;
	}
	return va | (unsigned)level | flags;
}

uint64_t any_leaf(void)
{
	static const uint64_t rights[] = { 7, 7, 7, 5, 5, 5, 7 | EXO_PTE_NX, 7 | EXO_PTE_A | EXO_PTE_D, 5 | EXO_PTE_AVAIL, 0, EXO_PTE_AVAIL, 7 | 0x80, 3, 5 | EXO_PTE_NX };
	uint64_t r = rights[random_below(14)];

	return r & EXO_PTE_P || one_in(20) ? any_frame(one_in(10) ? 0 : EXO_DATA) << 12 | r : r;
}

uint64_t any_count(void) { return one_in(8) ? 1 + random_below(700) : one_in(4) ? 1 + random_below(4) : 1; }
uint64_t give_flag(void) { return one_in(3) ? EXO_AT_GIVE : 0; }

uint32_t room(uint16_t account, int count) { return envs[account].limit[count] - envs[account].used[count]; }

uint64_t *list_page(bool write)
{
	uint64_t e = leaf_seen(current_env()->root, WORLD_PAGE);

	return !(e & EXO_PTE_P) || (write && !(e & EXO_PTE_RW)) ? NULL : pa_ptr(e & EXO_PTE_ADDR);
}
