/* SPDX-License-Identifier: MIT */
/* Page tables: checks and writes what ring 3 composes. With pt_copy.c the only file that writes entries of roots. The rules of GATE.md, "Tables", live here. */
#include "walk.h"

#define AT_LEAF_FLAGS (EXO_AT_STEP | EXO_AT_LIST | EXO_AT_CHANGE | EXO_AT_GIVE)
#define LEAF_BITS (EXO_PTE_P | EXO_PTE_RW | EXO_PTE_U | EXO_PTE_A | EXO_PTE_D | EXO_PTE_AVAIL | EXO_PTE_NX | EXO_PTE_ADDR)
#define CHANGE_BITS (EXO_PTE_RW | EXO_PTE_A | EXO_PTE_D | EXO_PTE_AVAIL | EXO_PTE_NX)

int64_t root_resolve(uint64_t root, uint32_t *pfn)
{
	struct env *me = current_env();
	if (root == 0 || root == me->root) {
		*pfn = me->root;
		return 0;
	}
	if (!pfn_is_ram(root))
		return -EXO_EINVAL;
	if (frames[root].type != EXO_PT4 || frames[root].owner != me->index || frames[root].flags & EXO_F_ROOT_USED)
		return -EXO_EPERM;
	*pfn = (uint32_t)root;
	return 0;
}

/* Splits an `at` into address and level, and refuses what no table op may touch: the null guard, slot 255 and above, misaligned addresses. */
int64_t at_decode(uint64_t at, uint64_t allowed, uint64_t *va, int *level)
{
	*level = (int)(at & EXO_AT_LEVEL);
	*va = at & ~(EXO_PAGE_SIZE - 1);
	if (*level < 1 || *level > 4 || at & (EXO_PAGE_SIZE - 1) & ~(allowed | EXO_AT_LEVEL))
		return -EXO_EINVAL;
	if (*va >= EXO_WINDOW || *va & (entry_span(*level) - 1) || (*level == 1 && *va < EXO_NULL_GUARD))
		return -EXO_EINVAL;
	return 0;
}

bool table_is_live(uint32_t pfn, uint64_t va)
{
	return va_in_homes(va) && homes[EXO_HOME_OF(va)].pt2 == pfn && !(frames[pfn].flags & EXO_F_SEALED);
}

int64_t walk_to(uint32_t root, uint64_t va, int level, struct walk *w)
{
	uint16_t me = current_env()->index;
	w->pfn = root;
	w->table = pfn_ptr(root);
	w->rw = true;
	w->readonly = w->foreign = false;
	w->private = va < EXO_SLOT_SIZE || w->table[entry_index(va, 4)] & EXO_LINK_BIT_PRIVATE;
	for (int l = 4; l > level; l--) {
		uint64_t e = w->table[entry_index(va, l)];
		if (!(e & EXO_PTE_P))
			return -EXO_ENOENT;
		w->pfn = entry_pfn(e);
		if (!(e & EXO_PTE_RW)) {
			w->rw = false;
			if (!(frames[w->pfn].flags & EXO_F_SEALED))
				w->readonly = true;
		}
		if (l == 3 && table_is_live(w->pfn, va) && homes[EXO_HOME_OF(va)].owner != me && !(e & EXO_LINK_BIT_REMAP))
			w->foreign = true;
		w->table = pfn_ptr(w->pfn);
	}
	return 0;
}

/* The entry of `va` at `level` may be changed by the caller. */
static int64_t walk_for_change(uint32_t root, uint64_t va, int level, struct walk *w)
{
	int64_t r = walk_to(root, va, level, w);
	if (r < 0)
		return r;
	if (!w->rw)
		return -EXO_ESEALED;
	return w->foreign ? -EXO_EPERM : 0;
}

void *user_page(uint64_t va, bool write)
{
	const uint64_t *table = pfn_ptr(current_env()->root);
	if (va >= EXO_USER_END)
		return NULL;
	for (int l = 4;; l--) {
		uint64_t e = table[entry_index(va, l)];
		if (!(e & EXO_PTE_P) || !(e & EXO_PTE_U) || (write && !(e & EXO_PTE_RW)))
			return NULL;
		table = pfn_ptr(entry_pfn(e));
		if (l == 1)
			return (uint8_t *)table + (va & (EXO_PAGE_SIZE - 1));
	}
}

