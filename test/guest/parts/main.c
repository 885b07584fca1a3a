/* SPDX-License-Identifier: MIT */
/* The Linux library OS with each part that an app chooses swapped for one of its own, all against public headers: its
 * loader, its fork, its pager and its scheduler. What else an app has is apps/linux's. */
#include "../../../apps/linux/init.h"
#include "parts.h"

const struct posix_app posix_app = {
	.load = flat_load,
	.fork = fork_copied,
	.victims = swap_clock,
	.latency_ns = 6000000,
	.granularity_ns = 750000,
	.monitor = monitor_main,
	.first = init_main,
	.events = init_events,
	.kinds = kinds_of_linux,
	.said_size = sizeof(struct init_said),
};

void rt_say(char *line, size_t n) { (void)gate_log(line, n); }
void rt_end(int status) { (void)status; }

void app_main(exo_name self)
{
	posix_start((uint32_t)self);
}
