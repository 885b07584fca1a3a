/* SPDX-License-Identifier: MIT */
/* Tests of batch, log, devices and what the system window says (rules 14, 25 to 28). */
#include <base/string.h>
#include "gate.h"

static struct exo_batch ops[513];

void batch_runs(void)
{
	int64_t pfn = rt_frame(), table;

	IS(rt_tables(0, T, 0, 0), 0);
	table = rt_frame();
	memset(ops, 0, sizeof ops);
	ops[0] = (struct exo_batch){ EXO_GATE_nop, { 0 }, 7 };
	ops[1] = (struct exo_batch){ EXO_GATE_frame_type, { (uint64_t)table, 1, EXO_PT1, 0 }, 7 };
	ops[2] = (struct exo_batch){ EXO_GATE_pt_link, { 0, T2 | 2, 1, (uint64_t)table }, 7 };
	ops[3] = (struct exo_batch){ EXO_GATE_pte_write, { 0, T2 | 1, 1, PTE(pfn, RW | NX), 0, 0 }, 7 };
	IS(gate_batch(ops, 4), 4);
	IS(ops[0].result, 0);
	IS(ops[1].result, 1);
	IS(ops[2].result, 1);
	IS(ops[3].result, 1);
	WORD(T2) = 1;
}

void batch_stops(void)
{
	int64_t pfn = rt_frame();

	IS(rt_tables(0, T, 0, 0), 0);
	memset(ops, 0, sizeof ops);
	ops[1] = (struct exo_batch){ EXO_GATE_pte_write, { 0, T | 1, 1, PTE(pfn, 1ul << 8), 0, 0 }, 7 };
	ops[2] = (struct exo_batch){ EXO_GATE_pte_write, { 0, T | 1, 1, PTE(pfn, NX), 0, 0 }, 7 };
	IS(gate_batch(ops, 3), 1);
	IS(ops[0].result, 0);
	IS(ops[1].result, -EXO_EINVAL);
	IS(ops[2].result, 7);
	IS(FRAME(pfn).maps, 0);
}

void batch_refused(void)
{
	static const uint64_t alone[] = { EXO_GATE_batch, EXO_GATE_env_make, EXO_GATE_env_set, EXO_GATE_env_kill, EXO_GATE_yield, EXO_GATE_wait,
		EXO_GATE_dev_bind, EXO_GATE_SPAN - 1, 1ul << 40, EXO_GATE_BASE };

	for (unsigned i = 0; i < sizeof alone / sizeof alone[0]; i++) {
		memset(ops, 0, sizeof ops);
		ops[0].op = alone[i];
		REFUSED(gate_batch(ops, 1) == 0 ? ops[0].result : gate_batch(ops, 1));
	}
	memset(ops, 0, sizeof ops);
	IS(gate_batch(ops, 513), -EXO_EINVAL);
	IS(gate_batch(ops, ~0ul), -EXO_EINVAL);
	IS(gate_batch((struct exo_batch *)16, 1), -EXO_EFAULT);
	IS(gate_batch((struct exo_batch *)KERNEL_DIRECT, 1), -EXO_EFAULT);
	IS(gate_batch((struct exo_batch *)EXO_INFO, 1), -EXO_EFAULT);
	IS(gate_batch(ops, 0), 0);
}

void batch_long(void)
{
	int64_t r;

	memset(ops, 0, sizeof ops);
	for (uint64_t done = 0; done < 512; done += (uint64_t)r) {
		r = gate_batch(ops + done, 512 - done);
		CHECK(r > 0);
	}
}

void log_refused(void)
{
	IS(gate_log((const char *)16, 4), -EXO_EFAULT);
	IS(gate_log((const char *)KERNEL_DIRECT, 4), -EXO_EFAULT);
	IS(gate_log((const char *)~0ul, 4), -EXO_EFAULT);
	CHECK(gate_log("\x1b[2Jlog\r\nTEST forged ok", 22) >= 0);
	REFUSED(gate_log((const char *)test_fail, 257));
}

static void port_in(uint64_t port)
{
	uint8_t value;

	__asm__ volatile("inb %%dx, %%al" : "=a"(value) : "d"((uint16_t)port));
	shared[0] = value;
}

void dev_ports(void)
{
	IS(guarded(port_in, 0x2ea), 1);
	IS(caught.vector, 13);
	IS(gate_dev_bind(EXO_DEV_PORTS, 0x2e8, 8), 0);
	IS(guarded(port_in, 0x2ea), 0);
	IS(guarded(port_in, 0x2ef), 0);
	IS(guarded(port_in, 0x2f0), 1);
	IS(guarded(port_in, 0x2e7), 1);
}

static void port_bind(uint64_t port)
{
	shared[1] = (uint64_t)gate_dev_bind(EXO_DEV_PORTS, port, 8);
	port_in(port);
	shared[2] = 1;
	(void)gate_yield(0, 0);
	port_in(port);
	shared[2] = 2;
}

void dev_ports_other(void)
{
	exo_name name = actor_start(0, port_bind, 0x2e8);

	CHECK(name);
	while (!shared[2])
		(void)gate_yield(name, 0);
	IS(shared[1], 0);
	IS(guarded(port_in, 0x2e8), 1); /* its ports, not ours */
	CHECK(actor_finish(name));
	IS(shared[2], 2);
	IS(guarded(port_in, 0x2e8), 1);
}

