/* SPDX-License-Identifier: MIT */
/* PCI functions that envs drive, each bound whole and by one: what of their BARs comes along, their messages as
 * pending lines, the frames that they may reach, and how one is quieted and reset when its driver has ended.
 * Configuration space is written here alone (PCI Local Bus 3.0; PCI Express Base 3.0). */
#include "kernel.h"
#include "vector.h"

enum { COMMAND = 0x04, CACHE_LINE = 0x0c, HEADER = 0x0e, BARS = 0x10, BUS_BEHIND = 0x19, ROM = 0x30, INTERRUPT = 0x3c };
enum { COMMAND_IO = 1, COMMAND_MEMORY = 2, COMMAND_MASTER = 4, COMMAND_NO_INTX = 0x400 };

/* Functions that are held at one time. */
#define PLACES 16
static struct pci {
	struct exo_pci *public;
	struct env *env;
	struct pci *next;      /* of the same env */
	uint64_t until, limit; /* TSC: when to look again, and how long at all */
	enum { FREE, HELD, QUIET, RESET } state; /* the last two when its driver has ended: silent; told to reset itself */
} place[PLACES];
static struct { struct pci *pci; uint16_t index; } line[EXO_MSI_LINES];
uint8_t message_at[256];

static struct exo_pci *table(void) { return pa_ptr(boot->pci.phys); }

static uint32_t config_read(const struct exo_pci *f, unsigned at)
{
	outl(0xcf8, 1u << 31 | (uint32_t)f->bdf << 8 | (at & 0xfc));
	return inl(0xcfc);
}

static void config_write(const struct exo_pci *f, unsigned at, uint32_t value)
{
	outl(0xcf8, 1u << 31 | (uint32_t)f->bdf << 8 | (at & 0xfc));
	outl(0xcfc, value);
}

/* Of the table: what boot saw there. */
static uint32_t config_word(const struct exo_pci *f, unsigned at) { return f->config_word[at / 4 % 64]; }

/* The status half has bits that are cleared by writing ones. */
static void command_change(const struct exo_pci *f, uint32_t off, uint32_t on)
{ config_write(f, COMMAND, ((config_read(f, COMMAND) & 0xffff) & ~off) | on); }

static uint64_t bar_first(const struct exo_pci_bar *b) { return b->base >> EXO_PAGE_SHIFT; }
static uint64_t bar_end(const struct exo_pci_bar *b)
{ return (b->base + b->size + EXO_PAGE_SIZE - 1) >> EXO_PAGE_SHIFT; }
static bool bar_is_given(const struct exo_pci_bar *b)
{ return b->given && b->kind == EXO_PCI_MEM && !dev_frames_are_kept(bar_first(b), bar_end(b)); }
/* Groups of eight ports; what is smaller lies in one. */
static unsigned port_groups(const struct exo_pci_bar *b)
{ return b->given && b->kind == EXO_PCI_IO ? (unsigned)(b->size + 7) / 8 : 0; }

bool pci_has_memory(uint64_t first, uint64_t end)
{
	for (const struct exo_pci *f = table(); f < table() + boot->pci_count; f++)
		for (const struct exo_pci_bar *b = f->bar; b < f->bar + EXO_PCI_BARS; b++)
			if (b->kind == EXO_PCI_MEM && first < bar_end(b) && end > bar_first(b))
				return true;
	return false;
}

static struct exo_pci *function_find(uint64_t bdf)
{
	for (struct exo_pci *f = table(); f < table() + boot->pci_count; f++)
		if (f->bdf == bdf)
			return f;
	return NULL;
}

static void ports_take(struct env *me, const struct exo_pci_bar *b)
{
	uint8_t mask = (uint8_t)(b->size < 8 ? ((1u << b->size) - 1) << b->base % 8 : 0xff);
	for (unsigned i = 0; i < port_groups(b); i++)
		me->port[me->port_count++] = (struct env_port){ (uint16_t)(b->base / 8 + i), mask, PORT_OF_PCI };
}

