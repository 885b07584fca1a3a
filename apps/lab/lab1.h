/* SPDX-License-Identifier: MIT */
/* Lab 1: a stack that grows. apps/lab/README.md has the task. */
#ifndef LAB1_H
#define LAB1_H
#include <rt/rt.h>

#define STACK_TOP  0x50000000ul /* the first address above it */
#define STACK_MOST 64           /* pages that it may have */

/* A program has touched memory and the processor has refused. error: bit 0: a page was there, and its rights forbade
 * the access; bit 1: it was a write. Returns 1 when the page of that address is there now, so that the access is tried
 * again; 0 when this is not for the stack to serve. The tables down to level 1 are there. */
int stack_fault(uint64_t address, uint64_t error);
#endif
