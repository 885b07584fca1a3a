/* SPDX-License-Identifier: MIT */
/* Pages, and the lesser and the greater of two. */
#ifndef RT_PAGE_H
#define RT_PAGE_H
#include <stdint.h>
#include <exo/layout.h>

#define PAGE EXO_PAGE_SIZE
#define PAGE_DOWN(x) ((uint64_t)(x) & ~(PAGE - 1))
#define PAGE_UP(x)   PAGE_DOWN((uint64_t)(x) + PAGE - 1)
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))
#endif
