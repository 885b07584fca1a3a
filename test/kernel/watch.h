/* SPDX-License-Identifier: MIT */
/* What the two files of a debug kernel know of each other. */
#ifndef KERNEL_WATCH_H
#define KERNEL_WATCH_H
#include "../../kernel/kernel.h"

/* Frames of memory up to which every op is watched: 128 MiB. */
#define RECOUNT_ALWAYS 32768
/* With that first argument it changes no count and no table. Most calls are yields. */
bool recount_is_quiet(uint64_t op, uint64_t first);
/* After each op that is not quiet, or each 256th. */
void recount_changed(uint64_t op, uint64_t first);
#endif
