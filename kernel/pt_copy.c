/* SPDX-License-Identifier: MIT */
/* pt_copy: one table of the caller's own in place of a shared one. What both then reach is read-only for both, until one of them is alone with it. */
#include "walk.h"

/* Leaf: R/W of an unshared frame goes from both tables; a shared frame keeps what the source's path allows. */
static int64_t copy_leaf(uint64_t *from, uint64_t *to, uint32_t copy)
{
	uint64_t e = *from;
	if (entry_pfn(e) >= frame_count || frames[entry_pfn(e)].type == EXO_NONE)
		return 0; /* device memory stays with its holder: absent in the copy */
	struct exo_frame_rec *f = &frames[entry_pfn(e)];
	if (f->maps == MAPS_MAX)
		return -EXO_EOVERFLOW;
	if (!(f->flags & EXO_F_SHARED)) {
		*from = e &= ~EXO_PTE_RW;
		f->flags &= (uint8_t)~FRAME_WRITABLE;
	}
	*to = e;
	f->maps++;
	frames[copy].used++;
	return 0;
}

/* Link to a leaf table: that table is sealed from now on. */
static int64_t copy_link(uint64_t *from, uint64_t *to, uint32_t copy, bool private)
{
	struct exo_frame_rec *t = &frames[entry_pfn(*from)];
	if (*link_counter(t, private) == LINKS_MAX)
		return -EXO_EOVERFLOW;
	if (!(*from & EXO_PTE_RW || t->flags & EXO_F_SEALED))
		return -EXO_EPERM; /* merely read-only, as in link_sealed */
	t->flags |= EXO_F_SEALED;
	*from &= ~EXO_PTE_RW;
	*to = *from;
	++*link_counter(t, private);
	frames[copy].used++;
	return 0;
}

static void replace(struct walk *w, uint32_t root, uint64_t *entry, uint64_t va, int level, uint32_t copy, bool give)
{
	uint32_t source = entry_pfn(*entry);
	uint64_t remap = level == 3 ? *entry & EXO_LINK_BIT_REMAP : 0;
	bool was_home = level == 3 && !w->private && homes[EXO_HOME_OF(va)].pt2 == source;
	link_drop(w->pfn, entry, va, level, give);
	if (was_home)
		homes[EXO_HOME_OF(va)].pt2 = copy;
	link_count(w->pfn, va, &frames[copy]);
	*entry = ((uint64_t)copy << EXO_PAGE_SHIFT) | LINK_BITS | EXO_PTE_RW | remap;
	walk_flush(w, root);
}

int64_t op_pt_copy(uint64_t root, uint64_t at, uint64_t pfn, uint64_t first, uint64_t n)
{
	struct walk w;
	uint64_t va, done = 0;
	uint32_t in;
	int level;
	int64_t r = at_decode(at, EXO_AT_GIVE, &va, &level);
	if (r == 0)
		r = root_resolve(root, &in);
	if (r < 0)
		return r;
	if (level < 2 || level > 3 || n == 0 || first > 512 || n > 512 - first || !pfn_is_ram(pfn))
		return -EXO_EINVAL;
	r = walk_for_change(in, va, level, &w);
	if (r < 0)
		return r;
	uint64_t *entry = &w.table[entry_index(va, level)];
	if (!(*entry & EXO_PTE_P))
		return -EXO_ENOENT;
	if (*entry & EXO_PTE_PS)
		return -EXO_ETYPE;
	uint32_t source = entry_pfn(*entry);
	pfn = index_of(pfn, frame_count);
	struct exo_frame_rec *s = &frames[source], *d = &frames[pfn];
	/* The copy's class is that of the place where it will stand. */
	bool private = links_are_private(w.pfn, va);
	if (d->owner != current_env()->index)
		return -EXO_EPERM;
	if (d->type != s->type || d->pins)
		return -EXO_ETYPE;
	if (table_links(d) || (d->used && (d->base != s->base || private == !!(d->flags & FRAME_GLOBAL))))
		return -EXO_EBUSY;
	if (table_links(s) < 2)
		return -EXO_EINVAL; /* the sole link: set its R/W instead */
	if (!(s->flags & EXO_F_SEALED) || (level == 3 && !w.private && s->glinks != 1))
		return -EXO_EBUSY;
	/* The copy becomes the home's table: for its owner, or over a link with remap. */
	if (level == 3 && !w.private && homes[EXO_HOME_OF(va)].owner != current_env()->index && !(*entry & EXO_LINK_BIT_REMAP))
		return -EXO_EPERM;

	uint64_t *from = pfn_ptr(source), *to = pfn_ptr(pfn);
	for (; done < n; done++) {
		uint64_t *e = &from[first + done], *c = &to[first + done];
		if (*e & EXO_PTE_P && !(*c & EXO_PTE_P)) {
			r = entry_is_leaf(*e, level - 1) ? copy_leaf(e, c, (uint32_t)pfn) : copy_link(e, c, (uint32_t)pfn, private);
			if (r < 0)
				break;
		}
		if (done % 64 == 63 && done + 1 < n && interrupt_waits()) {
			done++;
			break;
		}
	}
	/* Base and class come with the first entry, or with the place: a refused copy leaves the table as it was. */
	if (d->used || done == n) {
		d->base = s->base;
		if (!private)
			d->flags |= FRAME_GLOBAL;
	}
	if (done == n)
		replace(&w, in, entry, va, level, (uint32_t)pfn, at & EXO_AT_GIVE);
	return done ? (int64_t)done : r;
}
