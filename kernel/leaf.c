/* SPDX-License-Identifier: MIT */
/* The op that writes entries, and those that map: of level 1 a frame, of level 2 a run. What may be mapped where, with which rights (GATE.md, rules 5, 6, 9, 11). */
#include "walk.h"

#define LEAF_BITS (EXO_PTE_P | EXO_PTE_RW | EXO_PTE_U | EXO_PTE_A | EXO_PTE_D | EXO_PTE_AVAIL | EXO_PTE_NX | EXO_PTE_ADDR)
#define AT_LEAF_FLAGS (EXO_AT_STEP | EXO_AT_LIST | EXO_AT_CHANGE | EXO_AT_GIVE)
#define CHANGE_BITS (EXO_PTE_RW | EXO_PTE_A | EXO_PTE_D | EXO_PTE_AVAIL | EXO_PTE_NX)

/* PWT selects entry 1 of the PAT, write-combining; PCD and PWT entry 3, uncached (machine.c). */
#define DEVICE_WC EXO_PTE_PWT
#define DEVICE_UC (EXO_PTE_PWT | EXO_PTE_PCD)

/* Of an entry that stands: those of device frames carry PWT, and no others. */
static inline bool is_device(uint64_t e) { return e & EXO_PTE_PWT; }

/* Of a value that is to be written. */
static bool names_device(uint64_t v) { return entry_pfn(v) >= frame_count || frames[entry_pfn(v)].type == EXO_NONE; }

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
	if (d->maps == MAPS_MAX)
		return -EXO_EOVERFLOW;
	d->maps++;
	*entry_bits = d->write_combined ? DEVICE_WC : DEVICE_UC;
	return 0;
}

void entry_gone(struct exo_frame_rec *f, bool give)
{
	uint32_t pfn = (uint32_t)(f - frames);
	if (f->owner == 0 && !frame_is_counted(f))
		frame_free(pfn);
	else if (give && f->owner == current_env()->index && !f->pins && f->type != EXO_ENV && !table_is_stranded(f))
		frame_release(pfn);
}

static inline struct exo_frame_rec *leaf_uncount(uint64_t e)
{
	struct exo_frame_rec *f = &frames[entry_pfn(e)];
	f->maps--;
	if (e & EXO_PTE_RW && !(f->flags & EXO_F_SHARED))
		f->flags &= (uint8_t)~FRAME_WRITABLE;
	return f;
}

