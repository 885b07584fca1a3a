/* SPDX-License-Identifier: MIT */
/* A virtio entropy device's bytes for the family's generator (lib/run/random.c), which mixes them in: at the start
 * and, as Linux does it, once a minute. The start waits for 10 ms at most; a machine without one goes on without. */
#include <base/string.h>
#include "monitor.h"

#define FIRST_NS 10000000u     /* for the first bytes */
#define NEXT_NS  60000000000u  /* between two lots */

void seed_pump(struct monitor *m, uint64_t now)
{
	uint8_t fresh[SAID_SEED] = { 0 };

	if (vrng_take(m->dev.vrng, fresh, sizeof fresh)) {
		memcpy(SAY->seed, fresh, sizeof fresh);
		__atomic_store_n(&SAY->seeds, SAY->seeds + 1 ? SAY->seeds + 1 : 1, __ATOMIC_RELEASE);
		memset(fresh, 0, sizeof fresh);
	}
	if (now < m->seed_next)
		return;
	m->seed_next = now + NEXT_NS;
	vrng_ask(m->dev.vrng, SAID_SEED);
}

void seed_open(struct monitor *m)
{
	uint64_t end;

	if (drivers_open(&m->dev, DRIVER_vrng))
		return;
	end = clock_ns() + FIRST_NS;
	do
		seed_pump(m, clock_ns());
	while (!SAY->seeds && clock_ns() < end);
	rt_log("monitor: a virtio rng device gives bytes for the generator%s", SAY->seeds ? "" : ", but has not yet");
}
