/* SPDX-License-Identifier: MIT */
/* The Linux library OS with one kind of file system more: every operation of it sleeps, for a time that differs from
 * one to the next. Nothing else differs from the app that is shipped. */
#include <posix/parts.h>
#include "slow.h"

#define NAP_STEP_NS 50000
#define NAP_STEPS   16 /* up to 0.8 ms */

extern const struct fs_ops sysfs_kind, proc_kind, cgroup_kind;

/* In place of the library's own (Makefile). */
const struct fs_ops *const kinds_of_linux[] = {
	&sysfs_kind, &tmpfs_kind, &proc_kind, &cgroup_kind, &devtmpfs_kind, &devpts_kind, &p9_kind,
	&slow_kind, NULL,
};

/* Who has a signal waiting is not kept: like a disk's, its operations end. */
int slow_nap(struct volume *v, enum slow_op op)
{
	uint64_t step = clock_ns() / 64 % NAP_STEPS + 1;

	if (op != SLOW_END)
		(void)sleep_on(v, clock_after(step * NAP_STEP_NS));
	return 0;
}