static int64_t function_bind(struct env *me, uint64_t bdf)
{
	struct exo_pci *f = function_find(bdf);
	struct pci *p = place;
	unsigned groups = 0, ranges = 0, bus = (unsigned)(bdf >> 8);
	if (!f)
		return -EXO_ENOENT;
	if (!me->machine || !f->bindable)
		return -EXO_EPERM;
	if (f->holder)
		return envs[EXO_NAME_INDEX(f->holder)].state == EXO_S_DYING ? -EXO_EAGAIN : -EXO_EBUSY;
	for (const struct exo_pci_bar *b = f->bar; b < f->bar + EXO_PCI_BARS; b++) {
		groups += port_groups(b);
		ranges += bar_is_given(b);
		if (bar_is_given(b) && dev_frames_are_held(bar_first(b), bar_end(b)))
			return -EXO_EBUSY; /* by itself (the screen), or mapped still by who shares a dead driver's tables */
	}
	while (p < place + PLACES && p->state != FREE)
		p++;
	if (p == place + PLACES || groups + me->port_count > ENV_PORTS || !dev_frames_spare(ranges))
		return -EXO_ENOMEM;
	if (!account_charge(envs[me->index].account, EXO_C_DEVICES, 1))
		return -EXO_EPERM;
	*p = (struct pci){ .public = f, .env = me, .next = me->pci, .state = HELD };
	me->pci = p;
	f->holder = me->name;
	for (const struct exo_pci_bar *b = f->bar; b < f->bar + EXO_PCI_BARS; b++) {
		ports_take(me, b);
		if (bar_is_given(b))
			*dev_frames_spare(0) = (struct dev_frames){ .first = (uint32_t)bar_first(b), .owner = me->index,
				.count = (uint32_t)(bar_end(b) - bar_first(b)), .function = f };
	}
	machine_ports(me, true);
	/* Nothing passes a bridge that was stopped. */
	for (const struct exo_pci *b = table(); b < table() + boot->pci_count; b++)
		if ((b->config[HEADER] & 0x7f) == 1 && bus >= b->config[BUS_BEHIND] && bus <= b->config[BUS_BEHIND + 1])
			command_change(b, 0, COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER);
	command_change(f, COMMAND_MASTER, COMMAND_IO | COMMAND_MEMORY);
	return 0;
}

/* ---- messages */

/* An entry of an MSI-X table in two halves, since it may lie across the end of a page. */
static void half_write(uint64_t at, uint32_t low, uint32_t high)
{
	volatile uint32_t *half = kernel_device(at);
	half[0] = low;
	half[1] = high;
}

/* vector 0: off. */
static void message_write(const struct exo_pci *f, unsigned index, unsigned vector)
{
	uint32_t address = vector ? apic_message_address() : 0, head = config_word(f, f->msi), wide = head >> 21 & 4;
	if (f->msix) {
		half_write(f->msix_table + index * 16ul, address, 0);
		half_write(f->msix_table + index * 16ul + 8, vector, !vector);
		return config_write(f, f->msix, (config_word(f, f->msix) & 0x3fffffff) | 1u << 31);
	}
	config_write(f, f->msi + 4u, address);
	if (wide)
		config_write(f, f->msi + 8u, 0);
	config_write(f, f->msi + 8u + wide, vector);
	config_write(f, f->msi, (head & ~0x710000u) | (uint32_t)(vector != 0) << 16); /* one message */
}

static int64_t message_bind(struct env *me, struct pci *p, uint64_t index)
{
	unsigned l = EXO_MSI_LINES;
	if (index >= p->public->messages)
		return -EXO_EINVAL;
	for (unsigned i = EXO_MSI_LINES; i--;) {
		if (line[i].pci == p && line[i].index == index)
			return -EXO_EEXIST;
		if (!line[i].pci)
			l = i;
	}
	if (l == EXO_MSI_LINES)
		return -EXO_ENOMEM;
	if (!account_charge(envs[me->index].account, EXO_C_DEVICES, 1))
		return -EXO_EPERM;
	unsigned vector = l < MSI_FIRST ? VECTOR_MSI + l : VECTOR_MSI_MORE + l - MSI_FIRST;
	line[l].pci = p;
	line[l].index = (uint16_t)index;
	message_at[vector] = (uint8_t)(l + 1);
	message_write(p->public, (unsigned)index, vector);
	command_change(p->public, 0, COMMAND_NO_INTX);
	return l;
}

void pci_interrupt(unsigned l)
{
	if (!line[l].pci)
		return; /* it was on its way when its line went */
	__atomic_or_fetch(&line[l].pci->env->exo->msi_bits, 1ul << l, __ATOMIC_SEQ_CST);
	sched_event(line[l].pci->env, EXO_PEND_IRQ);
}

/* ---- frames that devices reach: pinned by one env, in a chain of its own. A frame of data has neither links nor
 * base: their places hold the chain. */

static int64_t pin_end(struct env *e, uint32_t pfn)
{
	struct exo_frame_rec *f = &frames[pfn];
	*(f->pin_prev ? &frames[f->pin_prev].pin_next : &e->pinned) = f->pin_next;
	if (f->pin_next)
		frames[f->pin_next].pin_prev = f->pin_prev;
	f->pins = 0;
	f->pin_prev = f->pin_next = 0;
	if (!f->owner && !frame_is_counted(f))
		frame_free(pfn);
	return 0;
}

/* The record that speaks for a frame of data, 0 = it is none. */
static uint32_t data_find(uint64_t pfn)
{
	if (pfn_is_ram(pfn) && frames[pfn].type == EXO_PART)
		pfn &= -(uint64_t)EXO_RUN_FRAMES;
	return pfn_is_ram(pfn) && (frames[pfn].type == EXO_DATA || frames[pfn].type == EXO_RUN) ? (uint32_t)pfn : 0;
}

