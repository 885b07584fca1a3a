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
	uint64_t begin, tsc_begin;   /* of the window */
	uint64_t hz;                 /* TSC ticks a second by it; 0 = it does not count */
};

/* tsc_passed ticks of the TSC while a clock of that rate made `passed`, as ticks a second; 0 when that is no number. */
uint64_t clock_hz(uint64_t rate, uint64_t passed, uint64_t tsc_passed);
/* The middle one: one of three windows may be off, when the machine was away between two reads, or a short counter went round. */
uint64_t clock_middle(const uint64_t hz[3]);
int clocks_agree(uint64_t a, uint64_t b);
/* Index of the first clock that another confirms, within 1/64; if there is none, of the first that counts; -1: none does. */
int clocks_choose(const struct clock *c, int n);
#endif
