/* SPDX-License-Identifier: MIT */
/* The binding core at random: ops that mostly get past their first checks, by several envs, with a census after them. */
#include "world.h"
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t places[] = {
	LOW, LOW + 0x1000, LOW + 0x2000, LOW + 0x1ff000, 0x600000, EXO_HOME_SIZE, HOME, HOME + 0x1000, HOME + 0x200000, HOME + EXO_HOME_SIZE, HOME + 2 * EXO_HOME_SIZE,
	2 * EXO_SLOT_SIZE, 2 * EXO_SLOT_SIZE + 0x1000, 2 * EXO_SLOT_SIZE + 0x200000, 3 * EXO_SLOT_SIZE, 0, 0x8000, EXO_WINDOW - 0x1000, EXO_WINDOW, KERNEL_DIRECT,
};

static uint64_t any_va(void)
{
	uint64_t n = random_below(20);

	/* Mostly the first few: so that things meet. */
	return places[n < 3 ? random_below(sizeof places / sizeof *places) : random_below(14)];
}

static uint64_t any_at(int level, uint64_t flags)
{
	uint64_t va = any_va();

	if (random_below(30) && level >= 1 && level <= 4)
		va &= ~((1ul << (12 + 9 * (level - 1))) - 1);
	return va | (unsigned)level | flags;
}

/* Mostly a frame of the caller's, of that type when there is one. */
static uint64_t any_frame(int type)
{
	uint32_t found = 0, seen = 0;

	if (random_below(12) == 0)
		return random_below(WORLD_FRAMES + 2);
	for (uint32_t pfn = current_env()->chain; pfn && seen < 40; pfn = frames[pfn].next)
		if (!type || frames[pfn].type == type)
			if (random_below(++seen) == 0)
				found = pfn;
	return found;
}

static struct env *any_env(void)
{
	unsigned from = (unsigned)random_below(WORLD_INDEX_MAX);

	for (unsigned i = 0; i < WORLD_INDEX_MAX; i++)
		if (world_env((from + i) % WORLD_INDEX_MAX))
			return world_env((from + i) % WORLD_INDEX_MAX);
	test_fail("no env is left");
}

static uint64_t any_root(void)
{
	uint64_t n = random_below(8);

	return n < 4 ? 0 : n < 7 ? any_frame(EXO_PT4) : any_env()->root;
}

/* The entry of va at that level in a root (0 = the caller's); NULL when no table is there. */
static uint64_t *entry_of(uint64_t root, uint64_t va, int level)
{
	uint64_t *table = pfn_ptr(root ? root : current_env()->root);

	if (root >= WORLD_FRAMES || (root && frames[root].type != EXO_PT4) || va >= EXO_WINDOW)
		return NULL;
	for (int l = 4;; l--) {
		uint64_t *e = &table[va >> (12 + 9 * (l - 1)) & 511];

		if (l == level)
			return e;
		if (!(*e & EXO_PTE_P))
			return NULL;
		table = pa_ptr(*e & EXO_PTE_ADDR);
	}
}

enum want { REACHED, ABSENT, PRESENT, SEALABLE, LINKABLE, SHARED };

static bool is_wanted_entry(uint64_t root, uint64_t va, int level, enum want want)
{
	const uint64_t *e = entry_of(root, va, level), *own;

	if (!e)
		return false;
	bool present = *e & EXO_PTE_P;
	switch (want) {
	case REACHED:
		return true;
	case ABSENT:
		return !present;
	case PRESENT:
		return present;
	case SHARED:
		return present && table_links(&frames[*e >> EXO_PAGE_SHIFT & 0xffffffffff]) > 1;
	case SEALABLE: case LINKABLE:
		own = entry_of(0, va, level);
		return !present && own && *own & EXO_PTE_P && (want == LINKABLE || root);
	}
	return false;
}

/* A root and an `at` that promise to get past the first checks: mostly. */
static uint64_t place_root;
static uint64_t place(int level, uint64_t flags, enum want want)
{
	uint64_t at;

	for (int tries = 0; tries < 40; tries++) {
		place_root = any_root();
		at = any_at(level, flags);
		if (is_wanted_entry(place_root, at & ~(EXO_PAGE_SIZE - 1), level, want))
			break;
	}
	return at;
}

