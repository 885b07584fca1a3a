/* SPDX-License-Identifier: MIT */
/* The op that links tables: new, sealed and live links. Entries are written in leaf.c, link.c, pt_copy.c, root.c and here, nowhere else. */
#include "walk.h"

/* Why pfn cannot be linked as a new table of this type. */
static int64_t new_refused(uint64_t pfn, uint8_t type)
{
	if (!pfn_is_ram(pfn))
		return -EXO_EINVAL;
	if (frames[pfn].owner != current_env()->index)
		return -EXO_EPERM;
	return frames[pfn].type != type ? -EXO_ETYPE : -EXO_EBUSY;
}

/* A level-3 entry outside private slots takes the home. */
static int64_t home_take(uint64_t va, uint64_t pfn, bool own)
{
	struct exo_home *h = &homes[EXO_HOME_OF(va)];
	if (h->owner != current_env()->index || !own)
		return -EXO_EPERM;
	if (h->pt2)
		return -EXO_EEXIST;
	h->pt2 = (uint32_t)pfn;
	return 0;
}

/* New tables into up to n entries of one table: how many; *r says why no more. Numbers come as in leaf.c's map_run. */
static __attribute__((noinline)) uint64_t link_new(struct walk *w, bool own, uint64_t va, int level, uint64_t n, const volatile uint64_t *from, uint64_t stride, int64_t *r)
{
	uint64_t *entry = &w->table[entry_index(va, level)], i;
	uint32_t base = (uint32_t)(va >> 21), span = 1u << 9 * (level - 2);
	const uint16_t me = current_env()->index;
	const uint8_t type = (uint8_t)(EXO_PT1 + level - 2);
	/* glinks, plinks and used are looked at as one: this loop is what a large map costs. */
	bool private = links_are_private(w->pfn, va);
	uint64_t counts, list = stride ? 0 : ~0ul;
	for (i = 0; i < n; i++, from += stride, base += span) {
		uint64_t pfn = *from + (i & list);
		struct exo_frame_rec *t = &frames[pfn];
		if (pfn >= frame_count || t->owner != me || t->type != type || (__builtin_memcpy(&counts, &t->glinks, 8), counts << 16)) {
			*r = new_refused(pfn, type);
			break;
		}
		if (entry[i] & EXO_PTE_P) {
			*r = -EXO_EEXIST;
			break;
		}
		if (level > 2) {
			if (level == 4) {
				private = links_are_private(w->pfn, (uint64_t)base << 21);
			} else if (!w->private && (*r = home_take((uint64_t)base << 21, pfn, own)) < 0) {
				break;
			}
		}
		t->base = base;
		if (private) {
			t->plinks = 1;
		} else {
			t->glinks = 1;
			t->flags |= FRAME_GLOBAL;
		}
		/* An absent entry of level 4 may hold the private bit, any other nothing. */
		entry[i] |= (pfn << EXO_PAGE_SHIFT) | LINK_BITS | EXO_PTE_RW;
	}
	frames[w->pfn].used += (uint16_t)i;
	return i;
}

static int64_t seal_refused(const struct walk *s, uint64_t e, const struct exo_frame_rec *t)
{
	if (e & EXO_PTE_PS)
		return -EXO_ETYPE;
	/* Foreign: R/W would go from a home that others guard. Merely read-only: unsealing would give a right that the caller lacks. */
	if (s->foreign || s->readonly || !(e & EXO_PTE_RW || t->flags & EXO_F_SEALED))
		return -EXO_EPERM;
	return table_links(t) > 1 && !(t->flags & EXO_F_SEALED) ? -EXO_EBUSY : -EXO_EOVERFLOW;
}

/* Links in a root being built what the caller's own root links at the same places (up to n in one table), both sealed from now on: how many; *r says why no more. */
static inline __attribute__((always_inline)) uint64_t seal(struct walk *w, uint64_t va, int level, uint64_t n, const bool private, bool *shrunk, int64_t *r)
{
	struct walk s;
	if (walk_to(current_env()->root, va, level, &s) < 0)
		return n;
	uint64_t *source = &s.table[entry_index(va, level)], *entry = &w->table[entry_index(va, level)], lost = 0, i;
	/* Bits of an entry that bar it: of a run, or any. */
	const uint64_t barred = s.foreign || s.readonly ? ~0ul : EXO_PTE_PS;
	uint16_t links = 0;
	for (i = 0; i < n; i++) {
		uint64_t e = source[i];
		if (!(e & EXO_PTE_P))
			continue;
		struct exo_frame_rec *t = &frames[entry_pfn(e)];
		if (entry[i] & EXO_PTE_P) {
			*r = -EXO_EEXIST;
			break;
		}
		uint16_t *count = link_counter(t, private);
		if (e & barred || (!(t->flags & EXO_F_SEALED) && (!(e & EXO_PTE_RW) || table_links(t) > 1)) || *count == LINKS_MAX) {
			*r = seal_refused(&s, e, t);
			break;
		}
		lost |= e;
		source[i] = e & ~EXO_PTE_RW;
		t->flags |= EXO_F_SEALED;
		++*count;
		links++;
		entry[i] = e & ~(EXO_PTE_RW | EXO_LINK_BIT_REMAP);
	}
	for (uint64_t k = 0; level == 3 && k < i; k++)
		if (entry[k] & EXO_PTE_P)
			home_keep(entry_pfn(entry[k]), va + k * entry_span(3));
	frames[w->pfn].used += links;
	*shrunk |= lost & EXO_PTE_RW;
	return i;
}

