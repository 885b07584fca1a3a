/* SPDX-License-Identifier: MIT */
/* A machine for the binding core on the host: RAM, the public tables, a few envs made by hand, and an independent recount of everything. */
#ifndef CORE_WORLD_H
#define CORE_WORLD_H
#include "../check.h"
#include "../../../kernel/kernel.h"

enum { WORLD_FRAMES = 1024, WORLD_KERNEL = 16, WORLD_FREE = WORLD_KERNEL + EXO_EF_COUNT, WORLD_ENVS = 4, WORLD_INDEX_MAX = 64 };

/* Address of a page that every env of the world has for its arrays. */
#define WORLD_PAGE 0x10000ul

/* Fresh RAM; envs 1..WORLD_ENVS; 2 is the child of 1 on its account, 3 (of 1) and 4 (of 3) have accounts of their own. Env 1 runs. Once per process. */
void world_make(void);
void world_run(unsigned index);
/* The env with that index; NULL when there is none. */
struct env *world_env(unsigned index);
/* A child of the env that runs: its name, or the gate's error. limit 0: on the caller's account. The root has nothing but tables for WORLD_PAGE. */
int64_t world_child(uint32_t limit);
/* A home of the caller's that world_child links live into the child's root; 0 = none. */
extern uint64_t world_child_home;
extern uint64_t world_child_rights; /* of that link: EXO_AT_RW, EXO_AT_REMAP; all at first */
/* Ends all envs but the first by op_env_kill, takes down the first one's tables, then checks that every frame is free and every account at zero. */
void world_end(void);
/* Test fails when a count, flag, chain, account or the meaning of an address is wrong. */
void world_check(void);

/* Device memory that somebody holds; none at first. */
extern struct dev_frames world_device;
/* How often (one in n; 0 = never) interrupt_waits() says yes. */
extern unsigned world_interrupts;

/* Bits of entries, and addresses where tests map: low in slot 0, and in the first home. */
#define RW (EXO_PTE_P | EXO_PTE_U | EXO_PTE_RW)
#define RO (EXO_PTE_P | EXO_PTE_U)
#define LOW 0x400000ul
#define HOME EXO_HOMES_BASE
static inline uint64_t leaf(uint32_t pfn, uint64_t rights) { return (uint64_t)pfn << EXO_PAGE_SHIFT | rights; }
/* pte_write of one entry in the caller's root. */
int64_t map(uint64_t va, uint64_t value);
/* A new frame, mapped there with R/W, tables and all. */
uint32_t mapped_new(uint64_t va);
/* A root being built, with tables of its own above the sealed link of the caller's PT1 at va. */
uint32_t fork_root(uint64_t va);

/* As ring 3 would write n bytes (words) to its memory; -EXO_EFAULT. */
int64_t user_write(uint64_t to, const void *from, uint64_t n);

/* One frame for the env that runs. */
uint32_t frame_new(void);
uint32_t table_new(int type);
/* Links tables of the caller's down to level 1 for va: those that are missing. */
void tables_make(uint64_t root, uint64_t va);
/* The leaf entry of va as root has it, with R/W masked by the path; 0 = none. */
uint64_t leaf_seen(uint32_t root, uint64_t va);
#endif