void tables_flush(uint32_t root)
{
#ifndef KERNEL_HOST
	if (current_env() && root == current_env()->root)
		root_load(root);
#else
	(void)root;
#endif
}

static void page_flush(uint32_t root, uint64_t va)
{
	if (root == current_env()->root)
		invlpg(va);
}

int64_t table_proof(uint32_t pfn, uint64_t at)
{
	uint64_t va;
	int level;
	struct walk w;
	int64_t r = at_decode(at, 0, &va, &level);
	if (r == 0)
		r = walk_to(current_env()->root, va, level, &w);
	if (r < 0)
		return r;
	uint64_t e = w.table[entry_index(va, level)];
	const struct exo_frame_rec *f = &frames[pfn];
	if (!(e & EXO_PTE_P) || entry_pfn(e) != pfn || (level > 1) != frame_is_table(f))
		return -EXO_ENOENT;
	if (level > 1 ? table_links(f) != 1 || f->maps : f->maps != 1)
		return -EXO_EBUSY;
	/* A table below a shared (sealed) table is reached by others too. */
	return w.rw ? 0 : -EXO_ESEALED;
}

int64_t root_declare_private(uint32_t root, uint64_t va)
{
	uint64_t *entry = (uint64_t *)pfn_ptr(root) + entry_index(va, 4);
	if (*entry & EXO_PTE_P)
		return -EXO_EBUSY;
	*entry = EXO_LINK_BIT_PRIVATE;
	if (root == current_env()->root)
		envs[current_env()->index].private_slots[entry_index(va, 4) / 64] |= 1ul << entry_index(va, 4) % 64;
	return 1;
}

/* ---- leaves */

/* What a frame loses with an entry. give: the owner lets go of it too. */
void leaf_drop(uint64_t e, bool give)
{
	uint32_t pfn = entry_pfn(e);
	struct exo_frame_rec *f = &frames[pfn];
	f->maps--;
	if (e & EXO_PTE_RW && !(f->flags & EXO_F_SHARED))
		f->flags &= (uint8_t)~FRAME_WRITABLE;
	if (f->owner == 0) {
		if (!frame_is_counted(f))
			frame_free(pfn);
	} else if (give && f->owner == current_env()->index && !f->pins && f->type != EXO_ENV) {
		frame_release(pfn);
	}
}

static int64_t leaf_right(uint64_t value, uint64_t proof)
{
	uint32_t pfn = entry_pfn(value);
	const struct exo_frame_rec *f = &frames[pfn];
	uint16_t me = current_env()->index;
	struct walk w;
	uint64_t va;
	int level;

	if (f->type == EXO_FREE || f->type == EXO_NONE || f->type == EXO_KERNEL || f->type == EXO_ENV)
		return -EXO_ETYPE;
	if (frame_is_table(f) && value & EXO_PTE_RW)
		return -EXO_ETYPE;
	if (f->owner == me)
		return 0;
	if (!proof || at_decode(proof | 1, 0, &va, &level) < 0)
		return -EXO_EPERM;
	if (walk_to(current_env()->root, va, 1, &w) < 0)
		return -EXO_EPERM;
	uint64_t e = w.table[entry_index(va, 1)];
	if (!(e & EXO_PTE_P) || entry_pfn(e) != pfn)
		return -EXO_EPERM;
	return value & EXO_PTE_RW && !(e & EXO_PTE_RW && w.rw) ? -EXO_EPERM : 0;
}

