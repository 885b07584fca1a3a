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
bool table_is_live(uint32_t pfn, uint64_t va);
int64_t at_decode(uint64_t at, uint64_t allowed, uint64_t *va, int *level);
bool links_are_private(uint32_t parent, uint64_t va);
void link_count(uint32_t parent, uint64_t va, struct exo_frame_rec *t);
void home_keep(uint32_t pfn, uint64_t va);
void link_drop(uint32_t parent, uint64_t *entry, uint64_t va, int level, bool give);
void leaf_drop(uint64_t e, bool give);
void leaf_clear(struct walk *w, uint32_t root, uint64_t va, uint64_t *entry, bool give);
int64_t walk_for_change(uint32_t root, uint64_t va, int level, struct walk *w);
/* Forget translations that an entry at w made in the current root: of one page, or all. */
void page_flush(const struct walk *w, uint32_t root, uint64_t va);
void walk_flush(const struct walk *w, uint32_t root);
int64_t leaf_write(uint32_t root, uint64_t at, uint64_t va, int level, uint64_t n, uint64_t value, uint64_t mask, uint64_t proof);
int64_t link_remove(uint32_t root, uint64_t va, int level, uint64_t n, bool give);
int64_t link_change(uint32_t root, uint64_t va, int level, uint64_t n, uint64_t value, uint64_t mask);
#endif
