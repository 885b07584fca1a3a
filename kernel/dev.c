/* SPDX-License-Identifier: MIT */
/* Devices that envs may hold, each one alone: I/O ports and ISA interrupt lines by a table, memory that is not RAM. Who holds the machine right may have what can
 * master the bus or reset the machine; what the kernel needs itself is nobody's. */
#include "kernel.h"

#define BINDERS 4
/* Who bound a line. `owes`: bit i, binder i has not acknowledged what was delivered at `since`; only a level line is owed. */
static struct { struct env *env[BINDERS]; uint64_t since; uint8_t owes; } line[16];
uint64_t dev_late = ~0ul; /* TSC at which somebody is to lose a level line */

/* The ports that may be bound, by groups of eight as the I/O map has them: which of each, and by whom. What is not here is nobody's: it masters the
 * bus, resets the machine, is the kernel's, or is not known (GATE.md, rule 26). */
/* Who: with a device count, unless the log goes there; with the machine right; that, and only below a hypervisor. */
enum right { ANYONE, MACHINE, VIRTUAL };
static const struct { uint16_t base; uint8_t mask, right; } port_row[] = {
	{ 0x2f8, 0xff, ANYONE },  /* COM2 */
	{ 0x3e8, 0xff, ANYONE },  /* COM3 */
	{ 0x2e8, 0xff, ANYONE },  /* COM4 */
	{ 0x3f8, 0xff, MACHINE }, /* COM1 */
	{ 0x060, 0x11, MACHINE }, /* i8042: data 0x60; command 0x64, which can reset. Between them: speaker gate and system control */
	{ 0x0f0, 0x10, VIRTUAL }, /* QEMU's isa-debug-exit at 0xf4; on real machines the FPU's */
};
#define PORT_ROWS (sizeof(port_row) / sizeof(port_row[0]))
_Static_assert(PORT_ROWS <= ENV_PORTS, "an env has room for all of one kind");
static uint8_t port_held[PORT_ROWS];

/* Lines follow their ports. Level lines are of PCI functions, which master the bus; timer, cascade, RTC, ACPI and FPU are nobody's. */
#define LINES_NEVER   (1u << 0 | 1u << 2 | 1u << 8 | 1u << 9 | 1u << 13)
#define LINES_ANYONE  (1u << 3)                      /* COM2, COM4 */
#define LINES_MACHINE (1u << 1 | 1u << 4 | 1u << 12) /* keyboard, COM1, mouse */

/* Device memory that is held, or still mapped after its holder let go. */
#define HELD 64
static struct dev_frames held[HELD];

struct dev_frames *dev_frames_find(uint64_t pfn)
{
	for (unsigned i = 0; i < HELD; i++) {
		const struct exo_pci *f = held[i].function;
		if (pfn - held[i].first >= held[i].count)
			continue;
		if (f && (pfn - f->closed[0].first < f->closed[0].count || pfn - f->closed[1].first < f->closed[1].count))
			return NULL;
		return &held[i];
	}
	return NULL;
}

struct dev_frames *dev_frames_spare(unsigned n)
{
	for (unsigned i = 0; i < HELD; i++)
		if (!held[i].count && !n--)
			return &held[i];
	return NULL;
}

bool dev_frames_are_held(uint64_t first, uint64_t end)
{
	for (unsigned i = 0; i < HELD; i++)
		if (held[i].count && first < (uint64_t)held[i].first + held[i].count && end > held[i].first)
			return true;
	return false;
}

