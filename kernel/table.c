/* SPDX-License-Identifier: MIT */
/* The two table ops: decoding, and new, sealed and live links. Entries are written in leaf.c, link.c, pt_copy.c, root.c and here, nowhere else. */
#include "walk.h"

#define AT_LEAF_FLAGS (EXO_AT_STEP | EXO_AT_LIST | EXO_AT_CHANGE | EXO_AT_GIVE)

/* Level 2 has entries of both kinds. */
static bool writes_runs(uint32_t root, uint64_t at, uint64_t va, uint64_t value)
{
	struct walk w;
	if (at & EXO_AT_CHANGE)
		return walk_to(root, va, 2, &w) == 0 && w.table[entry_index(va, 2)] & EXO_PTE_PS;
	return at & EXO_AT_LIST || value & EXO_PTE_P;
}

int64_t op_pte_write(uint64_t root, uint64_t at, uint64_t n, uint64_t value, uint64_t mask, uint64_t proof)
{
	uint64_t va;
	uint32_t pfn;
	int level;
	int64_t r = at_decode(at, AT_LEAF_FLAGS, &va, &level);
	if (r == 0)
		r = root_resolve(root, &pfn);
	if (r < 0)
		return r;
	if (n == 0 || n > (EXO_WINDOW - va) >> entry_shift(level) || proof & (EXO_PAGE_SIZE - 1))
		return -EXO_EINVAL;
	if (level == 1 || (level == 2 && writes_runs(pfn, at, va, value)))
		return leaf_write(pfn, at, va, level, n, value, mask, proof);
	if (at & EXO_AT_CHANGE)
		return link_change(pfn, va, level, n, value, mask);
	if (value || at & (EXO_AT_STEP | EXO_AT_LIST))
		return -EXO_EINVAL;
	return link_remove(pfn, va, level, n, at & EXO_AT_GIVE);
}

static int64_t link_new(struct walk *w, uint32_t root, uint64_t va, int level, uint64_t pfn)
{
	struct env *me = current_env();
	uint64_t *entry = &w->table[entry_index(va, level)];
	if (!pfn_is_ram(pfn))
		return -EXO_EINVAL;
	struct exo_frame_rec *t = &frames[pfn];
	if (t->owner != me->index)
		return -EXO_EPERM;
	if (t->type != EXO_PT1 + level - 2)
		return -EXO_ETYPE;
	if (table_links(t) || t->used)
		return -EXO_EBUSY;
	if (*entry & EXO_PTE_P)
		return -EXO_EEXIST;
	if (!w->private && level == 3) {
		struct exo_home *h = &homes[EXO_HOME_OF(va)];
		if (h->owner != me->index || root != me->root)
			return -EXO_EPERM;
		if (h->pt2)
			return -EXO_EEXIST;
		h->pt2 = (uint32_t)pfn;
	}
	t->base = (uint32_t)(va >> 21);
	link_count(w->pfn, va, t);
	if (!links_are_private(w->pfn, va))
		t->flags |= FRAME_GLOBAL;
	*entry = (pfn << EXO_PAGE_SHIFT) | LINK_BITS | EXO_PTE_RW | (level == 4 ? *entry & EXO_LINK_BIT_PRIVATE : 0);
	return 0;
}

/* Links in a root being built what the caller's own root links at the same place, both sealed from now on. */
static int64_t link_sealed(struct walk *w, uint64_t va, int level, bool *shrunk)
{
	struct walk s;
	if (walk_to(current_env()->root, va, level, &s) < 0)
		return 0;
	uint64_t *source = &s.table[entry_index(va, level)], *entry = &w->table[entry_index(va, level)];
	if (!(*source & EXO_PTE_P))
		return 0;
	uint32_t pfn = entry_pfn(*source);
	struct exo_frame_rec *t = &frames[pfn];
	if (*entry & EXO_PTE_P)
		return -EXO_EEXIST;
	if (*source & EXO_PTE_PS)
		return -EXO_ETYPE;
	if (s.foreign)
		return -EXO_EPERM; /* R/W would go from a home that others guard */
	if (s.readonly || !(*source & EXO_PTE_RW || t->flags & EXO_F_SEALED))
		return -EXO_EPERM; /* merely read-only: unsealing would give a right that the caller lacks */
	if (table_links(t) > 1 && !(t->flags & EXO_F_SEALED))
		return -EXO_EBUSY;
	if (t->plinks == UINT16_MAX)
		return -EXO_EOVERFLOW;
	if (*source & EXO_PTE_RW) {
		*source &= ~EXO_PTE_RW;
		*shrunk = true;
	}
	t->flags |= EXO_F_SEALED;
	link_count(w->pfn, va, t);
	*entry = ((uint64_t)pfn << EXO_PAGE_SHIFT) | LINK_BITS;
	if (level == 3)
		home_keep(pfn, va);
	return 0;
}

