/* SPDX-License-Identifier: MIT */
/* Entries that map: of level 1 a frame, of level 2 a run. What may be mapped where, with which rights (GATE.md, rules 5, 6, 9, 11). */
#include "walk.h"

#define LEAF_BITS (EXO_PTE_P | EXO_PTE_RW | EXO_PTE_U | EXO_PTE_A | EXO_PTE_D | EXO_PTE_AVAIL | EXO_PTE_NX | EXO_PTE_ADDR)
#define CHANGE_BITS (EXO_PTE_RW | EXO_PTE_A | EXO_PTE_D | EXO_PTE_AVAIL | EXO_PTE_NX)

/* PWT selects entry 1 of the PAT, write-combining; PCD and PWT entry 3, uncached (machine.c). */
#define DEVICE_WC EXO_PTE_PWT
#define DEVICE_UC (EXO_PTE_PWT | EXO_PTE_PCD)

static bool is_device(uint64_t e)
{
	return entry_pfn(e) >= frame_count || frames[entry_pfn(e)].type == EXO_NONE;
}

static void device_drop(uint64_t e)
{
	struct dev_frames *d = dev_frames_find(entry_pfn(e));
	if (--d->maps == 0 && d->owner == 0)
		d->count = 0;
}

static int64_t device_take(uint64_t value, uint64_t *entry_bits)
{
	struct dev_frames *d = dev_frames_find(entry_pfn(value));
	if (!d || d->owner != current_env()->index)
		return -EXO_EPERM;
	if (d->maps == UINT32_MAX)
		return -EXO_EOVERFLOW;
	d->maps++;
	*entry_bits = d->write_combined ? DEVICE_WC : DEVICE_UC;
	return 0;
}

/* What a frame loses with an entry. give: the owner lets go of it too. */
void leaf_drop(uint64_t e, bool give)
{
	if (is_device(e)) {
		device_drop(e);
		return;
	}
	uint32_t pfn = entry_pfn(e);
	struct exo_frame_rec *f = &frames[pfn];
	f->maps--;
	if (e & EXO_PTE_RW && !(f->flags & EXO_F_SHARED))
		f->flags &= (uint8_t)~FRAME_WRITABLE;
	if (f->owner == 0) {
		if (!frame_is_counted(f))
			frame_free(pfn);
	} else if (give && f->owner == current_env()->index && !f->pins && f->type != EXO_ENV && !table_is_stranded(f)) {
		frame_release(pfn);
	}
}

/* Takes an entry from a root that need not be the caller's. */
void leaf_clear(struct walk *w, uint32_t root, uint64_t va, uint64_t *entry, bool give)
{
	uint64_t old = *entry;
	*entry = 0;
	frames[w->pfn].used--;
	leaf_drop(old, give);
	page_flush(w, root, va);
}

static int64_t leaf_right(int at_level, uint64_t value, uint64_t proof)
{
	uint32_t pfn = entry_pfn(value);
	const struct exo_frame_rec *f = &frames[pfn];
	uint16_t me = current_env()->index;
	struct walk w;
	uint64_t va;
	int level;

	if (at_level == 2 ? f->type != EXO_RUN || f->used != EXO_RUN_FRAMES : f->type != EXO_DATA && !(frame_is_table(f) && !(value & EXO_PTE_RW)))
		return -EXO_ETYPE;
	if (f->owner == me)
		return 0;
	if (!proof || at_decode(proof | (uint64_t)at_level, 0, &va, &level) < 0)
		return -EXO_EPERM;
	if (walk_to(current_env()->root, va, level, &w) < 0)
		return -EXO_EPERM;
	uint64_t e = w.table[entry_index(va, level)];
	if (!(e & EXO_PTE_P) || !entry_is_leaf(e, level) || entry_pfn(e) != pfn)
		return -EXO_EPERM;
	return value & EXO_PTE_RW && !(e & EXO_PTE_RW && w.rw) ? -EXO_EPERM : 0;
}

/* Counts one more entry of the frame in `value`, which goes where `old` stands; the caller may have it. */
static int64_t leaf_take(int level, uint64_t value, uint64_t old, uint64_t proof)
{
	uint32_t pfn = entry_pfn(value);
	int64_t r = leaf_right(level, value, proof);
	if (r < 0)
		return r;
	struct exo_frame_rec *f = &frames[pfn];
	uint32_t others = f->maps - (old & EXO_PTE_P && entry_pfn(old) == pfn);
	bool writable = f->flags & FRAME_WRITABLE && others;
	if (!(f->flags & EXO_F_SHARED) && !frame_is_table(f) && (writable || (value & EXO_PTE_RW && others)))
		return -EXO_ESHARED;
	if (f->maps == UINT32_MAX)
		return -EXO_EOVERFLOW;
	if (value & EXO_PTE_RW)
		f->flags &= (uint8_t)~FRAME_CLEAN;
	f->maps++;
	return 0;
}