/* What boot found as the kernel's own, configuration space, and where PC firmware keeps APICs, HPET and flash. */
bool dev_frames_are_kept(uint64_t first, uint64_t end)
{
	const uint64_t apic = 0xfec00, flash = 0x100000, ours[] = { boot->lapic, boot->ioapic, boot->hpet };
	for (unsigned i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (ours[i] && first <= ours[i] >> EXO_PAGE_SHIFT && end > ours[i] >> EXO_PAGE_SHIFT)
			return true;
	if (first < flash && end > apic)
		return true;
	if (first < (boot->ecam + boot->ecam_size) >> EXO_PAGE_SHIFT && end > boot->ecam >> EXO_PAGE_SHIFT)
		return true;
	const struct boot_range *map = pa_ptr(boot->map);
	for (uint64_t i = 0; i < boot->map_count; i++)
		if (first < map[i].pfn + map[i].count && end > map[i].pfn)
			return true; /* RAM, or the firmware's */
	return first < 0x100; /* below 1 MiB: ROMs and the firmware's */
}

static int64_t bind_frames(struct env *me, uint64_t first, uint64_t n, bool write_combined)
{
	if (n == 0 || n > 1ul << 20 || first > (1ul << 40) - n || first + n > UINT32_MAX)
		return -EXO_EINVAL;
	if (dev_frames_are_kept(first, first + n))
		return -EXO_EPERM;
	/* Behind any other address may be a device that masters the bus: the machine right. A function's comes with it. */
	uint64_t fb = boot->fb_base >> EXO_PAGE_SHIFT, fb_end = (boot->fb_base + boot->fb_size + EXO_PAGE_SIZE - 1) >> EXO_PAGE_SHIFT;
	bool screen = first >= fb && first + n <= fb_end;
	if (!screen && (!me->machine || pci_has_memory(first, first + n)))
		return -EXO_EPERM;
	if (dev_frames_are_held(first, first + n))
		return -EXO_EBUSY;
	struct dev_frames *spare = dev_frames_spare(0);
	if (!spare)
		return -EXO_ENOMEM;
	if (!account_charge(envs[me->index].account, EXO_C_DEVICES, 1))
		return -EXO_EPERM;
	*spare = (struct dev_frames){ (uint32_t)first, (uint32_t)n, 0, me->index, write_combined, NULL };
	return 0;
}

static int64_t bind_ports(struct env *me, uint64_t base, uint64_t n)
{
	unsigned row = 0, i = 0;
	if (base > 0xffff || n == 0 || n > 8 - base % 8)
		return -EXO_EINVAL;
	unsigned want = ((1u << n) - 1) << base % 8;
	while (row < PORT_ROWS && port_row[row].base != (base & ~7ul))
		row++;
	if (row == PORT_ROWS || want & ~(unsigned)port_row[row].mask)
		return -EXO_EPERM;
	bool is_guarded = port_row[row].right != ANYONE || port_row[row].base == boot->serial_base;
	if ((is_guarded && !me->machine) || (port_row[row].right == VIRTUAL && !has_hypervisor))
		return -EXO_EPERM;
	if (port_held[row] & want)
		return -EXO_EBUSY;
	while (i < me->port_count && me->port[i].row != row)
		i++;
	if (i == ENV_PORTS)
		return -EXO_ENOMEM;
	if (i == me->port_count) { /* a group is one device */
		if (!account_charge(envs[me->index].account, EXO_C_DEVICES, 1))
			return -EXO_EPERM;
		me->port[me->port_count++] = (struct env_port){ port_row[row].base / 8, 0, (uint8_t)row };
	}
	port_held[row] |= (uint8_t)want;
	me->port[i].mask |= (uint8_t)want;
	machine_ports(me, true);
	return 0;
}

static int64_t bind_line(struct env *me, uint64_t l, uint64_t n)
{
	bool level = l < 16 && irq_is_level((unsigned)l);
	if (n != 1 || l >= 16)
		return -EXO_EINVAL;
	if (LINES_NEVER >> l & 1 || (!level && !((LINES_ANYONE | LINES_MACHINE) >> l & 1)))
		return -EXO_EPERM;
	if (!me->machine && (level || !(LINES_ANYONE >> l & 1)))
		return -EXO_EPERM;
	if (me->irq_lines >> l & 1)
		return -EXO_EEXIST;
	for (unsigned i = 0; i < (level ? BINDERS : 1); i++) {
		if (line[l].env[i])
			continue;
		if (!account_charge(envs[me->index].account, EXO_C_DEVICES, 1))
			return -EXO_EPERM;
		line[l].env[i] = me;
		me->irq_lines |= (uint16_t)(1u << l);
		if (!line[l].owes)
			irq_mask((unsigned)l, false);
		return 0;
	}
	return -EXO_EBUSY;
}

int64_t op_dev_bind(uint64_t kind, uint64_t base, uint64_t n)
{
	struct env *me = current_env();
	switch (kind) {
	case EXO_DEV_PORTS:
		return bind_ports(me, base, n);
	case EXO_DEV_IRQ:
		return bind_line(me, base, n);
	case EXO_DEV_FRAMES:
	case EXO_DEV_FRAMES_WC:
		return bind_frames(me, base, n, kind == EXO_DEV_FRAMES_WC);
	case EXO_DEV_TRACE:
		return trace_bind(base, n);
	}
	return pci_bind(kind, base, n);
}

/* Binder i owes nothing any more; when nobody does, the line may come again. */
static void line_settle(unsigned l, unsigned i)
{
	line[l].owes &= (uint8_t)~(1u << i);
	if (!line[l].owes)
		irq_mask(l, false);
}

int64_t op_dev_ack(uint64_t l)
{
	struct env *me = current_env();
	if (l >= 16)
		return -EXO_EINVAL;
	if (!(me->irq_lines >> l & 1))
		return -EXO_ENOENT;
	if (irq_is_level((unsigned)l))
		for (unsigned i = 0; i < BINDERS; i++)
			if (line[l].env[i] == me)
				line_settle((unsigned)l, i);
	return 0;
}

/* A level line stays masked until all its binders acknowledged; an edge is remembered in irq_bits, so none is lost. */
void dev_interrupt(unsigned l)
{
	bool level = irq_is_level(l);
	if (level) {
		irq_mask(l, true);
		line[l].since = rdtsc();
		if (line[l].since + info->tsc_hz < dev_late)
			dev_late = line[l].since + info->tsc_hz;
	}
	for (unsigned i = 0; i < BINDERS; i++) {
		struct env *e = line[l].env[i];
		if (!e)
			continue;
		line[l].owes |= (uint8_t)(level << i);
		__atomic_or_fetch(&e->exo->irq_bits, 1u << l, __ATOMIC_SEQ_CST);
		sched_event(e, EXO_PEND_IRQ);
	}
}

static void line_leave(struct env *e, unsigned l)
{
	bool left = false;
	for (unsigned i = 0; i < BINDERS; i++) {
		if (line[l].env[i] == e) {
			line[l].env[i] = NULL;
			line_settle(l, i); /* a binder's end acknowledges */
		}
		left |= line[l].env[i] != NULL;
	}
	if (!left)
		irq_mask(l, true);
	e->irq_lines &= (uint16_t)~(1u << l);
	account_refund(envs[e->index].account, EXO_C_DEVICES, 1);
}

void dev_overdue(uint64_t now)
{
	dev_late = ~0ul;
	for (unsigned l = 0; l < 16; l++)
		for (unsigned i = 0; i < BINDERS && line[l].owes; i++) {
			uint64_t late = line[l].since + info->tsc_hz;
			if (!(line[l].owes >> i & 1))
				continue;
			if (now >= late) {
				klog("env %lx did not acknowledge interrupt line %u within a second, and has lost it",
					line[l].env[i]->name, l);
				line_leave(line[l].env[i], l);
			} else if (late < dev_late) {
				dev_late = late;
			}
		}
}

void dev_teardown(struct env *e)
{
	if (e->port_count && e == current_env())
		machine_ports(e, false);
	pci_quiet(e);
	for (unsigned i = 0; i < e->port_count; i++) {
		if (e->port[i].row == PORT_OF_PCI)
			continue;
		account_refund(envs[e->index].account, EXO_C_DEVICES, 1);
		port_held[e->port[i].row] &= (uint8_t)~e->port[i].mask;
	}
	e->port_count = 0;
	for (unsigned i = 0; i < HELD; i++)
		if (held[i].owner == e->index) {
			held[i].owner = 0;
			if (!held[i].maps)
				held[i].count = 0;
			if (!held[i].function)
				account_refund(envs[e->index].account, EXO_C_DEVICES, 1);
		}
	for (unsigned l = 0; l < 16; l++)
		if (e->irq_lines >> l & 1)
			line_leave(e, l);
}
