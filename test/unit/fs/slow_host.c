/* SPDX-License-Identifier: MIT */
/* How the kind that sleeps does so on the host, and the tree that its tests begin with. */
#include "slow_host.h"
#include "../../guest/slowfs/slow.h"

void (*meanwhile)(void);
int naps, synced, refuse_open, volumes_ended;
static int due;

/* Sleep of a kind's operation ends at once; whoever waits for another one's turn is interrupted. */
static int wakes_at_once(void *channel, uint64_t deadline)
{
	void (*now)(void) = meanwhile;

	(void)deadline;
	if (channel != &naps)
		return -EINTR;
	if (++naps < due)
		return 0;
	meanwhile = NULL;
	if (now)
		now();
	return 0;
}

void while_in(int nth, void (*others)(void))
{
	due = naps + nth;
	meanwhile = others;
}

int slow_nap(struct volume *v, enum slow_op op)
{
	(void)v;
	if (op == SLOW_END) {
		volumes_ended++;
		return 0;
	}
	CHECK_EQ(sleep_on(&naps, 0), 0);
	if (op == SLOW_SYNC || op == SLOW_SYNC_DATA)
		synced += op == SLOW_SYNC ? 1 : 100;
	return op == SLOW_OPEN ? refuse_open : 0;
}

void slow_start(void)
{
	static const struct fs_ops *const kinds[] = { &tmpfs_kind, &slow_kind, NULL };

	shim_start();
	shim_sleep = wakes_at_once;
	volumes_ended = due = 0;
	fs_family()->kinds = kinds;
	CHECK_EQ(SYS(mkdir, "/tmp/under", 0755), 0);
	CHECK_EQ(SYS(mkdir, "/tmp/under/in", 0755), 0);
	put_file("/tmp/under/in/file", "text");
	CHECK_EQ(SYS(symlink, "in/file", "/tmp/under/link"), 0);
	CHECK_EQ(SYS(mkdir, "/tmp/slow", 0755), 0);
	CHECK_EQ(SYS(mount, "/tmp/under", "/tmp/slow", "slow", 0, NULL), 0);
	naps = 0;
}

void unmount(void) { CHECK_EQ(SYS(umount2, "/tmp/slow", 2), 0); }

void others_remove(void)
{
	CHECK_EQ(SYS(unlink, "/tmp/under/in/file"), 0);
	CHECK_EQ(SYS(rmdir, "/tmp/under/in"), 0);
}
