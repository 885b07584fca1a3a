/* SPDX-License-Identifier: MIT */
/* The parts that the Linux library OS is made of. Another app may choose others from lib/posix, or bring its own. */
#include <posix/parts.h>
#include "init.h"

const struct posix_parts posix_parts = {
	.load = load_binary,       /* scripts, static and position-independent ELF */
	.fork = fork_sealed,       /* links tables, copies no page */
	.page = page_serve,        /* on demand, copy-on-write */
	.victims = swap_clock,     /* what was not used for a while */
	.pick = pick_fair,         /* real-time threads, then least virtual run time */
	.off = init_request_off,
	.signal = init_signal,
	.last_words = init_last_words,
	.latency_ns = 6000000,
	.granularity_ns = 750000,
};
