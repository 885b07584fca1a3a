/* SPDX-License-Identifier: MIT */
/* Vectors: the IDT, and what each interrupt or exception becomes. */
#include "kernel.h"
#include "vector.h"

struct idt_gate { uint16_t offset0, selector; uint8_t ist, type; uint16_t offset1; uint32_t offset2, zero; };
static struct idt_gate idt[256];
extern const uint64_t trap_stubs[256];

static void idt_set(unsigned vector, uint64_t at, uint16_t selector, unsigned ist, unsigned type)
{
	idt[vector] = (struct idt_gate){ .offset0 = (uint16_t)at, .selector = selector, .ist = (uint8_t)ist, .type = (uint8_t)type,
		.offset1 = (uint16_t)(at >> 16), .offset2 = (uint32_t)(at >> 32) };
}

/* Present interrupt gate (0x8e), so IF is clear in the kernel (Intel SDM vol. 3, 6.14.1). */
static void gate_set(unsigned vector, unsigned dpl, unsigned ist)
{
	idt_set(vector, trap_stubs[vector], 8, ist, 0x8e | dpl << 5);
}

/* Direct: a trap gate (0x8f: an interrupt gate would clear IF in ring 3 for ever) into ring-3 code. In ring 0 such a gate is a #GP, which is fatal. */
void trap_direct(bool on)
{
	for (unsigned v = 0; v < 20; v++) {
		unsigned dpl = v == 3 || v == 4 ? 3 : 0;
		if (!(EXO_DIRECT_VECTORS >> v & 1))
			continue;
		if (on)
			idt_set(v, EXO_SELF_ENTER + v * DIRECT_STUB_SIZE, EXO_USER_CS, IST_DIRECT, 0x8f | dpl << 5);
		else
			gate_set(v, dpl, 0);
	}
	this_cpu()->direct = on;
	if (on && current_env())
		machine_direct_stack(current_env(), this_cpu()->push_alias);
}

void trap_aliases(struct env *e)
{
	uint64_t base = e->group_va + EXO_GROUP_STACK;
	e->upcall_resume = EXO_UPCALL_RESUME;
	if (!this_cpu()->iret_alias)
		return;
	e->upcall_resume += (uint64_t)e->stack[1] - (base + EXO_PAGE_SIZE);
	e->exo->iret_alias[0] = (uint64_t)e->stack[0] - base;
	e->exo->iret_alias[1] = (uint64_t)e->stack[1] - (base + EXO_PAGE_SIZE);
	e->exo->iret_alias[2] = (uint64_t)pfn_ptr(e->group[EXO_EF_DIRECT]) - EXO_SELF_DIRECT;
}

/* The same of a direct vector's frame: a supervisor write to the exception page, from ring 3. From now on the CPU is given the page's other address; the
 * instruction raises its exception again. */
static bool push_retry(const struct trap *t, uint64_t addr)
{
	struct cpu *cpu = this_cpu();
	if (t->error != 3 || !cpu->current->direct || cpu->push_alias || addr - EXO_SELF_DIRECT >= EXO_PAGE_SIZE)
		return false;
	cpu->push_alias = true;
	machine_direct_stack(cpu->current, true);
	return true;
}

void trap_start(void)
{
	for (unsigned v = 0; v < 256; v++)
		gate_set(v, 0, 0);
	gate_set(1, 0, IST_DEBUG);
	gate_set(2, 0, IST_NMI);
	gate_set(8, 0, IST_FATAL);
	gate_set(18, 0, IST_FATAL);
	gate_set(3, 3, 0);
	gate_set(4, 3, 0);
	gate_set(VECTOR_INT80, 3, 0);
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) idtr = { sizeof(idt) - 1, (uint64_t)idt };
	__asm__ volatile("lidt %0" :: "m"(idtr));
}

static void interrupt(const struct trap *t)
{
	if (t->vector == VECTOR_SPURIOUS)
		return;
	/* A level line is masked before the end of its interrupt, or it comes at once again. */
	if (t->vector >= VECTOR_IRQ && t->vector < VECTOR_IRQ + 16) {
		dev_interrupt((unsigned)t->vector - VECTOR_IRQ);
		apic_eoi();
		return;
	}
	apic_eoi();
	if (message_at[t->vector & 0xff])
		pci_interrupt(message_at[t->vector & 0xff] - 1u);
	else if (t->vector == VECTOR_TIMER)
		sched_tick();
	else
		klog("interrupt of nobody: vector %u", (unsigned)t->vector);
}

/* QEMU 7.2 lets a ring-3 iretq read its frame with kernel rights, which SMAP refuses for a user page: a page fault of a supervisor read (error code 1)
 * in ring 3, which no real CPU reports. The return is then made here. False: it was something else. */
static bool iret_finish(struct trap *t)
{
	uint64_t frame[5]; /* rip, cs, rflags, rsp, ss */
	if (t->error != 1)
		return false;
	/* Its two bytes may lie on two pages. */
	const uint8_t *first = user_page(t->rip, false), *second = user_page(t->rip + 1, false);
	if (!first || !second || *first != 0x48 || *second != 0xcf)
		return false;
	if (user_read(frame, t->rsp, sizeof(frame)) < 0 || frame[1] != EXO_USER_CS || frame[4] != EXO_USER_SS || !entry_is_good(frame[0]))
		return false;
	this_cpu()->iret_alias = true;
	trap_aliases(current_env());
	t->rip = frame[0];
	t->rflags = (frame[2] & RFLAGS_USER) | RFLAGS_IF | RFLAGS_FIX;
	t->rsp = frame[3];
	return true;
}

void trap_enter(struct trap *t)
{
	uint64_t addr = t->vector == 14 ? read_cr2() : 0;
	if (t->vector < 32) {
		if (!(t->cs & 3)) {
			machine_off_fault(t);
			panic_trap(t);
		}
		if (t->vector == 1)
			write_dr6(0xffff0ff0);
		if (t->vector != 14 || !(iret_finish(t) || push_retry(t, addr)))
			upcall_fault(t->vector, t->error, addr);
		/* An exception moves no time and wakes nobody, unless its env could not be entered. */
		if (this_cpu()->switched)
			sched_check();
		return;
	} else if (t->vector == VECTOR_INT80 && t->cs & 3) {
		upcall_int80();
		return;
	} else {
		interrupt(t);
	}
	if (t->cs & 3)
		sched_check();
}
