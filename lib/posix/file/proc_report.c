/* SPDX-License-Identifier: MIT */
/* /proc/aril-report: one write is one report, for the stick that Aril is on, and returns when it is there or cannot be.
 * Reading tells what became of the last one. The monitor has the devices, and does it (family/monitor.h). */
#include <rt/gate.h>
#include <family/family.h>
#include <family/monitor.h>
#include <run/thread.h>
#include "proc.h"

#define LOOK_NS 20000000u /* nobody is in a hurry who waits for a stick */

static int is_under_way(void)
{
	return TOLD->report.asked != __atomic_load_n(&SAID->report.answered, __ATOMIC_ACQUIRE);
}

static long report_read(struct io *io, uint64_t at)
{
	const uint64_t size = min_u64(SAID->report.size, REPORT_TEXT);
	size_t n;

	if (is_under_way() || at >= size)
		return 0;
	n = min_u64(io->total, size - at);
	return io_put(io, (const char *)(uintptr_t)SAID->report.text + at, n) < 0 ? -EFAULT : (long)n;
}

/* The monitor answers each in its time: each step of a device has a deadline. */
static int report_ask(void *room, size_t n)
{
	struct told_report *told = &TOLD->report;

	if (is_under_way())
		return -EBUSY;
	told->room = (uint64_t)room;
	told->size = (uint32_t)n;
	__atomic_store_n(&told->asked, told->asked + 1, __ATOMIC_RELEASE);
	(void)gate_notify(SAID->monitor, MONITOR_REPORT);
	while (is_under_way())
		sleep_through(told, clock_after(LOOK_NS));
	return SAID->report.result;
}

static long report_write(struct io *io)
{
	const size_t n = io->total;
	void *room = fam_pages(REPORT_ROOM / PAGE);
	int error;

	if (!room)
		return -ENOMEM;
	error = io_get(io, room, n) ? -EFAULT : report_ask(room, n);
	fam_pages_free(room, REPORT_ROOM / PAGE);
	return error ? error : (long)n;
}

long move_report(const struct proc_node *of, struct io *io, uint64_t at, int writes)
{
	(void)of;
	if (!writes)
		return report_read(io, at);
	return at || io->total > REPORT_ROOM ? -EFBIG : report_write(io);
}