static int64_t link_live(struct walk *w, uint64_t va, uint64_t at)
{
	struct walk s;
	int64_t r = va_in_homes(va) ? walk_to(current_env()->root, va, 3, &s) : -EXO_EINVAL;
	if (r < 0)
		return r;
	uint64_t source = s.table[entry_index(va, 3)], *entry = &w->table[entry_index(va, 3)];
	uint32_t pfn = entry_pfn(source);
	if (!(source & EXO_PTE_P))
		return -EXO_ENOENT;
	if (!table_is_live(pfn, va))
		return -EXO_EBUSY;
	if (*entry & EXO_PTE_P)
		return -EXO_EEXIST;
	bool owner = homes[EXO_HOME_OF(va)].owner == current_env()->index;
	if ((at & EXO_AT_RW && !(s.rw && source & EXO_PTE_RW)) || (at & EXO_AT_REMAP && !owner && !(source & EXO_LINK_BIT_REMAP)))
		return -EXO_EPERM;
	struct exo_frame_rec *t = &frames[pfn];
	if (t->glinks == UINT16_MAX || t->plinks == UINT16_MAX)
		return -EXO_EOVERFLOW;
	link_count(w->pfn, va, t);
	*entry = ((uint64_t)pfn << EXO_PAGE_SHIFT) | LINK_BITS | (at & EXO_AT_RW ? EXO_PTE_RW : 0) | (at & EXO_AT_REMAP ? EXO_LINK_BIT_REMAP : 0);
	return 0;
}

int64_t op_pt_link(uint64_t root, uint64_t at, uint64_t n, uint64_t pfn)
{
	struct walk w;
	uint64_t va, mode = at & (EXO_AT_SEALED | EXO_AT_LIVE), done = 0;
	struct user_cursor list = { 0 };
	uint32_t into;
	int level;
	bool shrunk = false;
	int64_t r = at_decode(at, EXO_AT_LIST | EXO_AT_SEALED | EXO_AT_LIVE | EXO_AT_RW | EXO_AT_REMAP, &va, &level);
	if (r == 0)
		r = root_resolve(root, &into);
	if (r < 0)
		return r;
	if (level == 1 || n == 0 || n > (EXO_WINDOW - va) >> entry_shift(level) || mode == (EXO_AT_SEALED | EXO_AT_LIVE))
		return -EXO_EINVAL;
	if ((mode == EXO_AT_LIVE && level != 3) || (mode == EXO_AT_SEALED && level == 4))
		return -EXO_EINVAL;
	if (mode != EXO_AT_LIVE && at & (EXO_AT_RW | EXO_AT_REMAP))
		return -EXO_EINVAL;
	if (mode == EXO_AT_SEALED && into == current_env()->root)
		return -EXO_EPERM;
	while (done < n) {
		uint64_t here = va + (done << entry_shift(level));
		if (done == 0 || entry_index(here, level) == 0) {
			r = walk_for_change(into, here, level, &w);
			if (r < 0)
				break;
			if (mode == EXO_AT_SEALED && !w.private) {
				r = -EXO_EPERM;
				break;
			}
		}
		if (mode == EXO_AT_SEALED) {
			r = link_sealed(&w, here, level, &shrunk);
		} else if (mode == EXO_AT_LIVE) {
			r = link_live(&w, here, at);
		} else {
			uint64_t p = pfn + done;
			if (at & EXO_AT_LIST) {
				const volatile uint64_t *q = user_word(&list, pfn + done * 8, false);
				r = q ? 0 : -EXO_EFAULT;
				p = q ? *q : 0;
			}
			if (r == 0)
				r = link_new(&w, into, here, level, p);
		}
		if (r < 0)
			break;
		done++;
		if (done % 128 == 0 && interrupt_waits())
			break;
	}
	if (shrunk)
		tables_flush(current_env()->root);
	return done ? (int64_t)done : r;
}
