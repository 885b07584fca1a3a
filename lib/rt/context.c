/* SPDX-License-Identifier: MIT */
/* Several contexts of registers in one env: a handler goes on with another one than it came from. */
#include <base/string.h>
#include <rt/rt.h>

#define FLAGS_IF 0x202

void rt_regs_start(struct rt_regs *to, uint64_t rip, uint64_t rsp, uint64_t first, uint64_t second)
{
	memset(to, 0, sizeof *to);
	to->rdi = first;
	to->rsi = second;
	to->at.rip = rip;
	to->at.rsp = rsp;
	to->at.cs = EXO_USER_CS;
	to->at.ss = EXO_USER_SS;
	to->at.rflags = FLAGS_IF;
}

void rt_switch(struct rt_regs *frame, struct rt_regs *keep, const struct rt_regs *to)
{
	uint64_t resume = frame->at.resume; /* where the frame lies: it stays there */

	if (keep == to)
		return;
	*keep = *frame;
	*frame = *to;
	frame->at.resume = resume;
	frame->at.disabled = 0;
}
