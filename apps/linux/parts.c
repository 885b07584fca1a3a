/* SPDX-License-Identifier: MIT */
/* By which parts the Linux library OS shares memory and CPU. Another app may choose others, or bring its own. */
#include <posix/parts.h>

const struct posix_parts posix_parts = {
	.page = page_serve,        /* on demand, copy-on-write */
	.victims = swap_clock,     /* what was not used for a while */
	.pick = pick_fair,         /* real-time threads, then least virtual run time */
	.latency_ns = 6000000,
	.granularity_ns = 750000,
};
