/* SPDX-License-Identifier: MIT */
/* The gate fuzzer, in ring 3: what its files share. A fuzzer is an env that makes calls by a random stream of its own; its state lies in the app's home. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H
#include <rt/rt.h>

#pragma GCC visibility push(hidden)

#define FUZZERS 4            /* made by the first env; each may have one child, which is a fuzzer too */
#define DRIVER 0             /* has the machine right; its child may get it */
#define SLOTS (2 * FUZZERS)  /* slot i + FUZZERS is the child of slot i */
#define POOL 256
#define FUZZ_OPS 23          /* ops of gate.def, and one row for numbers that are none */
#define FUZZ_UNASSIGNED 22
#define FUZZ_KINDS (EXO_DEV_DMA_END + 1)
#define FUZZ_ERRORS 18       /* 0 = success, then error.def */

/* The places where a fuzzer maps: four regions of four level-1 tables, sixteen pages each. */
#define REGIONS 4
#define SPANS 4
#define PAGES 16
#define PLACES (REGIONS * SPANS * PAGES)

struct fuzzer {
	uint64_t random;
	uint32_t slot, index;       /* index of its env */
	exo_name child;
	uint64_t life;              /* calls that it makes before its end */
	uint32_t pool[POOL], pool_count; /* frames that it thinks it owns; the frame table is asked before each use */
	uint32_t place[PLACES];     /* what it thinks it mapped where */
	uint32_t root;              /* a root that it builds */
	uint32_t run;               /* head of a run of 2 MiB that it made, or tried to */
	uint64_t sealed_at;         /* `at` of the last sealed link */
	uint64_t unit;              /* address of its home */
	uint32_t lines;             /* interrupt lines bound */
	uint32_t caller;            /* a PCT caller waits for it */
	volatile uint64_t calls;
	uint64_t list[64];
	uint64_t entry[EXO_ENTRY_COUNT];
	struct exo_regs regs;
	struct exo_batch batch[8];
	struct exo_env_spec spec;   /* of its child */
	uint8_t stack[8192] __attribute__((aligned(64)));
};
extern struct fuzzer fuzzer[SLOTS];

struct fuzz_total {
	volatile uint64_t calls, target, upcalls, faults, made, ended, stuck;
	volatile uint32_t count[FUZZ_OPS][FUZZ_ERRORS];
	volatile uint64_t bound[FUZZ_KINDS]; /* successes of dev_bind, by kind */
	volatile uint64_t strange; /* results that are neither success nor an error of error.def */
};
extern struct fuzz_total total;

/* run.c: one fuzzer's life; one call, counted and remembered. */
void fuzz_start(struct fuzzer *f, uint64_t seed);
void fuzz_main(uint64_t slot);
int64_t fuzz_call(struct fuzzer *f, int op, uint64_t a[6]);
void fuzz_count(int op, int64_t result);

/* choose.c: the next call, likely to succeed or adversarial; what a result teaches. */
uint64_t fuzz_random(struct fuzzer *f);
uint64_t fuzz_below(struct fuzzer *f, uint64_t n);
int fuzz_choose(struct fuzzer *f, uint64_t a[6]);
void fuzz_learn(struct fuzzer *f, int op, const uint64_t a[6], int64_t result);
uint64_t fuzz_place(struct fuzzer *f, uint32_t i);     /* address of a place */
uint32_t fuzz_frame(struct fuzzer *f, int type, int spare); /* a frame of its own of that type, without references if spare; 0 = none at hand */

/* child.c: tables at some place; a fork of its own tables; a child: step by step, each step a counted call. */
void fuzz_tables(struct fuzzer *f);
void fuzz_fork(struct fuzzer *f);
void fuzz_child_make(struct fuzzer *f);
void fuzz_child_end(struct fuzzer *f);
int fuzz_env_state(exo_name name);

/* large.c: makes a run of 2 MiB, or does something with the one that it has. */
void fuzz_large(struct fuzzer *f);
/* actors.c: one of its longer stories; a place of its own where a frame of its own stands, PLACES = none at hand. */
void fuzz_act(struct fuzzer *f);
uint32_t fuzz_place_own(struct fuzzer *f);
/* function.c: drives a PCI function, or is refused it; bdf of one, 0 = the machine has none. */
void fuzz_drive(struct fuzzer *f);
uint64_t fuzz_function(struct fuzzer *f);
/* run.c: reads a word, or writes one; a fault there is let pass. */
void fuzz_touch(uint64_t va, uint64_t write);
void fuzz_port(uint64_t port);  /* reads that port; a fault is let pass */

/* overflow.c: links a table until its count is full, and lets all go: how many links there were, 0 = too little memory. The last result is counted. */
uint64_t fuzz_overflow(void);

#pragma GCC visibility pop
#endif