void leaf_drop(uint64_t e, bool give)
{
	if (is_device(e))
		device_drop(e);
	else
		entry_gone(leaf_uncount(e), give);
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

static int64_t leaf_right(int at_level, uint32_t pfn, uint64_t value, uint64_t proof)
{
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
	uint32_t pfn = (uint32_t)index_of(entry_pfn(value), frame_count);
	int64_t r = leaf_right(level, pfn, value, proof);
	if (r < 0)
		return r;
	struct exo_frame_rec *f = &frames[pfn];
	uint32_t others = f->maps - (old & EXO_PTE_P && entry_pfn(old) == pfn);
	bool writable = f->flags & FRAME_WRITABLE && others;
	if (!(f->flags & EXO_F_SHARED) && !frame_is_table(f) && (writable || (value & EXO_PTE_RW && others)))
		return -EXO_ESHARED;
	if (f->maps == MAPS_MAX)
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
	if (w->level == 2 && (value & EXO_PTE_P ? va < EXO_NULL_GUARD || names_device(value) : value != 0))
		return -EXO_EINVAL;
	if (value & EXO_PTE_P) {
		/* entry_pfn keeps 32 of the 40 bits: what it drops would reach the CPU unchecked. */
		if (value & ~LEAF_BITS || !(value & EXO_PTE_U) || (value & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT > UINT32_MAX)
			return -EXO_EINVAL;
		int64_t r = names_device(value) ? device_take(value, &type) : leaf_take(w->level, value, old, proof);
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
	} else if (value & EXO_PTE_RW && !is_device(type)) {
		struct exo_frame_rec *f = &frames[entry_pfn(value)];
		if (!(f->flags & EXO_F_SHARED))
			f->flags |= FRAME_WRITABLE;
	}
	return 0;
}

static inline __attribute__((always_inline)) int64_t leaf_change(struct walk *w, uint32_t root, uint64_t va, int level, uint64_t value, uint64_t mask, uint64_t *seen)
{
	uint64_t *entry = &w->table[entry_index(va, level)];
	uint64_t old = *entry, differs = (old ^ value) & mask, new = old ^ differs;

	if (!(old & EXO_PTE_P))
		return -EXO_ENOENT;
	if (!entry_is_leaf(old, level) || is_device(old))
		return -EXO_ETYPE;
	if (differs & EXO_PTE_RW) {
		struct exo_frame_rec *f = &frames[entry_pfn(old)];
		if (new & EXO_PTE_RW) {
			if (frame_is_table(f))
				return -EXO_ETYPE;
			if (f->owner != current_env()->index)
				return -EXO_EPERM;
			if (!(f->flags & EXO_F_SHARED) && f->maps != 1)
				return -EXO_ESHARED;
			f->flags &= (uint8_t)~FRAME_CLEAN;
		}
		if (!(f->flags & EXO_F_SHARED))
			f->flags ^= FRAME_WRITABLE;
	}
	/* The CPU sets A and D behind our back. */
	*seen = old;
	while (!__atomic_compare_exchange_n(entry, seen, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		new = (*seen & ~mask) | (value & mask);
	if (old & differs & (EXO_PTE_RW | EXO_PTE_A | EXO_PTE_D) || new & differs & EXO_PTE_NX)
		page_flush(w, root, va);
	return 0;
}

/* The root that a range of entries lies in, once all arguments are in range. */
static inline int64_t range_decode(uint64_t root, uint64_t va, int level, uint64_t n, uint64_t proof, uint32_t *pfn)
{
	*pfn = current_env()->root;
	int64_t r = root ? root_resolve(root, pfn) : 0;
	if (r < 0)
		return r;
	return n - 1 >= (EXO_WINDOW - va) >> entry_shift(level) || proof & (EXO_PAGE_SIZE - 1) ? -EXO_EINVAL : 0;
}

static inline __attribute__((always_inline)) int64_t change(int level, uint64_t root, uint64_t va, uint64_t n, uint64_t value, uint64_t mask, uint64_t proof)
{
	struct walk w;
	const bool skips = level == 1 && n > 1; /* what is absent */
	uint64_t seen, done = 0;
	uint32_t in;
	int64_t r = range_decode(root, va, level, n, proof, &in);

	if (r < 0)
		return r;
	if (mask & ~CHANGE_BITS)
		return -EXO_EINVAL;
	for (;;) {
		if (done == 0 || entry_index(va, level) == 0) {
			r = !mask ? walk_to(in, va, level, &w) : level == 1 ? walk_leaf(in, va, &w) : walk_for_change(in, va, level, &w);
			if (r == -EXO_ENOENT && skips) {
				uint64_t rest = 512 - entry_index(va, level);
				done += rest;
				va += rest * EXO_PAGE_SIZE;
				if (done >= n)
					return (int64_t)n;
				if (interrupt_waits())
					return (int64_t)done;
				continue;
			}
			if (r < 0)
				return done ? (int64_t)done : r;
		}
		r = leaf_change(&w, in, va, level, value, mask, &seen);
		if (r < 0 && !(r == -EXO_ENOENT && skips))
			return done ? (int64_t)done : r;
		if (n == 1)
			return (int64_t)seen;
		done++;
		if (done == n || (done % 64 == 0 && interrupt_waits()))
			return (int64_t)done;
		va += entry_span(level);
	}
}

/* Entries between looks at interrupts; one whose frame goes counts for GONE more, one of leaf_set's for SLOW in all. */
enum { POLL = 128, GONE = 4, SLOW = 8 };

/* The usual cases of leaf_set, many in one table: frames of one's own that nothing else maps go where nothing stands, or entries of frames are taken away. Both
 * return how many of n they did; the next one is leaf_set's. Values stand at *from, one after the other (stride 1) or one for all (0), each `step` greater. */
static uint64_t map_run(struct walk *w, uint64_t *entry, uint64_t n, const volatile uint64_t *from, uint64_t stride, uint64_t add, uint64_t step)
{
	uint64_t end = frame_count << EXO_PAGE_SHIFT, i;
	uint16_t me = current_env()->index;
	for (i = 0; i < n; i++, from += stride, add += step) {
		uint64_t v = *from + add, pa = v & EXO_PTE_ADDR;
		if ((v & (~LEAF_BITS | EXO_PTE_P | EXO_PTE_U)) != (EXO_PTE_P | EXO_PTE_U) || pa >= end || entry[i])
			break;
		struct exo_frame_rec *f = &frames[pa >> EXO_PAGE_SHIFT];
		if (f->owner != me || f->type != EXO_DATA || f->flags & EXO_F_SHARED || f->maps)
			break;
		f->maps = 1;
		if (v & EXO_PTE_RW)
			f->flags = (uint8_t)((f->flags & ~FRAME_CLEAN) | FRAME_WRITABLE);
		entry[i] = v;
	}
	frames[w->pfn].used += (uint16_t)i;
	return i;
}

static uint64_t clear_run(struct walk *w, uint64_t *entry, uint64_t *most, uint64_t va, uint32_t root, bool give, uint64_t *rest)
{
	uint64_t i, n = *most;
	uint16_t me = current_env()->index, cleared = 0;
	bool flush = w->live || root == current_env()->root;
	for (i = 0; i < n; i++, va += EXO_PAGE_SIZE) {
		uint64_t old = entry[i];
		if (!old)
			continue;
		if (!(old & EXO_PTE_P) || is_device(old))
			break;
		struct exo_frame_rec *f = leaf_uncount(old);
		entry[i] = 0;
		cleared++;
		if (flush)
			invlpg(va);
		if (give || f->owner != me) {
			entry_gone(f, give);
			*rest -= *rest > i + GONE ? GONE : *rest - i - 1;
			if (n > *rest)
				n = *rest;
		}
	}
	*most = n;
	frames[w->pfn].used -= cleared;
	return i;
}

static inline __attribute__((always_inline)) int64_t set(int level, uint64_t in, uint64_t at, uint64_t n, uint64_t value, uint64_t proof)
{
	struct walk w = { 0 };
	struct user_cursor list = { 0 };
	uint64_t done = 0, rest = POLL;
	bool zero = value == 0 && !(at & EXO_AT_LIST);
	uint64_t step = at & EXO_AT_STEP && !(at & EXO_AT_LIST) ? entry_span(level) : 0;
	uint64_t va = at & ~(EXO_PAGE_SIZE - 1);
	uint32_t root;
	int64_t r = range_decode(in, va, level, n, proof, &root);

	while (r == 0 && done < n) {
		uint64_t here = va + (done << entry_shift(level)), *entry, did = 0, most = 512 - entry_index(here, level);
		const volatile uint64_t *from = &value;
		if (done == 0 || most == 512)
			r = level == 1 ? walk_leaf(root, here, &w) : walk_for_change(root, here, level, &w);
		if (r == -EXO_ENOENT && zero) {
			/* Nothing is mapped in this table's span. */
			done += most;
			r = 0;
			if (interrupt_waits())
				break;
			continue;
		}
		if (r < 0)
			break;
		if (most > n - done)
			most = n - done;
		if (most > rest)
			most = rest;
		if (at & EXO_AT_LIST) {
			uint64_t word = value + done * 8, here_left = (EXO_PAGE_SIZE - (word & (EXO_PAGE_SIZE - 1))) / 8;
			from = user_word(&list, word, false);
			if (!from) {
				r = -EXO_EFAULT;
				break;
			}
			if (most > here_left)
				most = here_left;
		}
		entry = &w.table[entry_index(here, level)];
		if (level == 2)
			most = 1;
		else if (zero && !step)
			did = clear_run(&w, entry, &most, here, root, at & EXO_AT_GIVE, &rest);
		else if (!proof)
			did = map_run(&w, entry, most, from, !!(at & EXO_AT_LIST), done * step, step);
		done += did;
		rest -= did;
		if (did < most) {
			r = leaf_set(&w, root, here + (did << entry_shift(level)), (at & EXO_AT_LIST ? from[did] : value) + done * step,
				proof ? proof + (done << entry_shift(level)) : 0, at & EXO_AT_GIVE);
			if (r < 0)
				break;
			done++;
			rest = level == 2 || rest < SLOW ? 0 : rest - SLOW; /* 512 frames may have gone with a run */
		}
		if (rest == 0) {
			if (interrupt_waits())
				break;
			rest = POLL;
		}
	}
	return done == 0 ? r : (int64_t)(done > n ? n : done);
}

/* The ranges, one function for each level: at level 1 they are what a map costs. */
static __attribute__((noinline)) int64_t change_frames(uint64_t root, uint64_t va, uint64_t n, uint64_t value, uint64_t mask, uint64_t proof)
{ return change(1, root, va, n, value, mask, proof); }
static __attribute__((noinline)) int64_t set_frames(uint64_t root, uint64_t at, uint64_t n, uint64_t value, uint64_t proof)
{ return set(1, root, at, n, value, proof); }
static __attribute__((noinline)) int64_t change_runs(uint64_t root, uint64_t va, uint64_t n, uint64_t value, uint64_t mask, uint64_t proof)
{ return change(2, root, va, n, value, mask, proof); }
static __attribute__((noinline)) int64_t set_runs(uint64_t root, uint64_t at, uint64_t n, uint64_t value, uint64_t proof)
{ return set(2, root, at, n, value, proof); }

/* Level 2 has entries of both kinds. */
static bool writes_runs(uint32_t root, uint64_t at, uint64_t va, uint64_t value)
{
	struct walk w;
	if (at & EXO_AT_CHANGE)
		return walk_to(root, va, 2, &w) == 0 && w.table[entry_index(va, 2)] & EXO_PTE_PS;
	return at & EXO_AT_LIST || value & EXO_PTE_P;
}

static __attribute__((noinline)) int64_t links(uint64_t root, uint64_t at, uint64_t n, uint64_t value, uint64_t mask, uint64_t proof)
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
	if (level == 2 && writes_runs(pfn, at, va, value))
		return at & EXO_AT_CHANGE ? change_runs(root, va, n, value, mask, proof) : set_runs(root, at, n, value, proof);
	if (at & EXO_AT_CHANGE)
		return link_change(pfn, va, level, n, value, mask);
	if (value || at & (EXO_AT_STEP | EXO_AT_LIST))
		return -EXO_EINVAL;
	return link_remove(pfn, va, level, n, at & EXO_AT_GIVE, 0);
}

int64_t op_pte_write(uint64_t root, uint64_t at, uint64_t n, uint64_t value, uint64_t mask, uint64_t proof)
{
	uint64_t va = at & ~(EXO_PAGE_SIZE - 1);
	if ((at & EXO_AT_LEVEL) != 1)
		return links(root, at, n, value, mask, proof);
	if (at & (EXO_PAGE_SIZE - 1) & ~(uint64_t)(AT_LEAF_FLAGS | EXO_AT_LEVEL) || va - EXO_NULL_GUARD >= EXO_WINDOW - EXO_NULL_GUARD)
		return -EXO_EINVAL;
	return at & EXO_AT_CHANGE ? change_frames(root, va, n, value, mask, proof) : set_frames(root, at, n, value, proof);
}
