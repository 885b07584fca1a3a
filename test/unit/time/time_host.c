/* SPDX-License-Identifier: MIT */
/* What time.c, apic.c, machine.c and upcall.c are to sched.c, pct.c and dev.c: a clock that the test moves, a timer
 * that is looked at, an interrupt controller that remembers what is masked. */
#include <stdarg.h>
#include "time_test.h"

uint64_t time_now, time_timer = ~0ul;
uint16_t time_masked = 0xffff;
bool has_fsgsbase, has_hypervisor = true, fpu_xsave, fpu_keeps_pointers;
struct exo_trace *trace_ring;
static jmp_buf started;

uint64_t host_tsc(void) { return time_now; }
void machine_special(const struct env *from, struct env *to) { (void)from, (void)to; }
void machine_bases_switch(struct exo_regs *out, const struct exo_regs *in) { (void)out, (void)in; }
void machine_ports(const struct env *e, bool open) { (void)e, (void)open; }
void timer_arm(uint64_t tsc) { time_timer = tsc; }
void irq_mask(unsigned line, bool on)
{ time_masked = (uint16_t)(on ? time_masked | 1u << line : time_masked & ~(1u << line)); }
bool irq_is_level(unsigned line) { return line == 5 || line == 10; }
int64_t pci_bind(uint64_t kind, uint64_t base, uint64_t n) { (void)kind, (void)base, (void)n; return -EXO_EINVAL; }
bool pci_has_memory(uint64_t first, uint64_t end) { (void)first, (void)end; return false; }
void pci_quiet(struct env *e) { (void)e; }
int64_t trace_bind(uint64_t pfn, uint64_t n) { (void)pfn, (void)n; return -EXO_EPERM; }
void trace_write(int kind, unsigned number, exo_name env, const uint64_t arg[6])
{ (void)kind, (void)number, (void)env, (void)arg; }

/* A binder that did not acknowledge: the model hears of it. */
void klog(const char *format, ...)
{
	va_list args;

	if (memcmp(format, "env ", 4))
		return;
	va_start(args, format);
	exo_name name = va_arg(args, exo_name);
	time_lost(va_arg(args, unsigned), (unsigned)EXO_NAME_INDEX(name));
	va_end(args);
}

void log_keep(void) { }
void return_to_env(void) { longjmp(started, 1); }

/* An env that takes its asynchronous upcalls at once. */
void upcall_async(void)
{
	struct exo_page *exo = current_env()->exo;

	if (!exo->disabled)
		exo->pending = exo->irq_bits = 0;
}

/* Nobody can run: the time of the timer comes, or, when nothing is awaited, an event for everybody. */
void host_halt(void)
{
	if (time_timer != ~0ul && time_now < time_timer)
		time_now = time_timer;
	for (unsigned i = 1; time_timer == ~0ul && i < WORLD_INDEX_MAX; i++)
		if (world_env(i)) {
			world_env(i)->exo->disabled = 0;
			sched_event(world_env(i), 31);
		}
	sched_tick();
}

void time_begin(void)
{
	static uint64_t stack;

	cpu0.trap_stack = &stack;
	info->slice_ticks = 1000;
	info->early_ticks = 100;
	info->tsc_hz = 5000;
	envs[1].limit[EXO_C_SLICES] = EXO_SLICE_COUNT;
	if (!setjmp(started))
		sched_start(world_env(1));
	/* All limits are small, so that they are reached. */
	for (uint64_t i = TIME_SLICES; i < EXO_SLICE_COUNT; i++)
		CHECK_EQ(op_slice_set(i, 0), 0);
	envs[1].limit[EXO_C_SLICES] = TIME_SLICES;
	envs[1].limit[EXO_C_DEVICES] = TIME_DEVICES;
	world_env(1)->machine = true;
}
