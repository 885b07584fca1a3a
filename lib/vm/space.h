/* SPDX-License-Identifier: MIT */
/* An env's address space: regions, what is around them, the pager's state. Lies in the private area, behind struct
 * process. */
#ifndef VM_SPACE_H
#define VM_SPACE_H
#include <stdint.h>
#include <family/process.h>

struct inode; /* what stands behind a mapping: needs.h */
struct swap_space;

/* Linux's prot and flags bits, as far as regions keep them. */
#define PROT_READ  1u
#define PROT_WRITE 2u
#define PROT_EXEC  4u
#define REGION_SHARED    0x1u /* MAP_SHARED */
#define REGION_GROWSDOWN 0x2u /* the stack */
#define REGION_STACK     0x4u /* named in maps */
#define REGION_HEAP      0x8u
#define REGION_STASH     0x20u /* stash.c */
#define REGION_HUGE 0x80u /* by pages of 2 MiB where they fit */
#define REGION_READ_ONLY 0x40u /* a shared file that was not opened for writing */
#define REGION_NOT_FORKED 0x100u /* a fork child has nothing there */
#define REGION_WIPED 0x200u /* a fork child finds zeros there */
#define REGION_NOT_DUMPED 0x400u /* not in a core file */
#define REGION_LOCKED 0x800u /* mlock: no advice drops its pages */
#define REGION_ANON_SHARED 0x10u /* shared anonymous memory: pages of an unnamed inode-less object */

/* One run of user addresses with one meaning; page-aligned; regions are sorted and disjoint (tree.h). */
struct region {
	uint64_t start, end;
	uint32_t prot, flags;
	struct inode *inode;  /* reference held; NULL: anonymous */
	/* page of the file at start; of shared anonymous memory: its number in the high half, with the page in the low
	 * one */
	uint64_t offset;
	uint64_t data_end;    /* address at which the file's bytes end: zeros from there on (ELF bss) */
};

/* One page of the tree (tree.h). Of a process with one leaf it is the first one. */
struct leaf {
	uint32_t count;
	uint32_t has_files; /* a region has, or had, an inode: else fork and exit need not look */
	uint32_t spare[2];
	struct region region[(EXO_PAGE_SIZE - 16) / sizeof(struct region)];
};
_Static_assert(sizeof(struct leaf) == EXO_PAGE_SIZE, "a page");

struct space {
	uint32_t region_count;
	/* tree.h: leaves in use, numbered from 0 on; pages that there are for leaves, and for the root */
	uint32_t leaf_count, leaf_pages, root_pages;
	uint32_t last_index;         /* where the last search ended: a guess. Of a tree of several leaves ~0, and there: */
	uint32_t last_leaf, last_index_there;
	uint64_t region_bytes;       /* of all regions but stashes */
	uint8_t  has_fork_advice;    /* a region is, or was, one that a fork child has otherwise: advice_fork */
	uint8_t  lock_future;        /* mlockall's flags for mappings to come */
	uint8_t  has_stash;          /* stash.c keeps something, or did */
	uint8_t  has_closed;         /* a table is, or was since the last fork, closed: pages.c */
	uint8_t  has_rights_due;     /* whoever opens a table gives its entries their regions' rights: the same */
	uint8_t  is_copying;         /* the library touches user memory: it may take more of the reserve than others */
	uint8_t  copy_lacks;         /* the last time that the library could not touch user memory, no frame was left */
	uint8_t  has_strays;         /* an unmapping failed half-way: entries may stand where no region is */
	uint64_t brk_start, brk_end; /* brk_end not rounded */
	uint64_t stack_top, stack_limit;
	uint64_t mmap_top;           /* mmap searches downwards from here */
	uint64_t home_base, home_count; /* claimed home of a PIE image, 0 = none */
	uint64_t slots[4];           /* slots.c */
	uint32_t runs;               /* pages of 2 MiB: huge.c */
	uint64_t fault_next;         /* where the next sequential anonymous fault is expected */
	uint32_t fault_window;
	uint32_t cuts;               /* F->cuts as of the last look: ask.c */
	uint64_t is_wx;              /* a W+X mapping was logged */
	struct swap_space *swap;     /* which pages are packed: swap_index.c; NULL: none is */
	uint64_t swap_hand;          /* where the next look for pages that may go begins */
};
_Static_assert(PRIVATE_SPACE + sizeof(struct space) <= PRIVATE_XSAVE, "one page with struct process");

#define SPACE ((struct space *)(PRIVATE_BASE + PRIVATE_SPACE))
#define FIRST_LEAF ((struct leaf *)(PRIVATE_BASE + PRIVATE_LEAVES))
#endif
