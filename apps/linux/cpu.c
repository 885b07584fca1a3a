/* SPDX-License-Identifier: MIT */
/* Who is next on the Linux library OS: real-time threads, then least virtual run time. */
#include <posix/parts.h>
#include <run/needs.h>

struct thread *sched_pick(const struct thread *other) { return pick_fair(other); }
