/* SPDX-License-Identifier: MIT */
/* The single address space in figures, made from the public frame and home tables alone. */
#ifndef RT_SPACE_H
#define RT_SPACE_H
#include <stdint.h>
#include <exo/env.h>
#include <exo/page.h>

struct rt_space {
	uint64_t mapped;        /* frames that some entry maps */
	uint64_t names;         /* pages of homes: addresses that mean one thing to everybody */
	uint64_t private;       /* pages in private slots */
	uint64_t disagreements; /* tables that give an address outside private slots a second meaning: 0 */
};

/* For printf: the four figures. */
#define RT_SPACE_FORMAT "%lu frames mapped, %lu global names, %lu private entries, %lu disagreements"

/* A table stands at its base address only (rule 2), so tables and their links tell what every address means. Reads
 * each record once. */
void rt_space_count(const volatile struct exo_frame_rec *frames, uint64_t count, const volatile struct exo_home *homes,
	struct rt_space *out);
#endif
