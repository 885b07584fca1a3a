/* SPDX-License-Identifier: MIT */
/* What /proc and statfs show of the machine, from the kernel's public info page. Host tests bring their own. */
#include <rt/gate.h>
#include "files.h"

void machine_facts(struct machine_facts *out)
{
	out->frames = rt_info->frames_ram;
	out->frames_free = rt_info->frames_free;
	out->tsc_hz = rt_info->tsc_hz;
}
