/* SPDX-License-Identifier: MIT */
/* A timer of the family: a function that process 1 calls once, at a time. Lies in family memory, guarded by the
 * family lock. What comes again and again is started
 * anew when its last coming was taken (a signal delivered, a count read): so a timer of a nanosecond costs nobody
 * anything while its owner does not look. */
#ifndef POSIX_TIMER_H
#define POSIX_TIMER_H
#include <stdint.h>
#include "due.h"

struct timer {
	struct due due;              /* the first: of those that run */
	uint64_t at;                 /* ns of clock_ns; 0: it does not run */
	void (*fire)(struct timer *t); /* it does not run then, and may be started there */
	void *owner;
	uint64_t *wall_at;           /* that time as its owner keeps it, where it moves with the wall clock; else NULL */
};

/* At that time (0: stops), whatever it did before. */
void timer_start(struct timer *t, uint64_t at);
void timer_stop(struct timer *t);
/* Moves *at by whole intervals (> 0) behind now, if it is not there yet: by how many. */
uint64_t time_forward(uint64_t *at, uint64_t interval, uint64_t now);
uint64_t time_moved(uint64_t at, int64_t by); /* so many ns earlier, but no time before 1 */
void timers_move(int64_t by);                /* those of the wall clock come so much earlier */
/* The first env's loop. */
uint64_t timers_next(void);                  /* 0 = none runs */
void timers_run(uint64_t now);
#endif
