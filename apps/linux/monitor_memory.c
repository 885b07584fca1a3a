/* SPDX-License-Identifier: MIT */
/* What the family asks of its monitor as the owner of its homes: more control memory, less, tables for data memory; and
 * as the maker of its account: the end of a member. The frames come out of that account. It is served whoever holds
 * the lock, since who asks may. */
#include "monitor.h"

#define PIECE_MOST 4096 /* pages at once, whatever was asked for */

/* Counts of frames go from the family's account to the monitor's; n < 0: back. */
static int64_t counts_take(const struct monitor *m, int64_t n)
{
	return gate_env_set(m->keeper, EXO_SET_LIMIT, EXO_C_FRAMES, (uint64_t)-n);
}

static uint64_t control_fill(uint64_t page, uint64_t n)
{
	uint64_t made = control_rights(1) < 0 ? 0 : control_map(page, n);

	(void)control_rights(0);
	return made;
}

static void control_drop(const struct monitor *m, uint64_t page, uint64_t n)
{
	if (control_rights(1) < 0)
		return;
	control_unmap(page, n);
	(void)control_rights(0);
	(void)counts_take(m, -(int64_t)n);
}

static int hole_is(uint64_t hole) { return SAY->hole[hole / 64] >> (hole % 64) & 1; }

static void hole_set(uint64_t hole, int is)
{
	SAY->hole[hole / 64] ^= 1ul << (hole % 64);
	SAY->holes += is ? 1 : -1u;
}

static void control_more(struct monitor *m, uint64_t wanted)
{
	uint64_t have = SAY->control_pages, n = MIN_OF(MIN_OF(wanted, CONTROL_MOST) - have, PIECE_MOST), made;
	uint64_t tables = control_tables(MAX_OF(m->control_top, have + n));

	if (counts_take(m, (int64_t)(n + tables - control_tables(m->control_top))) < 0)
		return;
	made = control_fill(have, n);
	m->control_top = MAX_OF(m->control_top, have + made);
	if (made < n)
		(void)counts_take(m, -(int64_t)(n - made + tables - control_tables(m->control_top)));
	SAY->control_pages = (uint32_t)(have + made);
}

/* By the family's own book none of these pages is used. */
static int are_free(uint64_t page, uint64_t end)
{
	uint64_t word;

	for (uint64_t i = page / 64; i < (end + 63) / 64; i++) {
		const uint64_t *at = CONTROL_MAP + i;
		uint64_t in = ~0ul;

		if (user_copy(&word, at, sizeof word))
			return 0;
		if (i == page / 64)
			in &= ~0ul << page % 64;
		if (i == end / 64)
			in &= ~(~0ul << end % 64);
		if (word & in)
			return 0;
	}
	return 1;
}

/* Holes there are holes no more: nobody looks behind the end. */
static void control_less(struct monitor *m, uint64_t wanted)
{
	uint64_t have = SAY->control_pages, gone = 0, end;
	int is_in_hole = wanted % HOLE_PAGES && hole_is(wanted / HOLE_PAGES);

	if (wanted < control_first() || is_in_hole || !are_free(wanted, have) || control_rights(1) < 0)
		return;
	for (uint64_t at = wanted; at < have; at = end) {
		end = MIN_OF((at / HOLE_PAGES + 1) * HOLE_PAGES, have);
		if (hole_is(at / HOLE_PAGES)) {
			hole_set(at / HOLE_PAGES, 0);
			continue;
		}
		control_unmap(at, end - at);
		gone += end - at;
	}
	(void)control_rights(0);
	SAY->control_pages = (uint32_t)wanted;
	(void)counts_take(m, -(int64_t)gone);
}

static void hole_make(const struct monitor *m, uint64_t hole)
{
	uint64_t page = hole * HOLE_PAGES;

	if (page < control_first() || page + HOLE_PAGES > SAY->control_pages || hole_is(hole)
		|| !are_free(page, page + HOLE_PAGES))
		return;
	hole_set(hole, 1);
	control_drop(m, page, HOLE_PAGES);
}

static void hole_fill(const struct monitor *m, uint64_t hole)
{
	uint64_t made;

	if (hole >= HOLES_MAX || !hole_is(hole) || counts_take(m, HOLE_PAGES) < 0)
		return;
	made = control_fill(hole * HOLE_PAGES, HOLE_PAGES);
	if (made < HOLE_PAGES)
		control_drop(m, hole * HOLE_PAGES, made), (void)counts_take(m, -(int64_t)(HOLE_PAGES - made));
	else
		hole_set(hole, 0);
}

static void table_make(struct monitor *m, uint64_t piece)
{
	if (piece >= SAY->data_homes * (EXO_HOME_SIZE / EXO_RUN_FRAMES / PAGE) || counts_take(m, 1) < 0)
		return;
	if (data_table(piece) <= 0)
		(void)counts_take(m, -1); /* it was there */
}

/* Any member may ask for the end of any other: it could as well write into F. Not for process 1's, which is the
 * family's. */
static void end_serve(const struct monitor *m, exo_name env)
{
	if (env != P->self && env != m->keeper)
		(void)gate_env_kill(env);
}

void memory_open(struct monitor *m)
{
	m->control_top = control_first();
}

void memory_serve(struct monitor *m)
{
	if (m->told.asks == SAY->asked)
		return;
	if (m->told.control_wanted > SAY->control_pages)
		control_more(m, m->told.control_wanted);
	else if (m->told.control_wanted < SAY->control_pages)
		control_less(m, m->told.control_wanted);
	if (m->told.hole_made)
		hole_make(m, m->told.hole_made - 1);
	if (m->told.hole_filled)
		hole_fill(m, m->told.hole_filled - 1);
	if (m->told.table_wanted)
		table_make(m, m->told.table_wanted - 1);
	if (m->told.end_wanted)
		end_serve(m, m->told.end_wanted);
	__atomic_store_n(&SAY->asked, m->told.asks, __ATOMIC_RELEASE);
}