void dev_refused(void)
{
	static const uint64_t ports[] = { 0x20, 0xa0, 0x40, 0x90, 0xcf8 };

	for (unsigned i = 0; i < sizeof ports / sizeof ports[0]; i++)
		IS(gate_dev_bind(EXO_DEV_PORTS, ports[i], 8), -EXO_EPERM);
	IS(gate_dev_bind(EXO_DEV_PORTS, 0, 0x10000), -EXO_EINVAL);
	IS(gate_dev_bind(EXO_DEV_PORTS, 0x2e9, 8), -EXO_EINVAL); /* two groups */
	IS(gate_dev_bind(EXO_DEV_PORTS, 0x2e8, ~0ul), -EXO_EINVAL);
	IS(gate_dev_bind(EXO_DEV_PORTS, 0x2e8, 0), -EXO_EINVAL);
	REFUSED(gate_dev_bind(EXO_DEV_PORTS, 0xfff8, 16));
	REFUSED(gate_dev_bind(EXO_DEV_PORTS, 1ul << 40, 8));
	IS(gate_dev_bind(77, 0x2e8, 8), -EXO_EINVAL);
	REFUSED(gate_dev_bind(EXO_DEV_IRQ, 16, 1));
	REFUSED(gate_dev_bind(EXO_DEV_IRQ, 3, 2));
	IS(gate_dev_ack(5), -EXO_ENOENT);
	REFUSED(gate_dev_ack(1ul << 33));
}

void dev_irq(void)
{
	IS(gate_dev_bind(EXO_DEV_IRQ, 3, 1), 0);
	IS(gate_dev_ack(3), 0);
	IS(gate_dev_bind(EXO_DEV_IRQ, 5, 1), -EXO_EPERM);
}

static void port_out(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" :: "a"(value), "d"(port)); }

static int irq_comes(uint64_t count)
{
	/* The serial port's "transmitter is empty" interrupt: raised anew whenever it is enabled. */
	port_out(0x2f9, 0);
	port_out(0x2f9, 2);
	for (uint64_t end = rt_tsc() + rt_ticks(300000000); seen.irq_count == count && rt_tsc() < end;)
		__asm__ volatile("pause");
	return seen.irq_count > count;
}

/* COM2 and its line: an upcall, then silence until dev_ack, then the next. */
void dev_irq_upcall(void)
{
	IS(gate_dev_bind(EXO_DEV_PORTS, 0x2f8, 8), 0);
	IS(gate_dev_bind(EXO_DEV_IRQ, 3, 1), 0);
	port_out(0x2fc, 8);
	CHECK(irq_comes(0));
	IS(rt_page()->irq_bits, 1u << 3);
	port_in(0x2fa);
	rt_page()->irq_bits = 0;
	IS(gate_dev_ack(3), 0);
	CHECK(irq_comes(seen.irq_count));
	port_out(0x2f9, 0);
	port_in(0x2fa);
	IS(gate_dev_ack(3), 0);
}

void window_facts(void)
{
	uint64_t free = 0, ram = 0;

	IS(rt_info->magic, EXO_INFO_MAGIC);
	IS(rt_info->version, EXO_INFO_VERSION);
	IS(rt_info->current, rt_self());
	IS(rt_page()->self, rt_self());
	CHECK(rt_info->tsc_hz > 1000000);
	for (uint64_t pfn = 0; pfn < rt_info->frame_count; pfn++) {
		ram += FRAME(pfn).type != EXO_NONE;
		free += FRAME(pfn).type == EXO_FREE;
	}
	IS(free, rt_info->frames_free);
	CHECK(ram <= rt_info->frame_count);
	CHECK(rt_info->frames_free < rt_info->frames_ram);
	IS(rt_envs[ME].name, rt_self());
	IS(rt_envs[0].name, 0);
}

void clock_runs(void)
{
	uint64_t a = rt_now(), start = rt_tsc(), b;

	while (rt_tsc() - start < rt_ticks(2000000))
		__asm__ volatile("pause");
	b = rt_now();
	CHECK(b - a >= 1900000 && b - a < 2000000000);
}

void first_machine_refused(void)
{
	IS(gate_env_set(0, EXO_SET_MACHINE, 99, 0), -EXO_EINVAL);
	IS(gate_env_set(0, EXO_SET_LIMIT, 0, 0) < 0, 1);
}

void machine_child_refused(void)
{
	IS(gate_env_set(0, EXO_SET_MACHINE, EXO_MACHINE_OFF, 3), -EXO_EPERM);
	IS(gate_env_set(0, EXO_SET_MACHINE, EXO_MACHINE_RESET, 3), -EXO_EPERM);
	IS(gate_env_set(rt_info->first, EXO_SET_MACHINE, EXO_MACHINE_OFF, 3), -EXO_EPERM);
	IS(gate_env_set(rt_info->first, EXO_SET_ALARM, 1, 0), -EXO_EPERM);
	IS(gate_env_set(rt_info->first, EXO_SET_DIRECT, 1, 0), -EXO_EPERM);
}
