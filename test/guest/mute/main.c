/* SPDX-License-Identifier: MIT */
/* In a box: takes calls and answers none. The first caller waits for somebody who sleeps, or, with `mute-spins = 1`,
 * never does; others for nobody. */
#include <rt/rt.h>

void app_main(exo_name self)
{
	uint64_t m[2] = { 0, 0 };

	rt_log("mute: env %lx listens", self);
	while (gate_pct_answer(EXO_PCT_ACCEPT, m) <= 0)
		;
	while (rt_setting("mute-spins", 0) == 1)
		;
	for (;;)
		(void)gate_wait(0, 0);
}
