/* SPDX-License-Identifier: MIT */
/* A member that holds the family's lock for a while, lets it go, and takes it again, until the clock has jumped while
 * it held it: the host stood still, and nobody was at fault. Aril only. */
#include "check.h"
#include <family/monitor.h>
#include <rt/gate.h>
#include <stdint.h>

#define LOCK    ((volatile exo_name *)(PRIVATE_BASE + PRIVATE_FAMILY))
#define HOLD_NS 60000000u  /* well below what the monitor ends somebody for */
#define JUMP_NS 500000000u /* no host stands still for so long by itself: that was the test */

/* Jumps are not counted, neither here nor by the monitor: how many there were. */
static int hold(void)
{
	volatile struct exo_page *own = (struct exo_page *)rt_exo(rt_self());
	uint64_t ran = 0, last;
	exo_name nobody = 0;
	int jumps = 0;

	own->disabled = 1;
	while (!__atomic_compare_exchange_n(LOCK, &nobody, rt_self(), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		nobody = 0;
		(void)gate_yield(0, 0);
	}
	last = rt_tsc();
	while (ran < rt_ticks(HOLD_NS)) {
		uint64_t now = rt_tsc();

		if (now - last > rt_ticks(JUMP_NS))
			jumps++;
		else
			ran += now - last;
		last = now;
	}
	__atomic_store_n(LOCK, 0, __ATOMIC_RELEASE);
	own->disabled = 0;
	return jumps;
}

int main(void)
{
	printf("ready\n");
	fflush(stdout);
	while (!hold())
		usleep(1000);
	printf("the clock has jumped\n");
	return 0;
}
