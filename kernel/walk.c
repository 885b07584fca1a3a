/* SPDX-License-Identifier: MIT */
/* Walking a root in software: which root may be named, what stands on the way to an entry, and which translations to forget. Writes no entries. */
#include "walk.h"

int64_t root_resolve(uint64_t root, uint32_t *pfn)
{
	struct env *me = current_env();
	if (root == 0 || root == me->root) {
		*pfn = me->root;
		return 0;
	}
	if (!pfn_is_ram(root))
		return -EXO_EINVAL;
	root = index_of(root, frame_count);
	if (frames[root].type != EXO_PT4 || frames[root].owner != me->index || frames[root].flags & EXO_F_ROOT_USED)
		return -EXO_EPERM;
	*pfn = (uint32_t)root;
	return 0;
}

/* The link lacks R/W though its table is not sealed. */
static bool is_readonly(uint64_t e)
{
	return !(e & EXO_PTE_RW) && !(frames[entry_pfn(e)].flags & EXO_F_SEALED);
}

int64_t walk_to(uint32_t root, uint64_t va, int level, struct walk *w)
{
	uint64_t *table = pfn_ptr(root), e4 = table[entry_index(va, 4)], e3 = ~0ul, e2 = ~0ul;
	w->private = va < EXO_SLOT_SIZE || e4 & EXO_LINK_BIT_PRIVATE;
	w->pfn = root;
	w->level = level;
	w->table = table;
	w->rw = true;
	w->readonly = w->foreign = w->live = false;
	if (level == 4)
		return 0;
	if (!(e4 & EXO_PTE_P))
		return -EXO_ENOENT;
	w->pfn = entry_pfn(e4);
	table = pa_ptr(e4 & EXO_PTE_ADDR);
	if (level < 3) {
		e3 = table[entry_index(va, 3)];
		if (!(e3 & EXO_PTE_P))
			return -EXO_ENOENT;
		w->pfn = entry_pfn(e3);
		table = pa_ptr(e3 & EXO_PTE_ADDR);
		if (table_is_live(w->pfn, va)) {
			w->live = true;
			w->foreign = homes[EXO_HOME_OF(va)].owner != current_env()->index && !(e3 & EXO_LINK_BIT_REMAP);
		}
	}
	if (level < 2) {
		e2 = table[entry_index(va, 2)];
		if (!(e2 & EXO_PTE_P))
			return -EXO_ENOENT;
		if (e2 & EXO_PTE_PS)
			return -EXO_EEXIST; /* a run */
		w->pfn = entry_pfn(e2);
		table = pa_ptr(e2 & EXO_PTE_ADDR);
	}
	w->table = table;
	w->rw = e4 & e3 & e2 & EXO_PTE_RW;
	w->readonly = !w->rw && (is_readonly(e4) || is_readonly(e3) || is_readonly(e2));
	return 0;
}

/* The entry of `va` at `level` may be changed by the caller. */
int64_t walk_for_change(uint32_t root, uint64_t va, int level, struct walk *w)
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
		if (l == 1 && e & EXO_PTE_PWT)
			return NULL; /* device memory is in no direct map */
		table = pfn_ptr(entry_pfn(e));
		if (entry_is_leaf(e, l))
			return (uint8_t *)table + (va & ((l == 1 ? EXO_PAGE_SIZE : EXO_RUN_FRAMES * EXO_PAGE_SIZE) - 1));
	}
}

void tables_flush(uint32_t root)
{
	if (current_env() && root == current_env()->root)
		root_load(root);
}

void walk_flush(const struct walk *w, uint32_t root)
{
	tables_flush(w->live ? current_env()->root : root);
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
	bool link = !entry_is_leaf(e, level);
	if (!(e & EXO_PTE_P) || entry_pfn(e) != pfn || link != frame_is_table(f))
		return -EXO_ENOENT;
	if (link ? table_links(f) != 1 || f->maps : f->maps != 1)
		return -EXO_EBUSY;
	/* Whoever may not rewrite a live home does not own what hangs in it. */
	if (w.foreign)
		return -EXO_EPERM;
	/* A merely read-only link: its owner could give itself R/W, and with it the R/W of the shared frames below. */
	if (link && !(e & EXO_PTE_RW) && !(f->flags & EXO_F_SEALED))
		return -EXO_ESEALED;
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
