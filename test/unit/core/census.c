/* SPDX-License-Identifier: MIT */
/* The census: counts from the tables themselves what the frame records claim, and proves the rules of GATE.md that can be seen in a state.
 * Written from the rules, not from the kernel's own recount. */
#include "world.h"

static struct tally { uint32_t maps, writable, links_global, links_private, links_rw, used; } tally[WORLD_FRAMES];
static uint64_t now_table;

#define AT(what) do { if (!(what)) test_fail("%s:%d: %s (table %llu, frame %u, type %d, flags 0x%x, maps %u, links %u+%u)", __FILE__, __LINE__, #what, \
	(unsigned long long)now_table, pfn, frames[pfn].type, frames[pfn].flags, frames[pfn].maps, frames[pfn].glinks, frames[pfn].plinks); } while (0)

static void leaf_tally(uint32_t pfn, uint64_t e)
{
	/* Rule 9: of a run only the head is named, at level 2 only, and a frame only at level 1. */
	if (e & EXO_PTE_PS)
		AT(frames[pfn].type == EXO_RUN && frames[pfn].used == EXO_RUN_FRAMES && pfn % EXO_RUN_FRAMES == 0);
	else
		AT(frames[pfn].type == EXO_DATA || frame_is_table(&frames[pfn]));
	AT(e & EXO_PTE_U);
	AT(!(e & EXO_PTE_RW) || !frame_is_table(&frames[pfn]));
	tally[pfn].maps++;
	tally[pfn].writable += (e & EXO_PTE_RW) != 0;
}

static void link_tally(uint32_t parent, uint32_t pfn, uint64_t e, uint64_t va, int level)
{
	bool private = level == 4 ? va < EXO_SLOT_SIZE || e & EXO_LINK_BIT_PRIVATE : !(frames[parent].flags & FRAME_GLOBAL);

	AT(frames[pfn].type == EXO_PT1 + level - 2);
	/* Rule 2: a table is linked only at its base. */
	AT((uint64_t)frames[pfn].base << 21 == va);
	if (private)
		tally[pfn].links_private++;
	else
		tally[pfn].links_global++;
	tally[pfn].links_rw += (e & EXO_PTE_RW) != 0;
	/* Rule of addresses: a level-3 entry in a global slot is absent or the home's one PT2. */
	if (level == 3 && !private)
		AT(homes[EXO_HOME_OF(va)].pt2 == pfn);
}