static int64_t leaf_set(struct walk *w, uint32_t root, uint64_t va, uint64_t value, uint64_t proof, bool give)
{
	uint64_t *entry = &w->table[entry_index(va, w->level)];
	uint64_t old = *entry, type = w->level == 2 ? EXO_PTE_PS : 0;

	if (w->level == 2 && (old & (EXO_PTE_P | EXO_PTE_PS)) == EXO_PTE_P)
		return -EXO_EEXIST; /* a table */
	if (w->level == 2 && (value & EXO_PTE_P ? va < EXO_NULL_GUARD || is_device(value) : value != 0))
		return -EXO_EINVAL;
	if (value & EXO_PTE_P) {
		/* entry_pfn keeps 32 of the 40 bits: what it drops would reach the CPU unchecked. */
		if (value & ~LEAF_BITS || !(value & EXO_PTE_U) || (value & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT > UINT32_MAX)
			return -EXO_EINVAL;
		int64_t r = is_device(value) ? device_take(value, &type) : leaf_take(w->level, value, old, proof);
		if (r < 0)
			return r;
	} else if (value & EXO_PTE_ADDR) {
		return -EXO_EINVAL; /* an absent entry never carries a chosen address (L1TF) */
	} else if (value) {
		frames[w->pfn].flags &= (uint8_t)~FRAME_CLEAN;
	}
	*entry = value & EXO_PTE_P ? value | type : value;
	if (old & EXO_PTE_P) {
		leaf_drop(old, give && entry_pfn(old) != entry_pfn(value));
		page_flush(w, root, va);
	} else {
		frames[w->pfn].used += value & EXO_PTE_P;
	}
	if (!(value & EXO_PTE_P)) {
		frames[w->pfn].used -= old & EXO_PTE_P;
	} else if (value & EXO_PTE_RW && !is_device(value)) {
		struct exo_frame_rec *f = &frames[entry_pfn(value)];
		if (!(f->flags & EXO_F_SHARED))
			f->flags |= FRAME_WRITABLE;
	}
	return 0;
}

static int64_t leaf_change(struct walk *w, uint32_t root, uint64_t va, uint64_t value, uint64_t mask, uint64_t *seen)
{
	uint64_t *entry = &w->table[entry_index(va, w->level)];
	uint64_t old = *entry, new = (old & ~mask) | (value & mask);
	struct exo_frame_rec *f = &frames[entry_pfn(old)];

	if (!(old & EXO_PTE_P))
		return -EXO_ENOENT;
	if (!entry_is_leaf(old, w->level) || is_device(old))
		return -EXO_ETYPE;
	if (new & ~old & EXO_PTE_RW) {
		if (frame_is_table(f))
			return -EXO_ETYPE;
		if (f->owner != current_env()->index)
			return -EXO_EPERM;
		if (!(f->flags & EXO_F_SHARED) && f->maps != 1)
			return -EXO_ESHARED;
		f->flags &= (uint8_t)~FRAME_CLEAN;
	}
	if ((new ^ old) & EXO_PTE_RW && !(f->flags & EXO_F_SHARED))
		f->flags ^= FRAME_WRITABLE;
	/* The CPU sets A and D behind our back. */
	*seen = __atomic_load_n(entry, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(entry, seen, (*seen & ~mask) | (value & mask), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	if ((old & ~new) & (EXO_PTE_RW | EXO_PTE_A | EXO_PTE_D) || (new & ~old) & EXO_PTE_NX)
		page_flush(w, root, va);
	return 0;
}

int64_t leaf_write(uint32_t root, uint64_t at, uint64_t va, int level, uint64_t n, uint64_t value, uint64_t mask, uint64_t proof)
{
	struct walk w;
	struct user_cursor list = { 0 };
	uint64_t done = 0, seen = 0;
	int64_t r = 0;

	if (at & EXO_AT_CHANGE && mask & ~CHANGE_BITS)
		return -EXO_EINVAL;
	while (done < n) {
		uint64_t here = va + (done << entry_shift(level));
		if (done == 0 || entry_index(here, level) == 0) {
			r = at & EXO_AT_CHANGE && !mask ? walk_to(root, here, level, &w) : walk_for_change(root, here, level, &w);
			if (r == -EXO_ENOENT && !(at & (EXO_AT_CHANGE | EXO_AT_LIST)) && value == 0) {
				/* Nothing is mapped in this table's span. */
				done += 512 - entry_index(here, level);
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
				const volatile uint64_t *p = user_word(&list, value + done * 8, false);
				r = p ? 0 : -EXO_EFAULT;
				v = p ? *p : 0;
			} else if (at & EXO_AT_STEP) {
				v += done << entry_shift(level);
			}
			if (r == 0)
				r = leaf_set(&w, root, here, v, proof ? proof + (done << entry_shift(level)) : 0, at & EXO_AT_GIVE);
		}
		if (r < 0)
			break;
		done++;
		if ((level == 2 || done % 128 == 0) && interrupt_waits())
			break;
	}
	if (done == 0)
		return r;
	if (done > n)
		done = n;
	return at & EXO_AT_CHANGE && n == 1 ? (int64_t)seen : (int64_t)done;
}
