/* SPDX-License-Identifier: MIT */
/* A model of the binding core, written from gate.def and GATE.md alone: tables as sets of entries, every count derived from the places that name a frame.
 * It is told each op with the kernel's result, says whether that result is right, and follows. */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H
#include "world.h"

enum { MODEL_UNITS = 1024 }; /* homes that are looked at */

struct model_place { uint16_t table, index; };
struct model_frame {
	uint8_t type;
	bool shared, sealed, pinned, used_root;
	bool global;     /* table: what is linked in it counts as global */
	uint16_t owner, account;
	uint64_t generation; /* of the account when it was charged */
	uint32_t used;   /* present entries */
	uint32_t members; /* run: frames in it */
	uint64_t base;   /* table: where it is linked, or was first */
	uint32_t place_count, place_max;
	struct model_place *place; /* entries that name it */
};
extern struct model_frame model[WORLD_FRAMES];
extern uint64_t model_entry[WORLD_FRAMES][512];
extern struct model_home { uint16_t owner; uint32_t pt2; } model_home[MODEL_UNITS];
/* The home that an env opened, by its index; by: its name, 0: none is open. */
extern struct model_open {
	exo_name by;
	uint64_t unit, rights;
	uint16_t account;
	uint64_t generation;
} model_open[EXO_ENV_MAX];
extern bool model_cut; /* interrupts may end range ops early */

struct model_walk { uint32_t table; uint64_t entry; bool reached, run, rw, given, foreign, private; }; /* run: one stands on the way */

static inline unsigned model_shift(int level) { return 12 + 9 * ((unsigned)level - 1); }
static inline unsigned model_index(uint64_t va, int level) { return va >> model_shift(level) & 511; }
static inline uint32_t model_pfn(uint64_t e) { return (uint32_t)((e & EXO_PTE_ADDR) >> 12); }
static inline bool model_is_table(uint32_t pfn) { return model[pfn].type >= EXO_PT1 && model[pfn].type <= EXO_PT4; }
static inline bool model_is_leaf(uint64_t e, int level) { return level == 1 || e & EXO_PTE_PS; }
static inline uint32_t model_head(uint64_t pfn) { return (uint32_t)(pfn - pfn % EXO_RUN_FRAMES); }
static inline uint32_t model_weight(uint32_t pfn) { return model[pfn].type == EXO_RUN ? model[pfn].members : 1; }
static inline bool model_is_ram(uint64_t pfn) { return pfn < WORLD_FRAMES && model[pfn].type != EXO_NONE && model[pfn].type != EXO_KERNEL; }

/* All state from the kernel's, and comparison with it: NULL or what differs. */
void model_load(void);
const char *model_compare(void);
/* Takes over what a step of env `index` may change: its own things, or with `dying` what its end lets go. NULL or what else changed. */
const char *model_follow(uint16_t index, bool dying);
/* What is reached from all roots: rules that hold for effective rights. NULL or what is broken. */
const char *model_reach(void);

void model_write(uint32_t table, unsigned index, uint64_t value); /* one entry; counts follow, nothing else */
void model_free(uint32_t pfn);
void model_let_go(uint32_t pfn);                                  /* free it when nobody owns or names it */
unsigned model_links(uint32_t pfn);
unsigned model_global_links(uint32_t pfn);
unsigned model_maps(uint32_t pfn);
bool model_links_full(uint32_t pfn, bool global);                  /* no further link of that class can be counted */
struct model_home *model_home_of(uint64_t va);                     /* of one that is not looked at: nobody's, empty */
bool model_is_live(uint32_t pfn, uint64_t va);
void model_home_check(uint32_t pt2);                              /* after its links or seal changed */
struct model_walk model_walk(uint32_t root, uint64_t va, int level);
uint32_t model_charged(uint16_t account);
void model_charge(uint32_t pfn, uint16_t account);                /* moves its charge */
void model_take(uint32_t pfn);                                    /* free -> the caller's */

/* Each: NULL, or why the result r is wrong. list: the array that LIST or ANY named, NULL when it could not be reached. */
const char *model_claim(int64_t r, uint64_t pfn, uint64_t n, const uint64_t *list, uint64_t proof, uint32_t room);
const char *model_give(int64_t r, uint64_t pfn, uint64_t n, const struct env *to, bool stale, uint32_t room);
const char *model_type(int64_t r, uint64_t pfn, uint64_t n, uint64_t type, uint64_t flags);
const char *model_pte_write(int64_t r, uint64_t root, uint64_t at, uint64_t n, uint64_t value, const uint64_t *list, uint64_t mask, uint64_t proof);
const char *model_pt_link(int64_t r, uint64_t root, uint64_t at, uint64_t n, uint64_t pfn, const uint64_t *list);
const char *model_pt_copy(int64_t r, uint64_t root, uint64_t at, uint64_t pfn, uint64_t first, uint64_t n);
const char *model_home_set(int64_t r, uint64_t root, uint64_t what, uint64_t va, uint64_t n, uint32_t room);

/* ---- for the three files of ops */
unsigned model_slots(uint32_t table);                  /* entries that are not the kernel's */
const char *model_place_check(const struct model_walk *w); /* NULL: the caller may change an entry there */
void model_dropped(uint32_t pfn, bool give);           /* an entry that named pfn is gone: it may go too */
/* NULL: element i is allowed (and with `apply` done); else the rule that refuses it. */
typedef const char *model_element(uint64_t i, bool apply);
const char *model_range(int64_t r, uint64_t n, model_element *one);
/* What the home of va is open to the caller for, as its owner said (rule 3); 0: nothing. */
uint64_t model_opened(uint64_t va);
/* The root that the caller may name; 0 = none. */
uint32_t model_root(uint64_t root);
bool model_at(uint64_t at, uint64_t allowed, uint64_t *va, int *level);
static inline uint16_t model_me(void) { return current_env()->index; }
#endif