/* The class that their links count in is that of the table they go into: a loop for each, since the whole cost of
 * copying an address space lies here. */
static __attribute__((noinline)) uint64_t link_sealed(struct walk *w, uint64_t va, int level, uint64_t n, bool *shrunk, int64_t *r)
{
	return links_are_private(w->pfn, va) ? seal(w, va, level, n, true, shrunk, r) : seal(w, va, level, n, false, shrunk, r);
}

/* What the caller may hand on of a home: what its own root links, or what the home's owner opened to its account. */
static uint64_t live_source(uint64_t va)
{
	struct walk s;
	uint64_t e = walk_to(current_env()->root, va, 3, &s) < 0 ? 0 : s.table[entry_index(va, 3)];
	if (!(e & EXO_PTE_P))
		return home_opened(EXO_HOME_OF(va));
	return s.rw ? e : e & ~EXO_PTE_RW;
}

static int64_t link_live(struct walk *w, uint64_t va, uint64_t at)
{
	if (!va_in_homes(va))
		return -EXO_EINVAL;
	uint64_t source = live_source(va), *entry = &w->table[entry_index(va, 3)];
	uint32_t pfn = entry_pfn(source);
	if (!(source & EXO_PTE_P))
		return -EXO_ENOENT;
	if (!table_is_live(pfn, va))
		return -EXO_EBUSY;
	if (*entry & EXO_PTE_P)
		return -EXO_EEXIST;
	bool owner = homes[EXO_HOME_OF(va)].owner == current_env()->index;
	if ((at & EXO_AT_RW && !(source & EXO_PTE_RW)) || (at & EXO_AT_REMAP && !owner && !(source & EXO_LINK_BIT_REMAP)))
		return -EXO_EPERM;
	struct exo_frame_rec *t = &frames[pfn];
	if (*link_counter(t, links_are_private(w->pfn, va)) == LINKS_MAX)
		return -EXO_EOVERFLOW;
	link_count(w->pfn, va, t);
	*entry = ((uint64_t)pfn << EXO_PAGE_SHIFT) | LINK_BITS | (at & EXO_AT_RW ? EXO_PTE_RW : 0) | (at & EXO_AT_REMAP ? EXO_LINK_BIT_REMAP : 0);
	return 0;
}

int64_t op_pt_link(uint64_t root, uint64_t at, uint64_t n, uint64_t pfn)
{
	struct walk w;
	uint64_t va, mode = at & (EXO_AT_SEALED | EXO_AT_LIVE), done = 0, poll;
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
	poll = level == 2 && mode != EXO_AT_LIVE ? 128 : 32; /* a home costs more */
	while (r == 0 && done < n) {
		uint64_t here = va + (done << entry_shift(level)), most = 512 - entry_index(here, level), p = pfn + done, did = 1;
		const volatile uint64_t *from = &p;
		if (most > n - done)
			most = n - done;
		if (most > poll - done % poll)
			most = poll - done % poll;
		if (done == 0 || entry_index(here, level) == 0) {
			r = walk_for_change(into, here, level, &w);
			if (r == 0 && mode == EXO_AT_SEALED && !w.private)
				r = -EXO_EPERM;
			if (r < 0)
				break;
		}
		if (mode == EXO_AT_SEALED) {
			did = link_sealed(&w, here, level, most, &shrunk, &r);
		} else if (mode == EXO_AT_LIVE) {
			r = link_live(&w, here, at);
			did = r == 0;
		} else {
			if (at & EXO_AT_LIST) {
				p = pfn + done * 8;
				from = user_word(&list, p, false);
				if (!from) {
					r = -EXO_EFAULT;
					break;
				}
				if (most > (EXO_PAGE_SIZE - (p & (EXO_PAGE_SIZE - 1))) / 8)
					most = (EXO_PAGE_SIZE - (p & (EXO_PAGE_SIZE - 1))) / 8;
			}
			did = link_new(&w, into == current_env()->root, here, level, most, from, !!(at & EXO_AT_LIST), &r);
		}
		done += did;
		if (done % poll == 0 && interrupt_waits())
			break;
	}
	if (shrunk)
		tables_flush(current_env()->root);
	return done ? (int64_t)done : r;
}
