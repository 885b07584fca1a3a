/* SPDX-License-Identifier: MIT */
/* Entries of level 2 and up: taking links away, sealing and unsealing, and the classes that links are counted in (rules 2 to 4). */
#include "walk.h"

/* The class of a table's links is that of their parent: a home's table keeps its class wherever it is linked. */
bool links_are_private(uint32_t parent, uint64_t va)
{
	if (frames[parent].type == EXO_PT4)
		return va < EXO_SLOT_SIZE || ((uint64_t *)pfn_ptr(parent))[entry_index(va, 4)] & EXO_LINK_BIT_PRIVATE;
	return !(frames[parent].flags & FRAME_GLOBAL);
}

void link_count(uint32_t parent, uint64_t va, struct exo_frame_rec *t)
{
	++*link_counter(t, links_are_private(parent, va));
	frames[parent].used++;
}

/* A home's table is its one while a global link is left; a live one also while links in private slots are: else it would be shared, yet nobody's to guard. */
void home_keep(uint32_t pfn, uint64_t va)
{
	const struct exo_frame_rec *t = &frames[pfn];
	if (va_in_homes(va) && homes[EXO_HOME_OF(va)].pt2 == pfn && !(t->flags & EXO_F_SEALED ? t->glinks : table_links(t)))
		homes[EXO_HOME_OF(va)].pt2 = 0;
}

/* Takes a link away. The caller has made sure that no content becomes unreachable, or is taking it down. */
void link_drop(uint32_t parent, uint64_t *entry, uint64_t va, int level, bool give)
{
	uint32_t pfn = entry_pfn(*entry);
	struct exo_frame_rec *t = &frames[pfn];
	bool private = links_are_private(parent, va);
	*entry &= level == 4 ? EXO_LINK_BIT_PRIVATE : 0;
	frames[parent].used--;
	--*link_counter(t, private);
	if (level == 3)
		home_keep(pfn, va);
	table_unplace(t);
	if ((give || !t->owner) && !table_is_stranded(t))
		entry_gone(t, give);
}

int64_t link_remove(uint32_t root, uint64_t va, int level, uint64_t n, bool give, uint32_t stranded)
{
	struct walk w = { .table = pfn_ptr(stranded), .pfn = stranded };
	uint64_t done = 0;
	int64_t r = 0;
	int left = STRETCH;

	for (; done < n; done++) {
		uint64_t here = va + (done << entry_shift(level));
		if (left <= 0) {
			if (interrupt_waits())
				break;
			left = STRETCH;
		}
		if (!stranded && (done == 0 || entry_index(here, level) == 0)) {
			r = walk_for_change(root, here, level, &w);
			if (r == -EXO_ENOENT) {
				r = 0;
				done += 511 - entry_index(here, level);
				left -= COST_PARK;
				continue;
			}
			if (r < 0)
				break;
		}
		uint64_t *entry = &w.table[entry_index(here, level)];
		if (!(*entry & EXO_PTE_P)) {
			left -= COST_ABSENT;
			continue;
		}
		const struct exo_frame_rec *t = &frames[entry_pfn(*entry)];
		if (entry_is_leaf(*entry, level)) {
			if (level == 2 && left < STRETCH && interrupt_waits()) /* it costs as much as all before it may */
				break;
			leaf_clear(&w, root, here, entry, give);
			left -= level == 2 ? COST_RUN : COST_FRAME;
		} else if (table_links(t) == 1 && t->used) {
			r = -EXO_EBUSY;
			break;
		} else {
			link_drop(w.pfn, entry, here, level, give);
			walk_flush(&w, root);
			left -= COST_FRAME;
		}
	}
	return done ? (int64_t)(done > n ? n : done) : r;
}

int64_t link_change(uint32_t root, uint64_t va, int level, uint64_t n, uint64_t value, uint64_t mask)
{
	struct walk w;
	if (n != 1 || mask & ~EXO_PTE_RW || (level == 4 && mask))
		return -EXO_EINVAL;
	int64_t r = mask ? walk_for_change(root, va, level, &w) : walk_to(root, va, level, &w);
	if (r < 0)
		return r;
	uint64_t *entry = &w.table[entry_index(va, level)], old = *entry;
	if (!(old & EXO_PTE_P))
		return -EXO_ENOENT;
	struct exo_frame_rec *t = &frames[entry_pfn(old)];
	if (mask && value & EXO_PTE_RW && !(old & EXO_PTE_RW)) {
		bool live = level == 3 && table_is_live(entry_pfn(old), va);
		if (live ? homes[EXO_HOME_OF(va)].owner != current_env()->index : t->owner != current_env()->index)
			return -EXO_EPERM;
		if (!live && table_links(t) != 1)
			return -EXO_EBUSY;
		t->flags &= (uint8_t)~EXO_F_SEALED;
		*entry |= EXO_PTE_RW;
	} else if (mask && !(value & EXO_PTE_RW) && old & EXO_PTE_RW) {
		*entry &= ~EXO_PTE_RW;
		walk_flush(&w, root);
	}
	return (int64_t)old;
}