static int64_t leaf_set(struct walk *w, uint32_t root, uint64_t va, uint64_t value, uint64_t proof, bool give)
{
	uint64_t *entry = &w->table[entry_index(va, 1)];
	uint64_t old = *entry;

	if (value & EXO_PTE_P) {
		uint32_t pfn = entry_pfn(value);
		if (value & ~LEAF_BITS || !(value & EXO_PTE_U) || pfn >= frame_count)
			return -EXO_EINVAL;
		int64_t r = leaf_right(value, proof);
		if (r < 0)
			return r;
		struct exo_frame_rec *f = &frames[pfn];
		uint32_t others = f->maps - (old & EXO_PTE_P && entry_pfn(old) == pfn);
		bool writable = f->flags & FRAME_WRITABLE && others;
		if (!(f->flags & EXO_F_SHARED) && !frame_is_table(f) && (writable || (value & EXO_PTE_RW && others)))
			return -EXO_ESHARED;
		if (f->maps == UINT32_MAX)
			return -EXO_EOVERFLOW;
		f->maps++;
	} else if (value & EXO_PTE_ADDR) {
		return -EXO_EINVAL; /* an absent entry never carries a chosen address (L1TF) */
	}
	*entry = value;
	if (old & EXO_PTE_P) {
		leaf_drop(old, give && entry_pfn(old) != entry_pfn(value));
		page_flush(root, va);
	} else {
		frames[w->pfn].used += value & EXO_PTE_P;
	}
	if (value & EXO_PTE_P) {
		struct exo_frame_rec *f = &frames[entry_pfn(value)];
		if (value & EXO_PTE_RW && !(f->flags & EXO_F_SHARED))
			f->flags |= FRAME_WRITABLE;
	} else if (old & EXO_PTE_P) {
		frames[w->pfn].used--;
	}
	return 0;
}

