/* SPDX-License-Identifier: MIT */
/* Control memory: what the family's lists, records and heap lie in. Which of its pages are used stands in a bitmap
 * behind struct family. The frames are the monitor's, and no member can change the entries: the monitor maps more at
 * the end when it is asked, also while who asks holds the lock, and takes what is free there back. What is free before
 * the end goes and comes back in holes of HOLE_PAGES: so what stands last keeps nothing for nobody. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/log.h>
#include <rt/page.h>
#include <family/family.h>
#include <family/process.h>

#define PIECE_LEAST 16  /* pages that are asked for at once: an eighth of what there is, between these two */
#define PIECE_MOST  512
#define ASK_TRIES   1000

static uint64_t pages_mapped(void) { return MIN_OF((uint64_t)SAID->control_pages, FAMILY_PAGES); }

_Static_assert(HOLES_MAX == FAMILY_PAGES / HOLE_PAGES, "a home");

static int hole_is(uint64_t hole) { return SAID->hole[hole / 64] >> (hole % 64) & 1; }

static int page_used(const uint64_t *map, uint64_t page) { return map[page / 64] >> (page % 64) & 1; }

static void pages_mark(uint64_t page, uint64_t n, int used)
{
	uint64_t *map = CONTROL_MAP;

	for (uint64_t i = page; i < page + n; i++) {
		if (used)
			map[i / 64] |= 1ul << (i % 64);
		else
			map[i / 64] &= ~(1ul << (i % 64));
	}
	F->told.control_used += (uint32_t)(used ? n : -n);
}

/* First page of n free ones at or after `from`, 0 = none. */
static uint64_t pages_find(uint64_t from, uint64_t n)
{
	const uint64_t *map = CONTROL_MAP;
	uint64_t run = 0, end = pages_mapped();
	int holes = SAID->holes != 0;

	for (uint64_t i = from; i < end; i++) {
		if (holes && hole_is(i / HOLE_PAGES)) {
			run = 0;
			i |= HOLE_PAGES - 1;
			continue;
		}
		if (!run) { /* the next free one of its word */
			uint64_t free = ~map[i / 64] >> (i % 64);

			i = free ? i + (uint64_t)__builtin_ctzl(free) : i | 63;
			if (!free || i >= end)
				continue;
		}
		run = page_used(map, i) ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return 0;
}

struct request { uint64_t control, hole_made, hole_filled, table; exo_name end; };

static void ask(const struct request *of)
{
	struct told_head *told = &F->told;
	uint32_t number = told->asks + 1;

	told->control_wanted = (uint32_t)of->control;
	told->hole_made = (uint32_t)of->hole_made;
	told->hole_filled = (uint32_t)of->hole_filled;
	told->table_wanted = (uint32_t)of->table;
	told->end_wanted = of->end;
	told->progress++;
	__atomic_store_n(&told->asks, number, __ATOMIC_RELEASE);
	(void)gate_notify(SAID->monitor, MONITOR_ASKS);
	for (int i = 0; SAID->asked != number && i < ASK_TRIES; i++)
		(void)gate_yield(0, 0);
}

void monitor_ask(uint64_t control_wanted, uint64_t table_wanted)
{
	if (P->self == SAID->monitor)
		home_serve(control_wanted, table_wanted);
	else
		ask(&(struct request){ .control = control_wanted, .table = table_wanted });
}

int member_end(exo_name env)
{
	const volatile struct exo_env *e = &rt_envs[EXO_NAME_INDEX(env)];

	if (gate_env_kill(env) == -EXO_EPERM)
		ask(&(struct request){ .control = SAID->control_pages, .end = env });
	return e->name != env || e->state == EXO_S_DYING;
}

/* The first hole at or after that one, HOLES_MAX: none. */
static uint64_t hole_next(uint64_t hole)
{
	while (hole < HOLES_MAX && !hole_is(hole))
		hole = SAID->hole[hole / 64] ? hole + 1 : (hole | 63) + 1;
	return hole;
}

/* At least n pages more in a row, in a hole or at the end: true when they are there. */
static int control_grow(uint64_t n)
{
	uint64_t had = pages_mapped(), piece = MAX_OF(had / 8, PIECE_LEAST), holes = SAID->holes;

	if (holes && n <= HOLE_PAGES)
		ask(&(struct request){ .control = had, .hole_filled = hole_next(0) + 1 });
	if (SAID->holes < holes)
		return 1;
	monitor_ask(had + MAX_OF(n, MIN_OF(piece, PIECE_MOST)), 0);
	if (pages_mapped() < had + n)
		monitor_ask(had + n, 0);
	return pages_mapped() >= had + n;
}

/* Free pages before the end, but for the first HOLE_PAGES: who needs some next finds them. */
static int holes_make(void)
{
	uint64_t first = control_first() / HOLE_PAGES + 1, end = pages_mapped() / HOLE_PAGES, before = SAID->holes;
	int kept = 0;

	for (uint64_t i = first; i < end; i++) {
		if (CONTROL_MAP[i] || hole_is(i))
			continue;
		if (kept++)
			ask(&(struct request){ .control = SAID->control_pages, .hole_made = i + 1 });
	}
	return SAID->holes > before;
}

static uint64_t pages_free(void)
{
	return pages_mapped() - SAID->holes * (uint64_t)HOLE_PAGES - F->told.control_used;
}

static int end_give_back(void)
{
	uint64_t had = pages_mapped(), end = had, first = control_first(); /* of which the monitor takes none back */

	while (end > first && !page_used(CONTROL_MAP, end - 1))
		end--;
	if (had < end + PIECE_LEAST)
		return 0;
	monitor_ask(end, 0);
	return pages_mapped() < had;
}

int control_give_back(void)
{
	if (P->self == SAID->monitor)
		return 0;
	(void)heap_give_back();
	return end_give_back() | (pages_free() > 2 * HOLE_PAGES && holes_make());
}

void *fam_pages_any(size_t count)
{
	uint64_t page;

	if (!count || count > FAMILY_PAGES)
		return NULL;
	page = pages_find(F->control_hint, count);
	if (!page)
		page = pages_find(1, count);
	if (!page && heap_give_back())
		page = pages_find(1, count);
	if (!page && (control_grow(count) || ((data_give_back() | memory_recover()) && control_grow(count))))
		page = pages_find(1, count);
	if (!page)
		return NULL;
	pages_mark(page, count, 1);
	if (page == F->control_hint || count == 1) /* the first that is free */
		F->control_hint = page + count;
	return (void *)(FAMILY_BASE + page * PAGE);
}

void *fam_pages(size_t count)
{
	void *p = fam_pages_any(count);

	return p ? memset(p, 0, count * PAGE) : NULL;
}

void fam_pages_free(void *p, size_t count)
{
	uint64_t page = ((uint64_t)p - FAMILY_BASE) / PAGE;

	if (!p || !count)
		return;
	pages_mark(page, count, 0);
	if (page < F->control_hint)
		F->control_hint = page;
}

void control_start(uint64_t used)
{
	F->control_hint = used;
	pages_mark(0, used, 1);
}

void init_poke(void)
{
	if (!P->is_keeper)
		(void)gate_notify(SAID->monitor, MONITOR_WORK);
}
