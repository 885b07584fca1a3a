/* SPDX-License-Identifier: MIT */
/* Lab 2: which page goes. apps/lab/README.md has the task. */
#ifndef LAB2_H
#define LAB2_H
#include <rt/rt.h>

#define PLACES 16 /* pages that can be there at one time */

/* All places are taken and another page is wanted: returns which place is emptied, 0 to PLACES - 1. present: the
 * number of the page in each place. */
unsigned victim_choose(const unsigned present[PLACES]);

/* ---- what it may ask */
/* 1: the page was touched since this was asked of it last, or since it came. */
int page_touched(unsigned page);
#endif
