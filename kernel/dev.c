/* SPDX-License-Identifier: MIT */
/* Devices that envs may hold: I/O ports, ISA interrupt lines, memory that is not RAM. What could break protection or the kernel's own clock is never given away. */
#include "kernel.h"

#define BINDERS 4
static struct env *binder[16][BINDERS]; /* of each line; a level line may be shared */

/* First and last port, whole groups of 8 as the I/O map is granted. */
static const struct { uint16_t first, last; } kept[] = {
	{ 0x0000, 0x000f }, /* DMA */
	{ 0x0020, 0x0027 }, { 0x00a0, 0x00a7 }, /* 8259 */
	{ 0x0040, 0x0047 }, /* PIT */
	{ 0x0070, 0x0077 }, /* CMOS, NMI mask */
	{ 0x0080, 0x009f }, /* DMA pages, fast reset 0x92 */
	{ 0x00b0, 0x00b7 }, /* SMI command */
	{ 0x00c0, 0x00df }, /* DMA */
	{ 0x04d0, 0x04d7 }, /* edge or level */
	{ 0x0500, 0x050f }, { 0x0600, 0x067f }, { 0xb000, 0xb03f }, /* usual places of ACPI registers */
	{ 0x0cf8, 0x0cff }, /* PCI configuration, reset 0xcf9 */
};

/* Device memory that is held, or still mapped after its holder let go. */
static struct dev_frames held[16];