static int64_t pin(struct env *me, uint64_t at)
{
	const uint8_t *page = user_page(at & ~EXO_DMA_WRITE, at & EXO_DMA_WRITE);
	uint64_t pfn = page ? (uint64_t)(page - (const uint8_t *)pfn_ptr(0)) >> EXO_PAGE_SHIFT : 0;
	uint32_t head = data_find(pfn);
	struct exo_frame_rec *f = &frames[head];
	if (at & (EXO_PAGE_SIZE - 1) & ~EXO_DMA_WRITE)
		return -EXO_EINVAL;
	if (!me->pci)
		return -EXO_EPERM;
	if (!head)
		return page ? -EXO_ETYPE : -EXO_ENOENT;
	if (f->pins && f->spare != me->index)
		return -EXO_EBUSY; /* another's, or the tracer's */
	if (f->pins == UINT16_MAX)
		return -EXO_EOVERFLOW;
	f->flags &= (uint8_t)~FRAME_CLEAN;
	if (!f->pins++) {
		f->spare = me->index;
		f->pin_next = me->pinned;
		if (me->pinned)
			frames[me->pinned].pin_prev = head;
		me->pinned = head;
	}
	return (int64_t)pfn;
}

static int64_t unpin(struct env *me, uint64_t pfn)
{
	uint32_t head = data_find(index_of(pfn, frame_count));
	if (pfn >= frame_count)
		return -EXO_EINVAL;
	if (!head || !frames[head].pins || frames[head].spare != me->index)
		return -EXO_EPERM;
	return --frames[head].pins ? 0 : pin_end(me, head);
}

int64_t pci_bind(uint64_t kind, uint64_t base, uint64_t n)
{
	struct env *me = current_env();
	struct pci *p = me->pci;
	if (kind < EXO_DEV_PCI || kind > EXO_DEV_DMA_END || (kind != EXO_DEV_MSI && n != 1))
		return -EXO_EINVAL;
	if (kind == EXO_DEV_PCI)
		return function_bind(me, base);
	if (kind == EXO_DEV_DMA)
		return pin(me, base);
	if (kind == EXO_DEV_DMA_END)
		return unpin(me, base);
	while (p && p->public->bdf != base)
		p = p->next;
	if (!p)
		return function_find(base) ? -EXO_EPERM : -EXO_ENOENT;
	if (kind == EXO_DEV_MSI)
		return message_bind(me, p, n);
	command_change(p->public, 0, COMMAND_MASTER);
	return 0;
}

/* ---- the end of a driver */

void pci_quiet(struct env *e)
{
	for (struct pci *p = e->pci; p; p = p->next) {
		for (unsigned l = 0; l < EXO_MSI_LINES; l++)
			if (line[l].pci == p) {
				message_write(p->public, line[l].index, 0);
				line[l].pci = NULL;
				account_refund(envs[e->index].account, EXO_C_DEVICES, 1);
			}
		command_change(p->public, COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER, 0);
		p->state = QUIET;
		p->until = rdtsc() + info->tsc_hz / 10; /* for what it has begun: emulated functions finish that all the same */
	}
}

/* What a reset has made the function forget: BARs and other words of the header, how it speaks to its link. */
static void restore(const struct exo_pci *f)
{
	for (unsigned at = BARS; at <= ROM; at += 4) /* what else stands there is read-only */
		config_write(f, at, config_word(f, at));
	config_write(f, CACHE_LINE, config_word(f, CACHE_LINE) & 0xffff);
	config_write(f, INTERRUPT, config_word(f, INTERRUPT));
	if (f->express) {
		config_write(f, f->express + 8u, config_word(f, f->express + 8u) & 0x7fff);
		config_write(f, f->express + 16u, config_word(f, f->express + 16u) & 0xffff);
	}
}

/* One step: true when the function is as new, or, if it knows no reset, quiet: its next driver resets it before it
 * lets it master the bus. */
static bool reset_step(struct pci *p, uint64_t now)
{
	const struct exo_pci *f = p->public;
	if (now < p->until)
		return false;
	p->until = now + info->tsc_hz / 100;
	if (p->state == QUIET) {
		/* Comes back when all that was on its way has arrived. For as long as it takes: what the function may reach
		 * is not given away. */
		if (config_read(f, COMMAND) & COMMAND_MASTER) {
			command_change(f, COMMAND_MASTER, 0);
			return false;
		}
		if (!f->express || !(config_word(f, f->express + 4u) >> 28 & 1))
			return true;
		config_write(f, f->express + 8u, (config_word(f, f->express + 8u) & 0xffff) | 1u << 15);
		*p = (struct pci){ p->public, p->env, p->next, now + info->tsc_hz / 10, now + info->tsc_hz, RESET };
		return false;
	}
	if ((config_read(f, 0) & 0xffff) == 0xffff && now < p->limit)
		return false;
	restore(f);
	return true;
}

void pci_teardown(struct env *e)
{
	for (struct pci **at = &e->pci, *p; (p = *at);) {
		if (!reset_step(p, rdtsc())) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->state = FREE;
		p->public->holder = 0;
		account_refund(envs[e->index].account, EXO_C_DEVICES, 1);
	}
	for (int n = 0; n < 16 && !e->pci && e->pinned; n++)
		(void)pin_end(e, e->pinned);
}
