/* SPDX-License-Identifier: MIT */
/* In-guest tests of the gate, written from its contract: what all test files share. Each test is one function, one row of tests.def. */
#ifndef TEST_GATE_H
#define TEST_GATE_H
#include <rt/rt.h>

#pragma GCC visibility push(hidden)

/* A test ends at its first failed claim: its env is killed, so nothing needs to be undone. */
#define CHECK(claim) do { if (!(claim)) { test_fail(__LINE__, #claim, 0, 0, 0); return; } } while (0)
#define IS(a, b) do { int64_t a_ = (int64_t)(a), b_ = (int64_t)(b); if (a_ != b_) { test_fail(__LINE__, #a, 1, a_, b_); return; } } while (0)
#define REFUSED(a) do { int64_t a_ = (int64_t)(a); if (!EXO_IS_ERROR(a_)) { test_fail(__LINE__, "refused: " #a, 1, a_, -1); return; } } while (0)
/* So many seconds in TSC ticks, more on a kernel that recounts: for limits that a good kernel never meets. */
uint64_t test_patience(uint64_t seconds);
void test_fail(int line, const char *claim, int values, int64_t is, int64_t want);

/* Own places: pages in slot 0 (T), in a home of slot 1 (H) and one of slot 3 (H3). */
#define T  0x40000000ul
#define T2 0x40400000ul
#define H  (EXO_HOMES_BASE + 100 * EXO_HOME_SIZE)
#define H3 (EXO_HOMES_BASE + 2 * EXO_SLOT_SIZE + 7 * EXO_HOME_SIZE)
#define PAGE EXO_PAGE_SIZE
#define RW EXO_PTE_RW
#define NX EXO_PTE_NX
#define PRESENT (EXO_PTE_P | EXO_PTE_U)
#define PTE(pfn, rights) ((uint64_t)(pfn) << EXO_PAGE_SHIFT | PRESENT | (rights))
#define PFN(entry) (((uint64_t)(entry) & EXO_PTE_ADDR) >> EXO_PAGE_SHIFT)
#define WORD(va) (*(volatile uint64_t *)(va))
#define ME EXO_NAME_INDEX(rt_self())
#define FRAME(pfn) (rt_frames[pfn])

/* A new frame mapped at va, tables made as needed: its number, 0 = failed. */
uint64_t page_new(uint64_t va, uint64_t rights);
/* Claims the home of va and makes its tables and one page there: the page's number, 0 = failed. */
uint64_t home_new(uint64_t va);
/* A frame that is free now, 0 = none. */
uint64_t frame_free(void);

/* Runs run(argument) with faults caught: 0 = it returned, 1 = it faulted, as `caught` tells. */
struct caught { uint64_t rsp, vector, error, addr, rip, rflags, cs, ss, disabled, frame, count; exo_name env; };
extern struct caught caught;
int guarded(void (*run)(uint64_t), uint64_t argument);

/* Further envs: made of the caller's frames, home 0 linked, on a stack of its own. Its function's return ends it. */
struct actor { struct exo_env_spec spec; exo_name name; uint8_t stack[8192] __attribute__((aligned(16))); };
#define ACTORS 3
extern struct actor actor[ACTORS];
typedef void actor_function(uint64_t argument);
int64_t actor_prepare(int i, actor_function *run, uint64_t argument); /* 0 or an error; then gate_env_make(&actor[i].spec) */
exo_name actor_start(int i, actor_function *run, uint64_t argument);  /* name, 0 = failed */
/* Yields to it until it is gone, stuck, parked or dying, or for a second: its state then (EXO_S_FREE: gone). */
int actor_run(exo_name name);
int env_state(exo_name name);
/* actor_run, then its end and teardown: true when it ended by itself. */
int actor_finish(exo_name name);

/* What upcalls brought; counted over all envs of a test. */
struct seen {
	volatile uint64_t async_count, timer_count, notify_count, child_count, irq_count, async_tsc, slice_end, foreign_count;
	volatile uint64_t stepping, steps; /* debug traps are only counted */
	volatile uint64_t nested;         /* so many #UD are answered by another one in the handler */
	struct rt_regs foreign;
	uint64_t foreign_disabled, foreign_result;
};
extern struct seen seen;
extern volatile uint64_t shared[16]; /* words between a test and its actors */

/* The witness, which lives while a HOSTILE test runs: how often it looked itself over, what it found amiss. */
struct witness { volatile uint64_t passes, damage; volatile int what; exo_name name; volatile uint64_t upcalls; };
extern struct witness witness;
#define FREE_SLICE 60ul /* this and the next are nobody's then */
int witness_start(void);
const char *witness_end(uint64_t before, uint64_t since); /* NULL: all is well */
void witness_stop(void);

/* cpu.S */
extern uint64_t door_in[15], door_out[15]; /* rax rbx rcx rdx rsi rdi rbp r8..r15 */
void door_syscall(void), door_int80(void);
void vector_load(const void *from, int avx), vector_store(void *to, int avx); /* 16 registers of 32 bytes */
extern uint8_t guard_landing[];

#define TEST(id, rule, kind, where, function) void function(void);
#include "tests.def"
#undef TEST

#pragma GCC visibility pop
#endif
