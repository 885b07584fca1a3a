/* SPDX-License-Identifier: MIT */
/* The Linux library OS as an app: chooses its parts. Its pager stands in memory.c, its scheduler in cpu.c. Another app
 * may choose others, or bring its own. */
#include <posix/parts.h>
#include <rt/rt.h>
#include "init.h"

const struct posix_app posix_app = {
	.load = load_binary,       /* scripts, static and position-independent ELF */
	.fork = fork_sealed,       /* links tables, copies no page */
	.victims = swap_clock,     /* what was not used for a while */
	.latency_ns = 6000000,
	.granularity_ns = 750000,
	.monitor = monitor_main,   /* devices, slices, the machine's end */
	.first = init_main,
	.events = init_events,
	.kinds = kinds_of_linux,   /* tmpfs, proc, sysfs, cgroup2, devtmpfs, devpts */
	.said_size = sizeof(struct init_said),
};

/* The first env's lines are the kernel's log's, and so are those of a box that no command has been started in yet. */
void rt_say(char *line, size_t n) { (void)gate_log(line, n); }
void rt_end(int status) { (void)status; }

/* lib/posix/entry.S, on the loader's stack. */
void app_main(exo_name self)
{
	posix_start((uint32_t)self);
}
