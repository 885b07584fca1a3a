/* SPDX-License-Identifier: MIT */
/* What rooms below ask of whoever links them, and the app has chosen (parts.h). */
#include <posix/parts.h>
#include <run/needs.h>
#include <vm/needs.h>

struct thread *sched_pick(const struct thread *other) { return posix_parts.pick(other); }
int page_bring(uint64_t va, unsigned access) { return posix_parts.page(va, access); }