static uint64_t any_leaf(void)
{
	static const uint64_t rights[] = { RW, RW, RW, RO, RO, RW | EXO_PTE_NX, RW | EXO_PTE_A | EXO_PTE_D, 0, RW | 0x80, EXO_PTE_AVAIL };
	uint64_t r = rights[random_below(10)];

	return r & EXO_PTE_P ? any_frame(random_below(10) ? EXO_DATA : 0) << EXO_PAGE_SHIFT | r : r;
}

static uint64_t any_count(void)
{
	return random_below(10) ? 1 : random_below(700);
}

static int64_t random_op(void)
{
	static const uint64_t change[] = { EXO_PTE_RW, EXO_PTE_RW, EXO_PTE_A | EXO_PTE_D, EXO_PTE_NX, 0, EXO_PTE_RW | EXO_PTE_A, EXO_PTE_P };
	int level = 1 + (int)random_below(4);
	uint64_t give = random_below(3) ? 0 : EXO_AT_GIVE, pfn, at, proof, *entry;

	switch (random_below(21)) {
	case 0: case 1:
		return op_frame_claim(random_below(WORLD_FRAMES), 1 + random_below(3), 0, 0);
	case 2:
		return op_frame_claim(EXO_ANY, 1 + random_below(4), any_va() + random_below(512) * 8, 0);
	case 3:
		return op_frame_claim(random_below(2) ? random_below(WORLD_FRAMES) : any_frame(0), 1, 0, any_at(level, 0));
	case 4:
		return op_frame_give(any_frame(0), 1, random_below(3) ? 0 : any_env()->name);
	case 5: case 6:
		return op_frame_type(any_frame(random_below(2) ? EXO_DATA : 0), 1, EXO_DATA + random_below(5), random_below(4) ? 0 : EXO_F_SHARED);
	case 7: case 8:
		at = place(1, give, random_below(2) ? REACHED : ABSENT);
		return op_pte_write(place_root, at, 1, any_leaf(), 0, random_below(3) ? 0 : any_va());
	case 9:
		/* Another's frame, by a proof that may hold. */
		proof = place(1, 0, PRESENT) & ~(EXO_PAGE_SIZE - 1);
		entry = entry_of(0, proof, 1);
		at = place(1, give, ABSENT);
		return op_pte_write(place_root, at, 1, entry ? *entry & (EXO_PTE_ADDR | RW) : any_leaf(), 0, proof);
	case 10:
		at = place(1, give | (random_below(2) ? EXO_AT_STEP : EXO_AT_LIST), REACHED);
		return op_pte_write(place_root, at, any_count(), random_below(2) ? any_leaf() : any_va(), 0, random_below(2) ? 0 : any_va());
	case 11:
		at = place(1, give, PRESENT);
		return op_pte_write(place_root, at, any_count(), 0, 0, 0);
	case 12:
		at = place(level, EXO_AT_CHANGE, PRESENT);
		return op_pte_write(place_root, at, any_count(), random_next(), change[random_below(7)], 0);
	case 13:
		at = place(level, give, PRESENT);
		return op_pte_write(place_root, at, any_count(), 0, 0, 0);
	case 14:
		level = 2 + (int)random_below(3);
		pfn = random_below(3) ? table_new(EXO_PT1 + level - 2) : any_frame(EXO_PT1 + level - 2);
		at = place(level, 0, ABSENT);
		return op_pt_link(place_root, at, 1, pfn);
	case 15: case 16:
		at = place(2 + (int)random_below(2), EXO_AT_SEALED, SEALABLE);
		return op_pt_link(place_root, at, any_count(), 0);
	case 17:
		at = place(3, EXO_AT_LIVE | (random_below(2) ? EXO_AT_RW : 0) | (random_below(2) ? EXO_AT_REMAP : 0), LINKABLE);
		return op_pt_link(place_root, at, any_count(), 0);
	case 18:
		level = 2 + (int)random_below(2);
		pfn = random_below(3) ? table_new(EXO_PT1 + level - 2) : any_frame(EXO_PT1 + level - 2);
		at = place(level, give, SHARED);
		return op_pt_copy(place_root, at, pfn, random_below(3) ? 0 : random_below(520), random_below(3) ? 512 : random_below(520));
	case 19:
		return op_home_set(any_env()->name, EXO_HOME_OPEN, any_va() & -EXO_HOME_SIZE, 1 + random_below(2));
	default:
		return op_home_set(any_root(), random_below(4), any_va() & ~(EXO_HOME_SIZE - 1), 1 + random_below(3));
	}
}

