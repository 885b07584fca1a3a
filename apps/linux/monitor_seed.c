/* SPDX-License-Identifier: MIT */
/* A virtio entropy device's bytes for the family's generator (lib/run/random.c), which mixes them in: at the start
 * and, as Linux does it, once a minute. The start waits for 10 ms at most; a machine without one goes on without. */
#include <base/string.h>
#include "monitor.h"

/* In the first env alone: below the USB controllers' pages (monitor_console.c). */
#define SEED_VA (PRIVATE_BASE + EXO_HOME_SIZE - (4ul << 20) - MONITOR_USB * USB_SPACE - VRNG_SPACE)
#define FIRST_NS 10000000u     /* for the first bytes */
#define NEXT_NS  60000000000u  /* between two lots */

void seed_pump(struct monitor *m, uint64_t now)
{
	uint8_t fresh[SAID_SEED] = { 0 };

	if (vrng_take(&m->seed.device, fresh, sizeof fresh)) {
		memcpy(SAY->seed, fresh, sizeof fresh);
		__atomic_store_n(&SAY->seeds, SAY->seeds + 1 ? SAY->seeds + 1 : 1, __ATOMIC_RELEASE);
		memset(fresh, 0, sizeof fresh);
	}
	if (now < m->seed.next)
		return;
	m->seed.next = now + NEXT_NS;
	vrng_ask(&m->seed.device, SAID_SEED);
}

void seed_open(struct monitor *m)
{
	uint64_t end;

	if (vrng_open(&m->seed.device, SEED_VA))
		return;
	end = clock_ns() + FIRST_NS;
	do
		seed_pump(m, clock_ns());
	while (!SAY->seeds && clock_ns() < end);
	rt_log("monitor: a virtio rng device gives bytes for the generator%s", SAY->seeds ? "" : ", but has not yet");
}
