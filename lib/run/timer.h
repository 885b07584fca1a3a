/* SPDX-License-Identifier: MIT */
/* A timer of the family: a function that the first env calls at a time, once or again and again. Lies in family memory, guarded by the family lock. */
#ifndef POSIX_TIMER_H
#define POSIX_TIMER_H
#include <stdint.h>

struct timer {
	struct timer *next, *prev;   /* of those that run, by rising time */
	uint64_t at, interval;       /* ns of clock_ns; at 0: it does not run */
	/* times: how often the time has come since the last call, at least once. The timer may be started or stopped there. */
	void (*fire)(struct timer *t, uint64_t times);
	void *owner;
};

/* At that time (0: stops) and then every interval ns (0: never again), whatever it did before. */
void timer_start(struct timer *t, uint64_t at, uint64_t interval);
void timer_stop(struct timer *t);
uint64_t timer_left(const struct timer *t);  /* ns until it fires, 0 = it does not run; one that is due has 1 left */
/* The first env's loop. */
uint64_t timers_next(void);                  /* 0 = none runs */
void timers_run(uint64_t now);

/* itimer.c: those of a process that ends. posix_timer.c: those of one that ends or execs. */
struct task;
void itimers_stop(struct task *t);
void posix_timers_drop(struct task *t);
#endif
