/* SPDX-License-Identifier: MIT */
/* Swap to compressed memory, as Linux's zram has it: pages that a process gives up are packed by LZ4 into memory of the
 * family, and come back when they are touched. Each process gives up its own pages; which of them is a policy. All with
 * the family lock held, but where a line says otherwise. */
#ifndef VM_SWAP_H
#define VM_SWAP_H
#include <stdint.h>
#include <exo/env.h>
#include <vm/space.h>

/* ---- the policy: which pages go */
#define SWAP_VIEW 512
/* Pages of one table of level 1 from va on, `count` of them: their entries, as they were a moment ago; 0: no page, or
 * one that stays whatever the policy says. About `wanted` are to go. */
struct swap_view {
	uint64_t va;
	unsigned count, wanted;
	uint64_t entry[SWAP_VIEW];
	uint8_t goes[SWAP_VIEW];       /* to be filled: 1: it goes */
};
/* How many it has looked at: their accessed bits are cleared, the next look begins behind them. */
typedef unsigned swap_policy(struct swap_view *view);

/* swap_clock.c: what was not used since the last look goes; what was gets another chance. */
swap_policy swap_clock;

struct shelf;
#define SWAP_EACH 32     /* packed pages in one page, at most */
#define SWAP_PACKED 2048 /* bytes that one may have: else it stays */
#define SWAP_STATE 4128  /* what LZ4 works in: sizeof(LZ4_stream_t), of the hash table that it is built with */

/* F->swap, made at swapon. */
struct swap {
	swap_policy *policy;
	uint64_t size, limit;          /* pages that it was made for, that it takes now: 0 while it is being left */
	uint64_t used, zeros;          /* pages in it: one that several processes share after fork counts once; of zeros */
	uint64_t refused;              /* times that a page could not be made small enough */
	uint64_t seen;                 /* pages that might have gone, since somebody set this to 0 */
	uint64_t sealed;               /* pages that stayed at the last look, since fork shares their tables: /proc/aril */
	int32_t priority;
	struct swap_space *spaces;
	struct shelf *shelves[SWAP_EACH + 1]; /* by how many there are of each size: those with room */
	struct swap_view view;
	uint64_t state[SWAP_STATE / 8];
	char packed[SWAP_PACKED];
};

#pragma GCC visibility push(hidden)
/* ---- swap_store.c: packed pages. A slot names one; 0: none. */
uint32_t store_put(const void *page);             /* 0: it stays, or there is no room */
int  store_get(uint32_t slot, void *page);         /* 0, -EIO: a member has taken it away */
int  store_share(uint32_t slot);                   /* one owner more: 0 or -ENOMEM */
void store_drop(uint32_t slot);

/* ---- swap_index.c: which pages of a space are in which slot. SPACE->swap: the caller's own; NULL: none is. */
/* The first such page from va on; end: none below. Without the lock, too. */
uint64_t swap_next(uint64_t va, uint64_t end);
static inline uint64_t swap_from(uint64_t va, uint64_t end) { return SPACE->swap ? swap_next(va, end) : end; }
uint64_t swap_count(uint64_t start, uint64_t end);
uint32_t *swap_slot(uint64_t va);                  /* where its slot is noted; NULL: it is in none */
int  swap_note(uint64_t va, uint32_t slot);        /* 0 or -ENOMEM */
void swap_forget(uint64_t va);                     /* its slot is somebody else's, or gone */
/* Pages there are no more: their slots are dropped. */
void swap_drop(uint64_t start, uint64_t end);
/* What is noted for these addresses is to be noted for as many others, where nothing is: first what may fail, 0 or
 * -ENOMEM, then the rest; or it is not to be. */
int  swap_move_begin(uint64_t start, uint64_t end, uint64_t to);
void swap_move_end(uint64_t start, uint64_t end, uint64_t to);
void swap_trim(void);
/* A fork child's, with the same slots: NULL: no memory. It is that env's as soon as there is one,
 * which may begin when its maker is gone. */
struct swap_space *swap_fork(void);
void swap_born(struct swap_space *s, exo_name env);
void swap_free(struct swap_space *s);
void swap_leave(void);                             /* the caller's space ends */
void swap_dead(void);                              /* the spaces of envs that were ended go */
exo_name swap_someone(void);                       /* an env that has pages there; 0: none */

/* ---- swap.c */
/* Swap begins: so many pages at most. 0, -EBUSY, -ENOMEM. Ends, when nobody has a page there any more. */
int  swap_start(uint64_t size, int priority, swap_policy *policy);
void swap_end(void);
/* The page of va is filled with what it was, and in no slot any more: 0, -EIO. The lock as it may be. */
int  swap_in(uint64_t va, void *page);
/* The caller's pages there go, as far as they can; or are told to be used little (goes: 0). 0 or -ENOMEM */
void swap_advise(uint64_t start, uint64_t end, int goes);
/* So many frames can be had after that: 1, else 0: the caller has none to give. The lock as it may be. */
int  swap_room(uint64_t n);
/* At least so many of the caller's pages go, or as many as can: how many did. */
uint64_t swap_out(uint64_t n);
/* As many of the caller's come back: 0; -ENOMEM, -EIO: not all of those do. */
int  swap_bring(uint64_t n);
#pragma GCC visibility pop
#endif
