/* SPDX-License-Identifier: MIT */
/* One software walk of a root: what stands on the way to an entry. Private to the files that write entries: table.c leaf.c link.c pt_copy.c root.c. */
#ifndef KERNEL_WALK_H
#define KERNEL_WALK_H
#include "kernel.h"

/* Every present table entry that this kernel writes lets ring 3 through and is marked accessed: the leaf decides. */
#define LINK_BITS (EXO_PTE_P | EXO_PTE_U | EXO_PTE_A)

static inline unsigned entry_shift(int level) { return EXO_PAGE_SHIFT + 9u * ((unsigned)level - 1); }
static inline uint64_t entry_span(int level) { return 1ul << entry_shift(level); }
static inline uint32_t entry_index(uint64_t va, int level) { return (uint32_t)(va >> entry_shift(level)) & 511; }
static inline uint32_t entry_pfn(uint64_t e) { return (uint32_t)((e & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT); }
/* A present entry maps a frame or run; else it links a table. */
static inline bool entry_is_leaf(uint64_t e, int level) { return level == 1 || e & EXO_PTE_PS; }
static inline bool va_in_homes(uint64_t va) { return va >= EXO_HOMES_BASE && va < EXO_WINDOW; }

struct walk {
	uint64_t *table;  /* the table that holds the entry */
	uint32_t pfn;     /* its frame */
	int level;        /* of the entry */
	bool rw;          /* every link on the way has R/W */
	bool readonly;    /* some link lacks R/W though its table is not sealed: a right that was never given */
	bool foreign;     /* passes a live home table of another env over a link without remap */
	bool live;        /* passes a live home table: what is changed below shows in other roots too */
	bool private;     /* the slot is private in this root */
};

int64_t walk_to(uint32_t root, uint64_t va, int level, struct walk *w);
static inline bool table_is_live(uint32_t pfn, uint64_t va)
{
	return va_in_homes(va) && homes[EXO_HOME_OF(va)].pt2 == pfn && !(frames[pfn].flags & EXO_F_SEALED);
}
/* Splits an `at` into address and level, and refuses what no table op may touch: the null guard, slot 255 and above, misaligned addresses. */
static inline int64_t at_decode(uint64_t at, uint64_t allowed, uint64_t *va, int *level)
{
	*level = (int)(at & EXO_AT_LEVEL);
	*va = at & ~(EXO_PAGE_SIZE - 1);
	if (*level < 1 || *level > 4 || at & (EXO_PAGE_SIZE - 1) & ~(allowed | EXO_AT_LEVEL))
		return -EXO_EINVAL;
	if (*va >= EXO_WINDOW || (*level == 1 ? *va < EXO_NULL_GUARD : *va & (entry_span(*level) - 1)))
		return -EXO_EINVAL;
	return 0;
}
bool links_are_private(uint32_t parent, uint64_t va);
void link_count(uint32_t parent, uint64_t va, struct exo_frame_rec *t);
/* A table's links of one class: refuses at LINKS_MAX, whichever class (rule 34). */
static inline uint16_t *link_counter(struct exo_frame_rec *t, bool private) { return private ? &t->plinks : &t->glinks; }
void home_keep(uint32_t pfn, uint64_t va);
void link_drop(uint32_t parent, uint64_t *entry, uint64_t va, int level, bool give);
void leaf_drop(uint64_t e, bool give);
void leaf_clear(struct walk *w, uint32_t root, uint64_t va, uint64_t *entry, bool give);
int64_t walk_for_change(uint32_t root, uint64_t va, int level, struct walk *w);
/* The same at level 1, where it is done most, with what a range of entries needs: table, pfn, level, live. */
static inline __attribute__((always_inline)) int64_t walk_leaf(uint32_t root, uint64_t va, struct walk *w)
{
	uint64_t e4 = ((uint64_t *)pfn_ptr(root))[entry_index(va, 4)];
	if (!(e4 & EXO_PTE_P))
		return -EXO_ENOENT;
	uint64_t e3 = ((uint64_t *)pa_ptr(e4 & EXO_PTE_ADDR))[entry_index(va, 3)];
	if (!(e3 & EXO_PTE_P))
		return -EXO_ENOENT;
	uint64_t e2 = ((uint64_t *)pa_ptr(e3 & EXO_PTE_ADDR))[entry_index(va, 2)];
	if ((e2 & (EXO_PTE_P | EXO_PTE_PS)) != EXO_PTE_P)
		return e2 & EXO_PTE_P ? -EXO_EEXIST : -EXO_ENOENT; /* a run, or nothing */
	if (!(e4 & e3 & e2 & EXO_PTE_RW))
		return -EXO_ESEALED;
	w->pfn = entry_pfn(e2);
	w->level = 1;
	w->table = pa_ptr(e2 & EXO_PTE_ADDR);
	w->live = va_in_homes(va) && table_is_live(entry_pfn(e3), va);
	return w->live && homes[EXO_HOME_OF(va)].owner != current_env()->index && !(e3 & EXO_LINK_BIT_REMAP) ? -EXO_EPERM : 0;
}
/* Forget translations that an entry at w made in the current root: of one page, or all. */
static inline void page_flush(const struct walk *w, uint32_t root, uint64_t va)
{
	if (w->live || root == current_env()->root)
		invlpg(va);
}
void walk_flush(const struct walk *w, uint32_t root);
/* A frame has lost an entry or link. give: the owner lets go of it too. */
void entry_gone(struct exo_frame_rec *f, bool give);
/* stranded: a table that no link leads to, in place of what the walk would find. */
int64_t link_remove(uint32_t root, uint64_t va, int level, uint64_t n, bool give, uint32_t stranded);
int64_t link_change(uint32_t root, uint64_t va, int level, uint64_t n, uint64_t value, uint64_t mask);
#endif