struct dev_frames *dev_frames_find(uint64_t pfn)
{
	for (unsigned i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		if (pfn - held[i].first < held[i].count)
			return &held[i];
	return NULL;
}

/* What boot found as the kernel's own, and where PC firmware keeps APICs, HPET and flash. */
static bool frames_are_kept(uint64_t first, uint64_t end)
{
	const uint64_t apic = 0xfec00, flash = 0x100000, ours[] = { boot->lapic, boot->ioapic, boot->hpet };
	for (unsigned i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (ours[i] && first <= ours[i] >> EXO_PAGE_SHIFT && end > ours[i] >> EXO_PAGE_SHIFT)
			return true;
	if (first < flash && end > apic)
		return true;
	return first < 0x100; /* below 1 MiB: ROMs and the firmware's */
}

static int64_t bind_frames(struct env *me, uint64_t first, uint64_t n, bool write_combined)
{
	struct dev_frames *spare = NULL;
	if (n == 0 || n > 1ul << 20 || first > (1ul << 40) - n || first + n > UINT32_MAX)
		return -EXO_EINVAL;
	if (frames_are_kept(first, first + n))
		return -EXO_EPERM;
	/* Behind any other address may be PCI configuration space (ECAM), MSI-X tables or a device that masters the bus: the machine right. */
	uint64_t fb = boot->fb_base >> EXO_PAGE_SHIFT, fb_end = (boot->fb_base + boot->fb_size + EXO_PAGE_SIZE - 1) >> EXO_PAGE_SHIFT;
	if (me != first_env() && (first < fb || first + n > fb_end))
		return -EXO_EPERM;
	const struct boot_range *map = pa_ptr(boot->map);
	for (uint64_t i = 0; i < boot->map_count; i++)
		if (first < map[i].pfn + map[i].count && first + n > map[i].pfn)
			return -EXO_EPERM; /* RAM, or the firmware's */
	for (unsigned i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		if (!held[i].count)
			spare = &held[i];
		else if (first < (uint64_t)held[i].first + held[i].count && first + n > held[i].first)
			return -EXO_EBUSY;
	}
	if (!spare)
		return -EXO_ENOMEM;
	if (!account_charge(envs[me->index].account, EXO_C_DEVICES, 1))
		return -EXO_EPERM;
	*spare = (struct dev_frames){ (uint32_t)first, (uint32_t)n, 0, me->index, write_combined };
	return 0;
}

static bool port_is_kept(uint32_t first, uint32_t last)
{
	const uint32_t acpi[] = { boot->pm_timer_port, boot->pm1a_cnt, boot->pm1b_cnt };
	for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (first <= kept[i].last && last >= kept[i].first)
			return true;
	for (unsigned i = 0; i < sizeof(acpi) / sizeof(acpi[0]); i++)
		if (acpi[i] && first <= acpi[i] + 3 && last >= acpi[i])
			return true;
	return false;
}

int64_t op_dev_bind(uint64_t kind, uint64_t base, uint64_t n)
{
	struct env *me = current_env();
	if (kind == EXO_DEV_PORTS) {
		if (base > 0xfff8 || n == 0 || n > 0x10000 - base || base % 8 || n % 8)
			return -EXO_EINVAL;
		if (port_is_kept((uint32_t)base, (uint32_t)(base + n - 1)))
			return -EXO_EPERM;
		if (n > 256)
			return -EXO_EINVAL; /* every switch to and from the env writes its part of the I/O map */
		if (me->port_count == ENV_PORTS)
			return -EXO_ENOMEM;
		if (!account_charge(envs[me->index].account, EXO_C_DEVICES, 1))
			return -EXO_EPERM;
		me->port[me->port_count].base = (uint16_t)base;
		me->port[me->port_count++].count = (uint16_t)n;
		machine_ports(me, true);
		return 0;
	}
	if (kind == EXO_DEV_TRACE)
		return trace_bind(base, n);
	if (kind == EXO_DEV_FRAMES || kind == EXO_DEV_FRAMES_WC)
		return bind_frames(me, base, n, kind == EXO_DEV_FRAMES_WC);
	if (kind != EXO_DEV_IRQ || n != 1 || base >= 16)
		return -EXO_EINVAL;
	if (base == 0 || base == 2 || base == 8 || base == 9)
		return -EXO_EPERM; /* timer, cascade, RTC, ACPI */
	if (me->irq_lines >> base & 1)
		return -EXO_EEXIST;
	for (unsigned i = 0; i < BINDERS; i++) {
		if (binder[base][i])
			continue;
		if (!account_charge(envs[me->index].account, EXO_C_DEVICES, 1))
			return -EXO_EPERM;
		binder[base][i] = me;
		me->irq_lines |= (uint16_t)(1u << base);
		irq_mask((unsigned)base, false);
		return 0;
	}
	return -EXO_ENOMEM;
}

int64_t op_dev_ack(uint64_t line)
{
	struct env *me = current_env();
	if (line >= 16)
		return -EXO_EINVAL;
	if (!(me->irq_lines >> line & 1))
		return -EXO_ENOENT;
	if (irq_is_level((unsigned)line))
		irq_mask((unsigned)line, false);
	return 0;
}

/* A level line stays masked until an ack; an edge is remembered in irq_bits, so none is lost. */
void dev_interrupt(unsigned line)
{
	if (irq_is_level(line))
		irq_mask(line, true);
	for (unsigned i = 0; i < BINDERS; i++) {
		struct env *e = binder[line][i];
		if (!e)
			continue;
		__atomic_or_fetch(&e->exo->irq_bits, 1u << line, __ATOMIC_SEQ_CST);
		sched_event(e, EXO_PEND_IRQ);
	}
}

void dev_teardown(struct env *e)
{
	if (e->port_count && e == current_env())
		machine_ports(e, false);
	if (e->port_count)
		account_refund(envs[e->index].account, EXO_C_DEVICES, e->port_count);
	e->port_count = 0;
	for (unsigned i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		if (held[i].owner == e->index) {
			held[i].owner = 0;
			if (!held[i].maps)
				held[i].count = 0;
			account_refund(envs[e->index].account, EXO_C_DEVICES, 1);
		}
	for (unsigned line = 0; line < 16; line++) {
		if (!(e->irq_lines >> line & 1))
			continue;
		unsigned left = 0;
		for (unsigned i = 0; i < BINDERS; i++) {
			if (binder[line][i] == e)
				binder[line][i] = NULL;
			left += binder[line][i] != NULL;
		}
		irq_mask(line, left == 0); /* a binder's death acks */
		account_refund(envs[e->index].account, EXO_C_DEVICES, 1);
	}
	e->irq_lines = 0;
}
