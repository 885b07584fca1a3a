/* SPDX-License-Identifier: MIT */
/* The state that proofs begin in: a few records of each table, in any state that the rest of the kernel can have left. Records are told apart by number alone, so
 * that one number for each role stands for all. A restriction on a record is what callers check, or what the recount (test/kernel/recount.c) holds. */
#ifndef PROOF_PROVE_H
#define PROOF_PROVE_H
#include "../../kernel/walk.h"
#include <__fc_builtin.h>

/* Frames by role: a table, one that it links, a frame that it maps, the caller's root and its tables, another of a chain; from RUN on, a run and its members. */
enum { NO_FRAME, TABLE, CHILD, FRAME, ROOT, UPPER3, UPPER2, OTHER, RUN = EXO_RUN_FRAMES, FRAMES = 2 * EXO_RUN_FRAMES };
/* Envs by role: who calls, and another. Their accounts have the same indices; that of PARENT is what the other's limits came from. */
enum { NO_ENV, ME, KIN, PARENT, ENVS };

/* More frames than that have no record: the group windows begin behind the frame table (exo/layout.h). */
#define FRAMES_MAX ((EXO_GROUPS - EXO_FRAMES) / sizeof(struct exo_frame_rec))

extern struct env env_store[ENVS];
extern bool device_held; /* frame FRAMES, which is no RAM */

static inline uint64_t any(uint64_t low, uint64_t high) { return Frama_C_unsigned_long_interval(low, high); }
static inline uint32_t any32(void) { return Frama_C_unsigned_int_interval(0, UINT32_MAX); }
static inline bool maybe(void) { return Frama_C_interval(0, 1); }

/* All tables and records anew: any values, but that numbers name records which there are. Frames in chains are those above. */
void any_state(void);
/* The frame is of this type. */
struct exo_frame_rec *is_a(uint32_t pfn, uint8_t type);
/* A walk that came to va's entry of that level, in TABLE: that place, and what the walk found. */
uint64_t *walked_to(struct walk *w, uint64_t va, int level);
/* Of addresses only this matters: in slot 0, or in a home. Both are the base of an entry of each level. */
#define LOW 0ul
#define HOME EXO_HOMES_BASE
/* Links the caller's root has on the way to `va`: any. The place of va's own entry, in a table that may be a home's or not. */
uint64_t *own_entry(uint64_t va, int level);
/* A present link to that table, with any rights; a present leaf of that frame, with any bits that ring 3 may choose. */
uint64_t any_link(uint32_t pfn);
uint64_t any_leaf(uint32_t pfn);
#endif
