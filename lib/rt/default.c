/* SPDX-License-Identifier: MIT */
/* What happens to an app that leaves a handler out: a line in the log, and the end of the env. */
#include <rt/rt.h>

__attribute__((weak)) void app_main(exo_name self)
{
	rt_log("no app_main for env %lx", self);
	rt_off(1);
}

__attribute__((weak)) void rt_on_fault(struct rt_regs *regs)
{
	rt_log("fault %lu, error %lx, address %lx, rip %lx", regs->at.vector, regs->at.error, regs->at.addr, regs->at.rip);
	rt_off(1);
}

__attribute__((weak)) void rt_on_async(struct rt_regs *regs, uint32_t bits)
{
	(void)regs;
	(void)bits;
}

__attribute__((weak)) void rt_on_foreign(struct rt_regs *regs)
{
	rt_log("foreign system call %lu at rip %lx", regs->rax, regs->at.rip);
	rt_off(1);
}
