/* SPDX-License-Identifier: MIT */
/* The host test of time and devices: its clock, and the small limits that it runs with. */
#ifndef TIME_TEST_H
#define TIME_TEST_H
#include <setjmp.h>
#include "../core/world.h"

enum { TIME_SLICES = 4, TIME_DEVICES = 4, TIME_ENVS = 8 };
extern uint64_t time_now;     /* what rdtsc reads */
extern uint64_t time_timer;   /* what the timer was set to */
extern uint16_t time_masked;  /* bit l: line l */
void time_begin(void);        /* the first env runs; few slices and devices */

/* ---- time_model.c: what is said of each op, from gate.def: the result that it must have now */
int64_t time_yield(exo_name name);
int64_t time_wait(uint64_t mask, uint64_t deadline);
int64_t time_notify(exo_name name, uint64_t bits);
int64_t time_pct(exo_name name, uint64_t deadline);
int64_t time_reply(uint64_t what);
int64_t time_slice(uint64_t i, exo_name name);
int64_t time_revoke(exo_name name, uint64_t what, uint64_t a, uint64_t b);
int64_t time_bind(uint64_t kind, uint64_t base, uint64_t n);
int64_t time_ack(uint64_t line);
void time_bound(uint64_t kind, uint64_t base, uint64_t n); /* it was: the model's holders follow */
void time_left(unsigned index);                            /* that env is gone, and what it held free */
void time_lost(unsigned line, unsigned index);             /* that line it has lost */
/* What holds between any two ops: NULL, or what does not. */
const char *time_wrong(void);
#endif