/* table_new fails a test when memory is out: what cannot succeed is not tried. */
static bool memory_is_short(uint64_t need)
{
	const struct exo_env *a = &envs[envs[current_env()->index].account];

	return info->frames_free < need || a->used[EXO_C_FRAMES] + need > a->limit[EXO_C_FRAMES];
}

static int64_t random_env_op(void)
{
	struct env *e = any_env();

	switch (random_below(8)) {
	case 0: case 1:
		return memory_is_short(20) ? -1 : world_child(random_below(2) ? 0 : 20 + (uint32_t)random_below(100));
	case 2:
		return e == first_env() ? -1 : op_env_kill(e->name);
	case 3:
		return op_env_set(e->name, EXO_SET_LIMIT, random_below(6), random_below(40));
	case 4:
		return op_revoke(e->name, EXO_REVOKE_FRAME, random_below(2) ? any_va() : (any_va() & -EXO_HOME_SIZE) | 3, 0);
	default:
		/* Pushes what is dying already. */
		return envs[e->index].state == EXO_S_DYING ? op_env_kill(e->name) : -1;
	}
}

/* So that random ops find something to work on. */
static void random_setup(void)
{
	for (unsigned i = 1; i <= WORLD_ENVS; i++) {
		world_run(i);
		if (op_home_set(0, EXO_HOME_CLAIM, HOME + (i - 1) * EXO_HOME_SIZE, 1) == 1)
			mapped_new(HOME + (i - 1) * EXO_HOME_SIZE);
		mapped_new(LOW);
		if (i == 4)
			break;
		tables_make(0, 0x600000);
		op_home_set(0, EXO_HOME_PRIVATE, 2 * EXO_SLOT_SIZE, 1);
		mapped_new(2 * EXO_SLOT_SIZE);
		for (int k = 0; k < 2; k++) {
			uint32_t root = table_new(EXO_PT4);

			op_home_set(root, EXO_HOME_PRIVATE, HOME, 1);
			op_home_set(root, EXO_HOME_PRIVATE, 2 * EXO_SLOT_SIZE, 1);
			op_pt_link(root, 0 | 4, 1, table_new(EXO_PT3));
			op_pt_link(root, HOME | 4, 1, table_new(EXO_PT3));
			op_pt_link(root, (2 * EXO_SLOT_SIZE) | 4, 1, table_new(EXO_PT3));
			if (k) {
				op_pt_link(root, 0 | 3, 1, table_new(EXO_PT2));
				op_pt_link(root, HOME | 3, 1, table_new(EXO_PT2));
			}
		}
	}
}

static void random_round(int ops, unsigned interrupts)
{
	world_make();
	random_setup();
	world_check();
	for (int i = 0; i < ops; i++) {
		world_interrupts = interrupts;
		if (random_below(4) == 0 || envs[current_env()->index].state != EXO_S_READY) {
			world_run(any_env()->index);
			if (envs[current_env()->index].state != EXO_S_READY)
				world_run(1);
		}
		if (memory_is_short(4)) {
			for (int k = 0; k < 10; k++)
				op_frame_give(any_frame(0), 1, 0);
			world_run(1);
			if (memory_is_short(4))
				break;
		}
		(void)(random_below(40) ? random_op() : random_env_op());
		if (i % 8 == 0 || ops < 500)
			world_check();
	}
	world_check();
	world_end();
}

/* A process for each round: the kernel's static data begin anew. UNIT_ROUND names one to be run alone, for the debugger. */
static void random_rounds(uint64_t seed, int rounds, int ops, unsigned interrupts)
{
	const char *only = getenv("UNIT_ROUND");

	for (int round = only ? atoi(only) : 0; round < rounds; round++) {
		pid_t child = only ? 0 : fork();
		int status;

		if (!child) {
			random_seed(seed * 1000 + (uint64_t)round);
			random_round(ops, interrupts);
			_exit(0);
		}
		waitpid(child, &status, 0);
		if (status)
			test_fail(" (round %d, status 0x%x)", round, status);
	}
}

TEST(core_random_ops)
{
	random_rounds(7, 40, 400, 0);
}

TEST(core_random_ops_interrupted)
{
	random_rounds(8, 40, 400, 3);
}

TEST(core_random_ops_long)
{
	random_rounds(9, 4, 5000, 20);
}
