/* SPDX-License-Identifier: MIT */
/* Lab 3: whose turn it is. apps/lab/README.md has the task. */
#ifndef LAB3_H
#define LAB3_H
#include <rt/rt.h>

#define TASKS   8
#define LATENCY 40 /* ticks: who can run waits no longer for its turn */
#define UNFAIR  20 /* ticks: nobody has so many more than its share, or fewer */

struct task {
	uint32_t weight;   /* never 0 */
	uint32_t is_ready; /* it can run; else it sleeps, or has ended */
};

/* A tick is over: returns who has the next one, the index of a task that is ready. One is, at least. last: who had the
 * one that is over, ready or not any more; TASKS before the first. What it keeps between calls is its own. */
unsigned task_next(const struct task task[TASKS], unsigned last);
#endif
