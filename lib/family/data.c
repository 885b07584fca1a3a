/* SPDX-License-Identifier: MIT */
/* Data memory: pages of files, pipes and shared memory, in homes whose entries members write themselves. A page's
 * frame is shared, mapped once here, and disowned at once: so it belongs to no member, and is free when it is unmapped,
 * by whomever. A member can therefore take a page away that others use: they find an empty one in its place, and
 * are told. The tables are the monitor's, who makes each when it is asked. */
#include <asm/errno.h>
#include <base/string.h>
#include <rt/log.h>
#include <rt/page.h>
#include <family/family.h>
#include <family/process.h>

#define TABLE_PAGES 512

static uint64_t address_of(uint64_t page) { return DATA_BASE + page * PAGE; }

static int page_used(uint64_t page) { return F->data.map[page / 64] >> (page % 64) & 1; }

static void page_mark(uint64_t page, int used)
{
	F->data.map[page / 64] ^= 1ul << (page % 64);
	F->data.used += used ? 1 : -1ul;
}

/* A free page at or after `from`; data.limit: none. */
static uint64_t page_find(uint64_t from)
{
	uint64_t i = from;

	while (i < F->data.limit && page_used(i))
		i = F->data.map[i / 64] == ~0ul ? (i | 63) + 1 : i + 1;
	return MIN_OF(i, F->data.limit);
}

/* A zeroed shared frame there, whatever was before: 0 or -ENOMEM. */
static int frame_put(uint64_t page)
{
	const uint64_t rights = EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW | EXO_PTE_NX;
	uint64_t pfn;
	int64_t r;

	family_progress(); /* of many pages, too */
	if (frames_claim_zeroed(&pfn, 1))
		return -ENOMEM;
	r = gate_frame_type(pfn, 1, EXO_DATA, EXO_F_SHARED);
	if (r >= 0)
		r = gate_pte_write(0, address_of(page) | 1, 1, pfn << EXO_PAGE_SHIFT | rights, 0, 0);
	if (r == -EXO_ENOENT || r == -EXO_EEXIST || r == -EXO_ESEALED) {
		/* No table yet; or somebody has put a run there, or taken the right to write. */
		monitor_ask(SAID->control_pages, page / TABLE_PAGES + 1);
		r = gate_pte_write(0, address_of(page) | 1, 1, pfn << EXO_PAGE_SHIFT | rights, 0, 0);
	}
	(void)gate_frame_give(pfn, 1, 0);
	return r < 0 ? -ENOMEM : 0;
}

static void frame_drop(uint64_t page)
{
	family_progress();
	(void)gate_pte_write(0, address_of(page) | 1, 1, 0, 0, 0);
	page_mark(page, 0);
	if (page < F->data.hint)
		F->data.hint = page;
}

int data_give_back(void)
{
	int any = F->data.kept_count != 0;

	while (F->data.kept_count)
		frame_drop(F->data.kept[--F->data.kept_count]);
	return any;
}

void *data_page(enum room quarters)
{
	uint64_t page;

	if (quarters != ROOM_ANY && !fam_room(quarters))
		return NULL;
	if (F->data.kept_count)
		return memset((void *)address_of(F->data.kept[--F->data.kept_count]), 0, PAGE);
	page = page_find(F->data.hint);
	if (page == F->data.limit || frame_put(page))
		return NULL;
	page_mark(page, 1);
	F->data.hint = page + 1;
	return (void *)address_of(page);
}

void data_page_free(void *p)
{
	uint64_t page = ((uint64_t)p - DATA_BASE) / PAGE;

	if (F->data.kept_count < DATA_KEPT)
		F->data.kept[F->data.kept_count++] = (uint32_t)page;
	else
		frame_drop(page);
}

/* Its frame is nobody's and has entries of others: it is free with the last of them. */
void data_page_leave(void *p) { frame_drop(((uint64_t)p - DATA_BASE) / PAGE); }

uint64_t data_pages_used(void) { return F->data.used - F->data.kept_count; }

int data_heal(uint64_t va)
{
	uint64_t page = (va - DATA_BASE) / PAGE;
	int locked = family_locked(), healed;

	if (P->is_monitor || va < DATA_BASE || page >= F->data.limit || !page_used(page))
		return 0;
	if (!locked)
		family_lock();
	healed = !frame_put(page);
	if (!locked)
		family_unlock();
	P->data_lost |= (uint32_t)healed;
	return healed;
}

int data_lost(void)
{
	int lost = (int)P->data_lost;

	P->data_lost = 0;
	return lost;
}

void data_start(uint64_t limit, uint64_t *map)
{
	F->data.limit = limit;
	F->data.map = map;
}