static void table_tally(uint32_t pfn)
{
	const uint64_t *table = pfn_ptr(pfn);
	int level = frames[pfn].type - EXO_PT1 + 1;
	uint64_t base = level == 4 ? 0 : (uint64_t)frames[pfn].base << 21;

	now_table = pfn;
	for (unsigned i = 0; i < (level == 4 ? 255u : 512u); i++) {
		uint64_t e = table[i];
		uint32_t child = (uint32_t)((e & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT);

		if (!(e & EXO_PTE_P)) {
			AT(!child);
			continue;
		}
		AT(child < WORLD_FRAMES);
		tally[pfn].used++;
		AT(level == 2 || !(e & EXO_PTE_PS));
		if (level == 1 || e & EXO_PTE_PS)
			leaf_tally(child, e);
		else
			link_tally(pfn, child, e, base + ((uint64_t)i << (12 + 9 * (level - 1))), level);
	}
	/* A root that outlived its env is only read; it shows what it was. */
	AT(level != 4 || !frames[pfn].owner || (table[256] == (4 << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_RW) && !(table[255] & EXO_PTE_P) == !(frames[pfn].flags & EXO_F_ROOT_USED)));
}

static void frame_check(uint32_t pfn)
{
	const struct exo_frame_rec *f = &frames[pfn];
	const struct tally *t = &tally[pfn];

	AT(f->maps == t->maps);
	AT(f->glinks == t->links_global);
	AT(f->plinks == t->links_private);
	if (f->type == EXO_PART) {
		uint32_t head = pfn - pfn % EXO_RUN_FRAMES;

		AT(frames[head].type == EXO_RUN && pfn - head < frames[head].used && !f->owner && !frame_is_counted(f) && !f->used);
		return;
	}
	AT(f->type == EXO_RUN ? f->used && f->used <= EXO_RUN_FRAMES : f->used == t->used);
	for (uint32_t i = 1; f->type == EXO_RUN && i < f->used; i++)
		AT(frames[pfn + i].type == EXO_PART);
	if (f->type == EXO_FREE) {
		AT(!f->owner && !t->maps && !table_links(f) && !f->pins);
		return;
	}
	/* Rule 10: what nobody owns goes with its last entry. */
	AT(f->owner || frame_is_counted(f));
	if (f->type == EXO_DATA || f->type == EXO_RUN) {
		/* Rule 5. */
		AT(f->flags & EXO_F_SHARED || t->writable == 0 || t->maps == 1);
		AT(f->flags & EXO_F_SHARED || !(f->flags & FRAME_WRITABLE) == !t->writable);
		AT(!table_links(f));
	}
	if (frame_is_table(f) && table_links(f)) {
		bool live = f->type == EXO_PT2 && f->base >= EXO_HOMES_BASE >> 21 && f->base < EXO_WINDOW >> 21
			&& homes[EXO_HOME_OF((uint64_t)f->base << 21)].pt2 == pfn;
		/* Rule 4. */
		AT(!(f->flags & EXO_F_SEALED) || !t->links_rw);
		AT(table_links(f) == 1 || f->flags & EXO_F_SEALED || live);
	}
}

/* The homes that tests use lie in slots 1 to 4 and at the end: the rest is looked at by world_end only. */
static uint32_t home_next(uint32_t unit)
{
	return unit + 1 == 4 * 512 ? EXO_HOME_COUNT - 512 : unit + 1;
}

static uint32_t chain_count(uint32_t head, uint32_t owner)
{
	uint32_t count = 0, before = 0;

	for (uint32_t pfn = head; pfn; before = pfn, count += frame_weight(&frames[pfn]), pfn = frames[pfn].next)
		AT(frames[pfn].owner == owner && frames[pfn].prev == before && count <= WORLD_FRAMES);
	return count;
}

static void accounts_check(void)
{
	uint32_t owned[WORLD_INDEX_MAX] = { 0 }, charged[WORLD_INDEX_MAX] = { 0 }, held[WORLD_INDEX_MAX] = { 0 }, homes_charged[WORLD_INDEX_MAX] = { 0 }, let_go[WORLD_INDEX_MAX] = { 0 };
	uint32_t env_count = 0;
	uint64_t free_count = 0, sum[EXO_C_COUNT] = { 0 };
	static uint64_t first_sum[EXO_C_COUNT];

	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++) {
		if (!pfn_is_ram(pfn))
			continue;
		AT(frames[pfn].owner < WORLD_INDEX_MAX && frames[pfn].account < WORLD_INDEX_MAX);
		if (frames[pfn].type == EXO_FREE)
			free_count++;
		else if (frames[pfn].type != EXO_PART)
			charged[frames[pfn].account] += frame_weight(&frames[pfn]);
		owned[frames[pfn].owner] += frame_weight(&frames[pfn]);
		if (frames[pfn].type > EXO_KERNEL && frames[pfn].type != EXO_PART && !frames[pfn].owner && env_by_name(frames[pfn].left_by))
			let_go[EXO_NAME_INDEX(frames[pfn].left_by)] += frame_weight(&frames[pfn]);
	}
	CHECK_EQ(info->frames_free, free_count);
	for (uint32_t i = 0; i < EXO_HOME_COUNT; i = home_next(i))
		held[homes[i].owner]++;
	for (unsigned i = 1; i < WORLD_INDEX_MAX; i++) {
		const struct env *e = world_env(i);
		uint64_t listed = 0;

		CHECK_EQ(envs[i].used[EXO_C_FRAMES], charged[i]);
		for (int c = 0; c < EXO_C_COUNT; c++) {
			CHECK(envs[i].used[c] <= envs[i].limit[c]);
			sum[c] += envs[i].limit[c];
		}
		/* An index is paid for until it can be used again. */
		env_count += e || envs[i].account_parent;
		if (!e) {
			CHECK(!owned[i] && !envs[i].name);
			continue;
		}
		CHECK_EQ(envs[i].disowned, let_go[i]);
		homes_charged[envs[i].account] += held[i];
		CHECK_EQ(chain_count(e->chain, i) + chain_count(e->dying_rest, i), owned[i]);
		CHECK_EQ(envs[i].frames, owned[i]);
		for (uint32_t k = 0; k < e->home_count; k++)
			listed += e->home[k].count;
		CHECK_EQ(listed, held[i]);
	}
	for (unsigned i = 1; i < WORLD_INDEX_MAX; i++) {
		CHECK_EQ(envs[i].used[EXO_C_HOMES], homes_charged[i]);
		env_count -= envs[i].used[EXO_C_ENVS];
	}
	CHECK_EQ(env_count, 0);
	/* What is given to one account is another's no more. */
	for (int c = 0; c < EXO_C_COUNT; c++) {
		if (!first_sum[c])
			first_sum[c] = sum[c];
		CHECK_EQ(sum[c], first_sum[c]);
	}
}

void world_check(void)
{
	memset(tally, 0, sizeof tally);
	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++)
		if (pfn_is_ram(pfn) && frame_is_table(&frames[pfn]))
			table_tally(pfn);
	for (uint32_t pfn = 0; pfn < WORLD_FRAMES; pfn++)
		if (pfn_is_ram(pfn))
			frame_check(pfn);
	for (uint32_t i = 0; i < EXO_HOME_COUNT; i = home_next(i))
		if (homes[i].pt2) {
			uint32_t pfn = homes[i].pt2;

			AT(frames[pfn].type == EXO_PT2 && (frames[pfn].glinks || (frames[pfn].plinks && !(frames[pfn].flags & EXO_F_SEALED))) && (uint64_t)frames[pfn].base << 21 == EXO_HOMES_BASE + ((uint64_t)i << 30));
		}
	accounts_check();

	/* The kernel's own recount must not see what is not there. */
	uint64_t where = 0;
	const char *wrong = recount(&where);
	if (wrong)
		test_fail("the kernel's recount says of frame %llu: %s", (unsigned long long)where, wrong);
}
