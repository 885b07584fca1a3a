/* SPDX-License-Identifier: MIT */
/* Included ahead of lib/dev's: the time is the test's. */
#ifndef UNIT_NOW_H
#define UNIT_NOW_H
#include <rt/rt.h>
uint64_t test_now(void); /* ns */
#define rt_now() test_now()
#endif
