/* SPDX-License-Identifier: MIT */
/* Clocks of known rate, and what each says of the TSC's. */
#ifndef EFI_CLOCKS_H
#define EFI_CLOCKS_H
#include <stdint.h>

struct clock {
	const char *name;
	uint64_t rate, mask;         /* Hz; bits that count */
	uint64_t (*read)(uint64_t base);
	uint64_t base;               /* port or address */
	uint64_t begin, tsc_begin;
	uint64_t passed, tsc_passed; /* over the window; 0 = it does not count */
};

/* TSC ticks a second by that clock, 0 when it does not count. */
uint64_t clock_tsc_hz(const struct clock *c);
int clocks_agree(uint64_t a, uint64_t b);
/* Index of the first clock that another confirms, within 1/64; if there is none, of the first that counts; -1: none does. */
int clocks_choose(const struct clock *c, int n);
#endif