static int64_t leaf_change(struct walk *w, uint32_t root, uint64_t va, uint64_t value, uint64_t mask, uint64_t *seen)
{
	uint64_t *entry = &w->table[entry_index(va, 1)];
	uint64_t old = *entry, new = (old & ~mask) | (value & mask);
	struct exo_frame_rec *f = &frames[entry_pfn(old)];

	if (!(old & EXO_PTE_P))
		return -EXO_ENOENT;
	if (new & ~old & EXO_PTE_RW) {
		if (f->type != EXO_DATA)
			return -EXO_ETYPE;
		if (f->owner != current_env()->index)
			return -EXO_EPERM;
		if (!(f->flags & EXO_F_SHARED) && f->maps != 1)
			return -EXO_ESHARED;
	}
	if ((new ^ old) & EXO_PTE_RW && !(f->flags & EXO_F_SHARED))
		f->flags ^= FRAME_WRITABLE;
	/* The CPU sets A and D behind our back. */
	*seen = __atomic_load_n(entry, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(entry, seen, (*seen & ~mask) | (value & mask), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	if ((old & ~new) & (EXO_PTE_RW | EXO_PTE_A | EXO_PTE_D) || (new & ~old) & EXO_PTE_NX)
		page_flush(root, va);
	return 0;
}

static int64_t leaf_write(uint32_t root, uint64_t at, uint64_t va, uint64_t n, uint64_t value, uint64_t mask, uint64_t proof)
{
	struct walk w;
	uint64_t done = 0, seen = 0;
	int64_t r = 0;

	if (at & EXO_AT_CHANGE && mask & ~CHANGE_BITS)
		return -EXO_EINVAL;
	while (done < n) {
		uint64_t here = va + done * EXO_PAGE_SIZE;
		if (done == 0 || entry_index(here, 1) == 0) {
			r = at & EXO_AT_CHANGE && !mask ? walk_to(root, here, 1, &w) : walk_for_change(root, here, 1, &w);
			if (r == -EXO_ENOENT && !(at & (EXO_AT_CHANGE | EXO_AT_LIST)) && value == 0) {
				/* Nothing is mapped in this table's span. */
				done += 512 - entry_index(here, 1);
				r = 0;
				if (interrupt_waits())
					break;
				continue;
			}
			if (r < 0)
				break;
		}
		if (at & EXO_AT_CHANGE) {
			r = leaf_change(&w, root, here, value, mask, &seen);
		} else {
			uint64_t v = value;
			if (at & EXO_AT_LIST) {
				const volatile uint64_t *p = value & 7 ? NULL : user_page(value + done * 8, false);
				r = p ? 0 : -EXO_EFAULT;
				v = p ? *p : 0;
			} else if (at & EXO_AT_STEP) {
				v += done << EXO_PAGE_SHIFT;
			}
			if (r == 0)
				r = leaf_set(&w, root, here, v, proof ? proof + done * EXO_PAGE_SIZE : 0, at & EXO_AT_GIVE);
		}
		if (r < 0)
			break;
		done++;
		if (done % 128 == 0 && interrupt_waits())
			break;
	}
	if (done == 0)
		return r;
	if (done > n)
		done = n;
	return at & EXO_AT_CHANGE && n == 1 ? (int64_t)seen : (int64_t)done;
}

/* ---- links */

/* The class of a table's links is that of their parent: a home's table keeps its class wherever it is linked. */
bool links_are_private(uint32_t parent, uint64_t va)
{
	if (frames[parent].type == EXO_PT4)
		return va < EXO_SLOT_SIZE || ((uint64_t *)pfn_ptr(parent))[entry_index(va, 4)] & EXO_LINK_BIT_PRIVATE;
	return !(frames[parent].flags & FRAME_GLOBAL);
}

void link_count(uint32_t parent, uint64_t va, struct exo_frame_rec *t)
{
	if (links_are_private(parent, va))
		t->plinks++;
	else
		t->glinks++;
	frames[parent].used++;
}

/* Takes a link away. The caller has made sure that no content becomes unreachable, or is taking it down. */
void link_drop(uint32_t parent, uint64_t *entry, uint64_t va, int level, bool give)
{
	uint32_t pfn = entry_pfn(*entry);
	struct exo_frame_rec *t = &frames[pfn];
	bool private = links_are_private(parent, va);
	*entry &= level == 4 ? EXO_LINK_BIT_PRIVATE : 0;
	frames[parent].used--;
	if (private) {
		t->plinks--;
	} else {
		t->glinks--;
		if (level == 3 && t->glinks == 0 && homes[EXO_HOME_OF(va)].pt2 == pfn)
			homes[EXO_HOME_OF(va)].pt2 = 0;
	}
	if (table_links(t) == 0) {
		t->flags &= (uint8_t)~EXO_F_SEALED;
		if (!t->used) {
			t->base = 0;
			t->flags &= (uint8_t)~FRAME_GLOBAL;
		}
	}
	if (t->owner == 0) {
		if (!frame_is_counted(t) && !t->used)
			frame_free(pfn);
	} else if (give && t->owner == current_env()->index) {
		frame_release(pfn);
	}
}

static int64_t link_remove(uint32_t root, uint64_t va, int level, uint64_t n, bool give)
{
	struct walk w;
	uint64_t done = 0;
	int64_t r = 0;

	for (; done < n; done++) {
		uint64_t here = va + (done << entry_shift(level));
		if (done == 0 || entry_index(here, level) == 0) {
			r = walk_for_change(root, here, level, &w);
			if (r == -EXO_ENOENT) {
				r = 0;
				done += 511 - entry_index(here, level);
				if (interrupt_waits()) {
					done++;
					break;
				}
				continue;
			}
			if (r < 0)
				break;
		}
		uint64_t *entry = &w.table[entry_index(here, level)];
		if (!(*entry & EXO_PTE_P)) {
			if (done % 128 == 127 && interrupt_waits()) {
				done++;
				break;
			}
			continue;
		}
		const struct exo_frame_rec *t = &frames[entry_pfn(*entry)];
		if (table_links(t) == 1 && t->used) {
			r = -EXO_EBUSY;
			break;
		}
		link_drop(w.pfn, entry, here, level, give);
		tables_flush(root);
		if (done % 32 == 31 && interrupt_waits()) {
			done++;
			break;
		}
	}
	return done ? (int64_t)(done > n ? n : done) : r;
}

static int64_t link_change(uint32_t root, uint64_t va, int level, uint64_t n, uint64_t value, uint64_t mask)
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
		tables_flush(root);
	}
	return (int64_t)old;
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
	if (level == 1)
		return leaf_write(pfn, at, va, n, value, mask, proof);
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
				const volatile uint64_t *q = pfn & 7 ? NULL : user_page(pfn + done * 8, false);
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
