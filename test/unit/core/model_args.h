/* SPDX-License-Identifier: MIT */
/* Random ops: their arguments, their performance, and the watch over translations; used by model_test.c. */
#ifndef CORE_MODEL_ARGS_H
#define CORE_MODEL_ARGS_H
#include "model.h"

#define UNIT(n) (EXO_HOMES_BASE + (n) * EXO_HOME_SIZE)

static inline bool one_in(unsigned n) { return random_below(n) == 0; }
uint64_t any_va(void);
uint64_t any_frame(int type);    /* mostly one of the caller's, of that type (0 = any); 0 = it has none */
uint64_t any_run(void);          /* head of a run, whole when a few tries find one */
uint64_t any_table(int level);   /* one without links or content, when a few tries find it */
struct env *any_env(void);       /* live or dying */
uint64_t any_root(void);
uint64_t any_leaf(void);
uint64_t any_count(void);
uint64_t give_flag(void);
uint32_t room(uint16_t account, int count); /* what the account may still take */
uint64_t *list_page(bool write); /* the caller's array page as memory; NULL when its root gives no such right */

/* An `at` whose entry is most likely so, in place_root. */
enum want { REACHED, ABSENT, PRESENT, SEALABLE, LIVE, SHARED, CLOSED };
extern uint64_t place_root;
uint64_t place(int level, uint64_t flags, enum want want);

/* ---- model_draw.c: a random op by the env that runs, checked against the model. */
extern uint64_t draw_count;      /* ops so far */
extern bool draw_trace;          /* say each */
extern char draw_text[160];      /* the op that runs */
#define OP(...) do { snprintf(draw_text, sizeof draw_text, __VA_ARGS__); \
	if (draw_trace) fprintf(stderr, "%lu: env %u: %s\n", (unsigned long)draw_count, current_env()->index, draw_text); } while (0)
void wrong_if(const char *why);  /* not NULL: the test fails and says at which op */
/* A refusal changes nothing: the public records and those of envs, kept before an op, are what they were when it gave this result. */
void refusal_keep(void);
int64_t refusal_check(int64_t r);
void draw_op(void);
void draw_give(void);

/* ---- model_tlb.c: before and after an op of the env that runs. tlb_check: NULL, or which translation was taken away and not flushed. */
void tlb_fill(void);
const char *tlb_check(void);
void ring3_write(void); /* one word, somewhere in the root that tlb_fill saw */
#endif
