/* SPDX-License-Identifier: MIT */
/* In a box: takes calls and answers none. The first caller waits for somebody who sleeps, others for nobody. */
#include <rt/rt.h>

void app_main(exo_name self)
{
	uint64_t m[2] = { 0, 0 };

	rt_log("mute: env %lx listens", self);
	while (gate_pct_answer(EXO_PCT_ACCEPT, m) <= 0)
		;
	for (;;)
		(void)gate_wait(0, 0);
}
