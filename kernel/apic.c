/* SPDX-License-Identifier: MIT */
/* Interrupt controllers: local APIC in the mode found (xAPIC by memory, x2APIC by MSR), I/O APIC lines, and the two 8259s, silenced. */
#include "kernel.h"
#include "vector.h"

#define LAPIC_VA  KERNEL_DEVICES
#define IOAPIC_VA (KERNEL_DEVICES + EXO_PAGE_SIZE)

/* Register numbers of the local APIC (Intel SDM vol. 3, 11.4.1), as MSR offsets. */
enum { L_TPR = 0x8, L_EOI = 0xb, L_SPURIOUS = 0xf, L_IRR2 = 0x22, L_IRR5 = 0x25, L_IRR6,
	L_LVT_TIMER = 0x32, L_LVT_LINT0 = 0x35, L_LVT_LINT1 = 0x36, L_LVT_ERROR = 0x37,
	L_TIMER_INITIAL = 0x38, L_TIMER_CURRENT = 0x39, L_TIMER_DIVIDE = 0x3e };
#define LVT_MASKED (1u << 16)
#define LVT_NMI    (4u << 8)
#define LVT_DEADLINE (1u << 18)

static bool x2apic;
static uint32_t ioapic_lines;
static uint32_t line_gsi[16];
static bool line_level[16], line_low[16];

static uint32_t lapic_read(uint32_t reg)
{
	return x2apic ? (uint32_t)rdmsr(MSR_X2APIC + reg) : *(volatile uint32_t *)(LAPIC_VA + reg * 16);
}

static void lapic_write(uint32_t reg, uint32_t v)
{
	if (x2apic)
		wrmsr(MSR_X2APIC + reg, v);
	else
		*(volatile uint32_t *)(LAPIC_VA + reg * 16) = v;
}

static uint32_t ioapic_read(uint32_t reg)
{
	*(volatile uint32_t *)IOAPIC_VA = reg;
	return *(volatile uint32_t *)(IOAPIC_VA + 16);
}

static void ioapic_write(uint32_t reg, uint32_t v)
{
	*(volatile uint32_t *)IOAPIC_VA = reg;
	*(volatile uint32_t *)(IOAPIC_VA + 16) = v;
}

void apic_eoi(void) { lapic_write(L_EOI, 0); }
void apic_timer(uint32_t count) { lapic_write(L_TIMER_INITIAL, count); }
uint32_t apic_timer_now(void) { return lapic_read(L_TIMER_CURRENT); }

bool apic_deadline(void)
{
	uint32_t one[4];
	cpuid(1, one);
	if (!(one[2] >> 24 & 1))
		return false;
	lapic_write(L_LVT_TIMER, VECTOR_TIMER | LVT_DEADLINE);
	__asm__ volatile("mfence" ::: "memory"); /* in xAPIC mode nothing else orders it before the MSR (Intel SDM vol. 3, 11.5.4.1) */
	return true;
}

bool interrupt_waits(void)
{
	return lapic_read(L_IRR2) || (message_at[VECTOR_MSI_MORE] && (lapic_read(L_IRR5) || lapic_read(L_IRR6)));
}

/* Intel SDM vol. 3, 11.11.1: one CPU, by its number. */
uint32_t apic_message_address(void) { return 0xfee00000 | (x2apic ? lapic_read(2) & 0xff : lapic_read(2) >> 24) << 12; }

static void ioapic_set(unsigned line, bool masked)
{
	uint32_t gsi = line_gsi[line] - boot->ioapic_gsi;
	if (gsi >= ioapic_lines)
		return;
	ioapic_write(0x11 + 2 * gsi, (x2apic ? lapic_read(2) : lapic_read(2) >> 24) << 24);
	ioapic_write(0x10 + 2 * gsi, (VECTOR_IRQ + line) | (uint32_t)line_low[line] << 13 | (uint32_t)line_level[line] << 15 | (uint32_t)masked << 16);
}

void irq_mask(unsigned line, bool masked) { ioapic_set(line, masked); }
bool irq_is_level(unsigned line) { return line_level[line]; }

void apic_start(void)
{
	/* The 8259s: out of the way of the exceptions, everything masked (their data sheet's initialisation words). */
	outb(0x20, 0x11); outb(0x21, 0xf0); outb(0x21, 4); outb(0x21, 1); outb(0x21, 0xff);
	outb(0xa0, 0x11); outb(0xa1, 0xf8); outb(0xa1, 2); outb(0xa1, 1); outb(0xa1, 0xff);

	uint64_t base = rdmsr(MSR_APIC_BASE);
	x2apic = base >> 10 & 1;
	if (!(base >> 11 & 1))
		panic("the local APIC is switched off");
	if (!x2apic)
		kernel_map_device(LAPIC_VA, base & EXO_PTE_ADDR);
	lapic_write(L_LVT_TIMER, LVT_MASKED);
	lapic_write(L_LVT_LINT0, LVT_MASKED);
	lapic_write(L_LVT_ERROR, LVT_MASKED);
	lapic_write(L_TPR, 0);
	lapic_write(L_SPURIOUS, 0x100 | VECTOR_SPURIOUS);
	lapic_write(L_LVT_LINT1, LVT_NMI); /* hardware that fails, or a person who asks: a panic */
	lapic_write(L_TIMER_DIVIDE, 0xb); /* by 1 */
	lapic_write(L_LVT_TIMER, VECTOR_TIMER); /* one-shot */

	for (unsigned i = 0; i < 16; i++)
		line_gsi[i] = i;
	for (uint32_t i = 0; i < boot->override_count && i < 16; i++) {
		const struct boot_irq_override *o = &boot->irq_override[i];
		if (o->isa >= 16)
			continue;
		line_gsi[o->isa] = o->gsi;
		line_low[o->isa] = (o->flags & 3) == 3;
		line_level[o->isa] = (o->flags >> 2 & 3) == 3;
	}
	if (!boot->ioapic) {
		klog("no I/O APIC: devices cannot interrupt");
		return;
	}
	kernel_map_device(IOAPIC_VA, boot->ioapic);
	ioapic_lines = (ioapic_read(1) >> 16 & 0xff) + 1;
	for (uint32_t i = 0; i < ioapic_lines; i++)
		ioapic_write(0x10 + 2 * i, LVT_MASKED);
	klog("local APIC in %s mode, I/O APIC with %u lines", x2apic ? "x2APIC" : "xAPIC", ioapic_lines);
}
